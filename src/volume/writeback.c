// SPDX-License-Identifier: BSD-3-Clause
// Dirty blocks go to free places, in runs. No superblock names them until the next commit, so what is written here may
// be torn, reordered or lost.
#include <asm/errno.h>

#include "base/string.h"
#include "volume/volume_impl.h"

// Sealed blocks that lie at places following each other and are not written yet.
struct run {
    u64 start, count;
};

static int write_run(struct volume *v, struct run *run)
{
    if (!run->count)
        return 0;
    int err = v->backend.write(v->backend.context, run->start * VOLUME_BLOCK, v->staging, run->count * VOLUME_BLOCK);
    run->count = 0;
    return err;
}

static int write_block(struct volume *v, struct block *block, struct run *run)
{
    struct volume_entry entry = { .place = space_take(v) }; // reserved when it became dirty

    if (run->count == RUN_BLOCKS || (run->count && entry.place != run->start + run->count)) {
        int err = write_run(v, run);
        if (err)
            return err;
    }
    if (!run->count)
        run->start = entry.place;
    crypt_seal_block(v, block->level, block->index, block->data, v->staging + run->count * VOLUME_BLOCK, &entry);
    run->count++;
    int err = tree_set_entry(v, block->level, block->index, &entry); // the parent is dirty, so it is in memory
    if (!err)
        cache_set_clean(v, block);
    return err;
}

static void move_all(struct list_head *from, struct list_head *to)
{
    while (!list_empty(from)) {
        struct list_head *first = from->next;
        list_del(first);
        list_add_tail(first, to);
    }
}

static u64 index_of(const struct list_head *link) { return list_entry(link, struct block, by_use)->index; }

// Both are in order: so is what `into` holds then. `from` is empty then.
static void merge(struct list_head *from, struct list_head *into)
{
    struct list_head *at = into->next;

    while (!list_empty(from)) {
        struct list_head *first = from->next;
        while (at != into && index_of(at) < index_of(first))
            at = at->next;
        list_del(first);
        list_add_tail(first, at); // before it
    }
}

// In order of their index: what is read in order later lies in order.
static void sort(struct list_head *list)
{
    struct list_head sorted[64], carry;
    int filled = 0;

    for (int i = 0; i < 64; i++)
        list_init(&sorted[i]);
    while (!list_empty(list)) { // merge sort: sorted[i] holds 2^i blocks or none
        struct list_head *first = list->next;
        int i = 0;
        list_del(first);
        list_init(&carry);
        list_add(first, &carry);
        for (; i < filled && !list_empty(&sorted[i]); i++)
            merge(&sorted[i], &carry);
        move_all(&carry, &sorted[i]);
        filled = MAX(filled, i + 1);
    }
    for (int i = 0; i < filled; i++)
        merge(&sorted[i], list);
}

// Nodes follow the blocks below them in the same run: a small commit is one write.
static int write_level(struct volume *v, u32 level, struct run *run)
{
    struct list_head *dirty = &v->dirty[level];
    int err = 0;

    sort(dirty);
    while (!err && !list_empty(dirty))
        err = write_block(v, list_first(dirty, struct block, by_use), run);
    return err;
}

int writeback_all(struct volume *v)
{
    struct run run = { 0 };
    int err = 0;

    for (u32 level = 0; level <= v->super.height && !err; level++)
        err = write_level(v, level, &run);
    return err ? err : write_run(v, &run);
}

int writeback_some(struct volume *v)
{
    struct run run = { 0 };
    int err = 0;

    for (u32 level = 0; level < v->super.height && v->dirty_count > v->cache_blocks / 2 && !err; level++)
        err = write_level(v, level, &run);
    if (!err)
        err = write_run(v, &run);
    v->error = err ? err : v->error;
    return err;
}
