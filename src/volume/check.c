// SPDX-License-Identifier: BSD-3-Clause
// Reads every block of the last commit, node by node. Holes cost nothing.
#include <asm/errno.h>

#include "volume/volume_impl.h"

struct check {
    struct volume *volume;
    void (*bad)(void *arg, u32 level, u64 index);
    void *arg;
    u64 *bad_count;
    u8 *buf;
};

static void found(const struct check *c, u32 level, u64 index)
{
    (*c->bad_count)++;
    if (c->bad)
        c->bad(c->arg, level, index);
}

static int check_data(const struct check *c, u64 index, const struct volume_entry *entry)
{
    struct volume *v = c->volume;
    int err = v->backend.read(v->backend.context, entry->place * VOLUME_BLOCK, v->staging, VOLUME_BLOCK);

    if (!err && crypt_open_block(v, 0, index, entry, v->staging, c->buf))
        found(c, 0, index);
    return err;
}

static int check_node(const struct check *c, u32 level, u64 index)
{
    struct block *block;
    int err = tree_get(c->volume, level, index, &block);

    if (err == -EBADMSG) {
        found(c, level, index);
        return 0;
    }
    if (err)
        return err;
    for (u64 i = 0; i < VOLUME_FANOUT && !err; i++) {
        const struct volume_entry *entry = &block->node->entries[i];
        u64 child = index * VOLUME_FANOUT + i;
        if (!entry->place)
            continue;
        if (level == 1)
            err = check_data(c, child, entry);
        else
            err = check_node(c, level - 1, child);
    }
    block_unpin(block);
    return err;
}

int volume_check(struct volume *v, void (*bad)(void *arg, u32 level, u64 index), void *arg, u64 *ret_bad)
{
    struct check c = { .volume = v, .bad = bad, .arg = arg, .bad_count = ret_bad, .buf = v->env->alloc(VOLUME_BLOCK) };

    *ret_bad = 0;
    if (!c.buf)
        return -ENOMEM;
    int err = v->super.root.place ? check_node(&c, v->super.height, 0) : 0;
    v->env->free(c.buf, VOLUME_BLOCK);
    return err;
}
