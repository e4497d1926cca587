// SPDX-License-Identifier: BSD-3-Clause
// Bitmaps over arrays of u64. Not atomic: the caller holds whatever lock guards the map.
#pragma once

#include "base/types.h"

#define BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline bool bitmap_test(const u64 *map, size_t bit) { return (map[bit / 64] >> (bit % 64)) & 1; }
static inline void bitmap_set(u64 *map, size_t bit) { map[bit / 64] |= 1ull << (bit % 64); }
static inline void bitmap_clear(u64 *map, size_t bit) { map[bit / 64] &= ~(1ull << (bit % 64)); }

// Sets or clears [start, start + count).
static inline void bitmap_assign(u64 *map, size_t start, size_t count, bool value)
{
    for (size_t i = start; i < start + count; i++)
        if (value)
            bitmap_set(map, i);
        else
            bitmap_clear(map, i);
}

// Returns the first clear bit in [from, bits), or bits if there is none.
static inline size_t bitmap_find_clear(const u64 *map, size_t bits, size_t from)
{
    for (size_t bit = from; bit < bits;) {
        u64 word = ~map[bit / 64] >> (bit % 64);
        if (word) {
            bit += (size_t)__builtin_ctzll(word);
            return bit < bits ? bit : bits;
        }
        bit = (bit / 64 + 1) * 64;
    }
    return bits;
}
