// SPDX-License-Identifier: BSD-3-Clause
// Blocks in memory: a hash table, the clean ones in order of use, the dirty ones by level.
#include <asm/errno.h>

#include "base/string.h"
#include "volume/volume_impl.h"

int cache_init(struct volume *v, u64 blocks)
{
    v->cache_blocks = blocks ? MAX(blocks, (u64)MIN_CACHE) : DEFAULT_CACHE;
    v->hash_size = 64;
    while (v->hash_size < v->cache_blocks)
        v->hash_size *= 2;
    list_init(&v->clean);
    for (u32 level = 0; level <= VOLUME_MAX_HEIGHT; level++)
        list_init(&v->dirty[level]);
    v->hash = v->env->alloc(v->hash_size * sizeof(*v->hash));
    v->staging = v->env->alloc(RUN_BLOCKS * VOLUME_BLOCK);
    if (!v->hash || !v->staging)
        return -ENOMEM;
    for (u64 i = 0; i < v->hash_size; i++)
        list_init(&v->hash[i]);
    return 0;
}

static struct list_head *chain(struct volume *v, u32 level, u64 index)
{
    u64 mixed = (index * VOLUME_MAX_HEIGHT + level) * 0x9e3779b97f4a7c15ull;
    return &v->hash[(mixed >> 32) & (v->hash_size - 1)];
}

struct block *cache_find(struct volume *v, u32 level, u64 index)
{
    struct block *block;

    list_for_each (block, chain(v, level, index), by_hash) {
        if (block->index != index || block->level != level)
            continue;
        if (!block->dirty) {
            list_del(&block->by_use);
            list_add(&block->by_use, &v->clean);
        }
        return block;
    }
    return NULL;
}

static void destroy(struct volume *v, struct block *block)
{
    list_del(&block->by_hash);
    list_del(&block->by_use);
    v->env->free(block->data, VOLUME_BLOCK);
    v->env->free(block, sizeof(*block));
    v->cached--;
}

void cache_remove(struct volume *v, struct block *block)
{
    if (block->dirty)
        cache_set_clean(v, block);
    destroy(v, block);
}

// The least recently used clean block that nobody holds. Pinned ones are few (a path of the tree).
static void evict_one(struct volume *v)
{
    for (struct list_head *at = v->clean.prev; at != &v->clean; at = at->prev) {
        struct block *block = list_entry(at, struct block, by_use);
        if (!block->pins) {
            destroy(v, block);
            return;
        }
    }
}

int cache_add(struct volume *v, u32 level, u64 index, struct block **ret_block)
{
    while (v->cached >= v->cache_blocks) {
        u64 before = v->cached;
        evict_one(v);
        if (v->cached == before)
            break; // all dirty or held: writeback_some keeps that rare, and it may be exceeded a little
    }
    struct block *block = v->env->alloc(sizeof(*block));
    u8 *data = block ? v->env->alloc(VOLUME_BLOCK) : NULL;
    if (!data) {
        if (block)
            v->env->free(block, sizeof(*block));
        return -ENOMEM;
    }
    *block = (struct block){ .level = level, .index = index, .pins = 1, .data = data };
    list_add(&block->by_hash, chain(v, level, index));
    list_add(&block->by_use, &v->clean);
    v->cached++;
    *ret_block = block;
    return 0;
}

void cache_set_dirty(struct volume *v, struct block *block)
{
    block->dirty = true;
    list_del(&block->by_use);
    list_add_tail(&block->by_use, &v->dirty[block->level]);
    v->dirty_count++;
    v->dirty_level[block->level]++;
}

void cache_set_clean(struct volume *v, struct block *block)
{
    block->dirty = false;
    list_del(&block->by_use);
    list_add(&block->by_use, &v->clean);
    v->dirty_count--;
    v->dirty_level[block->level]--;
}

void cache_forget(struct volume *v)
{
    struct block *block, *next;

    for (u64 i = 0; v->hash && i < v->hash_size; i++) {
        list_for_each_safe (block, next, &v->hash[i], by_hash)
            destroy(v, block);
    }
}

void cache_destroy(struct volume *v)
{
    cache_forget(v);
    if (v->hash)
        v->env->free(v->hash, v->hash_size * sizeof(*v->hash));
    if (v->staging)
        v->env->free(v->staging, RUN_BLOCKS * VOLUME_BLOCK);
}
