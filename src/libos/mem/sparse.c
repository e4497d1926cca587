// SPDX-License-Identifier: BSD-3-Clause
#include "libos/mem/sparse.h"

#include "abi/linux/abi.h"
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/heap.h"

#define LEAF_BITS (PAGE_SIZE * 8)

static int grow(struct sparse *map, u64 count)
{
    u64 room = MAX(count, map->count * 2);
    u64 **leaves = krealloc(map->leaves, room * sizeof(*leaves));
    if (!leaves)
        return -ENOMEM;
    memset(leaves + map->count, 0, (room - map->count) * sizeof(*leaves));
    map->leaves = leaves;
    map->count = room;
    return 0;
}

int sparse_reserve(struct sparse *map, u64 first, u64 end)
{
    u64 last = DIV_ROUND_UP(end, LEAF_BITS);
    if (last > map->count && grow(map, last) != 0)
        return -ENOMEM;
    for (u64 i = first / LEAF_BITS; i < last; i++) {
        if (map->leaves[i])
            continue;
        map->leaves[i] = kpages_alloc(1);
        if (!map->leaves[i])
            return -ENOMEM;
        memset(map->leaves[i], 0, PAGE_SIZE);
    }
    return 0;
}

static u64 *leaf(const struct sparse *map, u64 bit)
{
    return bit / LEAF_BITS < map->count ? map->leaves[bit / LEAF_BITS] : NULL;
}

void sparse_set(struct sparse *map, u64 bit) { bitmap_set(leaf(map, bit), bit % LEAF_BITS); }

void sparse_clear(struct sparse *map, u64 bit)
{
    if (leaf(map, bit))
        bitmap_clear(leaf(map, bit), bit % LEAF_BITS);
}

bool sparse_test(const struct sparse *map, u64 bit)
{
    return leaf(map, bit) && bitmap_test(leaf(map, bit), bit % LEAF_BITS);
}

u64 sparse_next(const struct sparse *map, u64 first, u64 end)
{
    for (u64 bit = first; bit < end;) {
        const u64 *words = leaf(map, bit);
        if (bit / LEAF_BITS >= map->count)
            return end;
        if (!words) {
            bit = (bit / LEAF_BITS + 1) * LEAF_BITS;
            continue;
        }
        u64 word = words[bit % LEAF_BITS / 64] >> (bit % 64);
        if (word)
            return MIN(bit + (u64)__builtin_ctzll(word), end);
        bit = (bit / 64 + 1) * 64;
    }
    return end;
}

void sparse_free(struct sparse *map)
{
    for (u64 i = 0; i < map->count; i++)
        if (map->leaves[i])
            kpages_free(map->leaves[i], 1);
    kfree(map->leaves);
    *map = (struct sparse){ 0 };
}
