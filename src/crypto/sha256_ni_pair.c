// SPDX-License-Identifier: BSD-3-Clause
// Two SHA-256 computations interleaved. SHA256RNDS2 takes several cycles before its result can be used; the other
// message's rounds fill them.
#include <immintrin.h>

#include "crypto/sha256.h"

struct lane {
    __m128i abef, cdgh, w[4];
};

static inline void rounds(struct lane *l, int i, __m128i w)
{
    __m128i wk = _mm_add_epi32(w, _mm_load_si128((const __m128i *)&sha256_k[4 * i]));
    l->cdgh = _mm_sha256rnds2_epu32(l->cdgh, l->abef, wk);
    l->abef = _mm_sha256rnds2_epu32(l->abef, l->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

// The next four schedule words take the place of the oldest four.
static inline void schedule(struct lane *l, int i)
{
    __m128i *w = l->w;
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(w[i & 3], w[(i + 1) & 3]),
                              _mm_alignr_epi8(w[(i + 3) & 3], w[(i + 2) & 3], 4));
    w[i & 3] = _mm_sha256msg2_epu32(t, w[(i + 3) & 3]);
}

static inline void load_words(struct lane *l, const u8 *p)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    for (int i = 0; i < 4; i++)
        l->w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i)), swap);
}

static inline void load_state(struct lane *l, const u32 state[8])
{
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);
    l->abef = _mm_alignr_epi8(cdab, efgh, 8);
    l->cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
}

static inline void store_state(const struct lane *l, u32 state[8])
{
    __m128i feba = _mm_shuffle_epi32(l->abef, 0x1b), dchg = _mm_shuffle_epi32(l->cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

void sha256_blocks_ni_pair(u32 state_a[8], u32 state_b[8], const u8 *data_a, const u8 *data_b, size_t count)
{
    struct lane a, b;

    load_state(&a, state_a);
    load_state(&b, state_b);
    for (; count; count--, data_a += SHA256_BLOCK, data_b += SHA256_BLOCK) {
        __m128i before[4] = { a.abef, a.cdgh, b.abef, b.cdgh };
        load_words(&a, data_a);
        load_words(&b, data_b);
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            if (i >= 4) {
                schedule(&a, i);
                schedule(&b, i);
            }
            rounds(&a, i, a.w[i & 3]);
            rounds(&b, i, b.w[i & 3]);
        }
        a.abef = _mm_add_epi32(a.abef, before[0]);
        a.cdgh = _mm_add_epi32(a.cdgh, before[1]);
        b.abef = _mm_add_epi32(b.abef, before[2]);
        b.cdgh = _mm_add_epi32(b.cdgh, before[3]);
    }
    store_state(&a, state_a);
    store_state(&b, state_b);
}
