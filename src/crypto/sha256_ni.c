// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 with the SHA extensions (Intel SDM volume 2: SHA256RNDS2, SHA256MSG1, SHA256MSG2). The instructions want the
// state as the two vectors ABEF and CDGH.
#include <immintrin.h>

#include "crypto/sha256.h"

// Four rounds with the schedule words w (already with big-endian bytes swapped).
#define ROUNDS(i, w)                                                                        \
    do {                                                                                    \
        __m128i wk = _mm_add_epi32(w, _mm_load_si128((const __m128i *)&sha256_k[4 * (i)])); \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);                                       \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));              \
    } while (0)

// The next four schedule words, from the sixteen before them.
static inline __m128i schedule(__m128i w0, __m128i w1, __m128i w2, __m128i w3)
{
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
    return _mm_sha256msg2_epu32(t, w3);
}

static inline __m128i load_words(const u8 *p)
{
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), swap);
}

void sha256_blocks_ni(u32 state[8], const u8 *data, size_t count)
{
    __m128i dcba = _mm_loadu_si128((const __m128i *)(const void *)state);
    __m128i hgfe = _mm_loadu_si128((const __m128i *)(const void *)(state + 4));
    __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
    __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

    for (; count; count--, data += SHA256_BLOCK) {
        __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w0 = load_words(data), w1 = load_words(data + 16), w2 = load_words(data + 32),
                w3 = load_words(data + 48);

        ROUNDS(0, w0);
        ROUNDS(1, w1);
        ROUNDS(2, w2);
        ROUNDS(3, w3);
        for (int i = 4; i < 16; i += 4) {
            w0 = schedule(w0, w1, w2, w3);
            ROUNDS(i, w0);
            w1 = schedule(w1, w2, w3, w0);
            ROUNDS(i + 1, w1);
            w2 = schedule(w2, w3, w0, w1);
            ROUNDS(i + 2, w2);
            w3 = schedule(w3, w0, w1, w2);
            ROUNDS(i + 3, w3);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
