// SPDX-License-Identifier: BSD-3-Clause
// Bitmaps over ranges that are mostly empty (pages of a file): leaves of 32,768 bits, made where a bit is set. Not
// atomic: the caller holds whatever lock guards the map.
#pragma once

#include "base/types.h"

struct sparse {
    u64 **leaves;
    u64 count; // of leaves, present or not
};

// Makes room, so that setting bits of [first, end) cannot fail. 0 or -ENOMEM.
__nodiscard int sparse_reserve(struct sparse *map, u64 first, u64 end);
void sparse_set(struct sparse *map, u64 bit); // in a reserved place
void sparse_clear(struct sparse *map, u64 bit);
bool sparse_test(const struct sparse *map, u64 bit);
// The first set bit in [first, end), or end.
u64 sparse_next(const struct sparse *map, u64 first, u64 end);
void sparse_free(struct sparse *map);
