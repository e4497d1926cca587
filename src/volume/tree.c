// SPDX-License-Identifier: BSD-3-Clause
// The tree from logical blocks to places. A node is a block like any other, one level up.
#include <asm/errno.h>

#include "base/string.h"
#include "volume/volume_impl.h"

u64 tree_level_blocks(const struct volume *v, u32 level)
{
    u64 blocks = v->super.blocks;

    for (u32 i = 0; i < level; i++)
        blocks = DIV_ROUND_UP(blocks, VOLUME_FANOUT);
    return blocks;
}

int tree_entry(struct volume *v, u32 level, u64 index, struct volume_entry *ret_entry)
{
    struct block *parent;

    if (level == v->super.height) {
        *ret_entry = v->super.root;
        return 0;
    }
    int err = tree_get(v, level + 1, index / VOLUME_FANOUT, &parent);
    if (err)
        return err;
    *ret_entry = parent->node->entries[index % VOLUME_FANOUT];
    block_unpin(parent);
    return 0;
}

int tree_set_entry(struct volume *v, u32 level, u64 index, const struct volume_entry *entry)
{
    struct volume_entry *at = &v->super.root;
    struct block *parent = NULL;

    if (level < v->super.height) {
        int err = tree_get(v, level + 1, index / VOLUME_FANOUT, &parent);
        if (err)
            return err;
        at = &parent->node->entries[index % VOLUME_FANOUT];
    }
    if (at->place)
        space_drop(v, at->place);
    *at = *entry;
    if (parent)
        block_unpin(parent);
    return 0;
}

static int fill(struct volume *v, struct block *block, const struct volume_entry *entry)
{
    u8 *sealed = v->staging;

    if (!entry->place) {
        memset(block->data, 0, VOLUME_BLOCK);
        return 0;
    }
    int err = v->backend.read(v->backend.context, entry->place * VOLUME_BLOCK, sealed, VOLUME_BLOCK);
    return err ? err : crypt_open_block(v, block->level, block->index, entry, sealed, block->data);
}

int tree_get(struct volume *v, u32 level, u64 index, struct block **ret_block)
{
    struct block *block = cache_find(v, level, index);
    struct volume_entry entry;

    if (block) {
        block->pins++;
        *ret_block = block;
        return 0;
    }
    int err = tree_entry(v, level, index, &entry); // recursion: at most VOLUME_MAX_HEIGHT deep
    if (!err)
        err = cache_add(v, level, index, &block);
    if (err)
        return err;
    err = fill(v, block, &entry);
    if (err) {
        cache_remove(v, block);
        return err;
    }
    *ret_block = block;
    return 0;
}

int tree_make_dirty(struct volume *v, struct block *block, bool for_discard)
{
    struct block *parent = NULL;
    int err = 0;

    if (block->dirty)
        return 0;
    // Ancestors first: when one cannot be, the block stays clean, and an ancestor dirty without need harms nothing.
    if (block->level < v->super.height) {
        err = tree_get(v, block->level + 1, block->index / VOLUME_FANOUT, &parent);
        if (!err)
            err = tree_make_dirty(v, parent, for_discard);
        if (parent)
            block_unpin(parent);
    }
    if (!err)
        err = space_ensure(v, v->dirty_count + 1, for_discard);
    if (!err)
        cache_set_dirty(v, block);
    return err;
}

static bool is_new(const struct volume_entry *entry, const u8 salt[16], u64 first)
{
    return entry->place && entry->counter >= first && memcmp(entry->salt, salt, sizeof(entry->salt)) == 0;
}

// A block of the commit, and those below it: what a new node names may be old, what an old one names is.
static int verify(struct volume *v, u32 level, u64 index, const u8 salt[16], u64 first)
{
    struct block *block;
    int err = tree_get(v, level, index, &block);

    if (err)
        return err;
    for (u64 i = 0; level && i < VOLUME_FANOUT && !err; i++)
        if (is_new(&block->node->entries[i], salt, first))
            err = verify(v, level - 1, index * VOLUME_FANOUT + i, salt, first);
    block_unpin(block);
    return err;
}

int tree_verify_commit(struct volume *v, const u8 salt[16], u64 first)
{
    return is_new(&v->super.root, salt, first) ? verify(v, v->super.height, 0, salt, first) : 0;
}

// One node and what is below it. Data blocks are not read: their places stand in level 1.
static int walk(struct volume *v, u32 level, u64 index)
{
    struct block *block;
    int err = tree_get(v, level, index, &block);

    if (err)
        return err;
    for (u64 i = 0; i < VOLUME_FANOUT && !err; i++) {
        u64 place = block->node->entries[i].place;
        if (!place)
            continue;
        err = space_mark_committed(v, place);
        if (!err && level > 1)
            err = walk(v, level - 1, index * VOLUME_FANOUT + i);
    }
    block_unpin(block);
    return err;
}

int tree_walk_space(struct volume *v)
{
    if (!v->super.root.place)
        return 0;
    int err = space_mark_committed(v, v->super.root.place);
    return err ? err : walk(v, v->super.height, 0);
}
