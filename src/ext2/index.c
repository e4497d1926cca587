// SPDX-License-Identifier: BSD-3-Clause
#include "ext2/index.h"

#include "ext2/ext2_impl.h"

enum { FREE = 0, REMOVED = UINT32_MAX };

u32 ext2_hash(const char *name, size_t len)
{
    u32 hash = 2166136261u;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (u8)name[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static int resize(const struct volume_env *env, struct ext2_index *index, u64 slots)
{
    struct ext2_index larger = { .slots = slots, .table = env->alloc(slots * sizeof(*larger.table)) };

    if (!larger.table)
        return -ENOMEM;
    memset(larger.table, 0, slots * sizeof(*larger.table));
    for (u64 i = 0; i < index->slots; i++) {
        if (index->table[i][1] == FREE || index->table[i][1] == REMOVED)
            continue;
        int err = ext2_index_add(env, &larger, index->table[i][0], (u64)(index->table[i][1] - 1) * 4);
        if (err) // cannot be: it is large enough
            return err;
    }
    if (index->table)
        env->free(index->table, index->slots * sizeof(*index->table));
    *index = larger;
    return 0;
}

int ext2_index_new(const struct volume_env *env, u64 names, struct ext2_index **ret_index)
{
    struct ext2_index *index = env->alloc(sizeof(*index));
    u64 slots = 256;

    if (!index)
        return -ENOMEM;
    while (slots < names * 2)
        slots *= 2;
    *index = (struct ext2_index){ 0 };
    int err = resize(env, index, slots);
    if (err)
        env->free(index, sizeof(*index));
    else
        *ret_index = index;
    return err;
}

void ext2_index_free(const struct volume_env *env, struct ext2_index *index)
{
    env->free(index->table, index->slots * sizeof(*index->table));
    env->free(index, sizeof(*index));
}

int ext2_index_add(const struct volume_env *env, struct ext2_index *index, u32 hash, u64 offset)
{
    if (index->used * 4 >= index->slots * 3) {
        int err = resize(env, index, index->slots * 2);
        if (err)
            return err;
    }
    u64 at = hash & (index->slots - 1);
    while (index->table[at][1] != FREE)
        at = (at + 1) & (index->slots - 1);
    index->table[at][0] = hash;
    index->table[at][1] = (u32)(offset / 4) + 1;
    index->used++;
    return 0;
}

void ext2_index_remove(struct ext2_index *index, u32 hash, u64 offset)
{
    for (u64 at = hash & (index->slots - 1); index->table[at][1] != FREE; at = (at + 1) & (index->slots - 1))
        if (index->table[at][1] == (u32)(offset / 4) + 1) {
            index->table[at][1] = REMOVED;
            return;
        }
}

bool ext2_index_next(const struct ext2_index *index, u32 hash, u64 *at, u64 *ret_offset)
{
    for (; *at < index->slots; (*at)++) {
        const u32 *slot = index->table[(hash + *at) & (index->slots - 1)];
        if (slot[1] == FREE)
            return false;
        if (slot[1] == REMOVED || slot[0] != hash)
            continue;
        *ret_offset = (u64)(slot[1] - 1) * 4;
        (*at)++;
        return true;
    }
    return false;
}
