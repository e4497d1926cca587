// SPDX-License-Identifier: BSD-3-Clause
#include "volume/volume.h"

#include <asm/errno.h>

#include "base/string.h"
#include "volume/volume_impl.h"

enum { TOGETHER_BLOCKS = 512 }; // 2 MiB

static u32 height_for(u64 blocks)
{
    u32 height = 1;
    u64 reach = VOLUME_FANOUT;

    while (reach < blocks && height <= VOLUME_MAX_HEIGHT) {
        height++;
        if (__builtin_mul_overflow(reach, (u64)VOLUME_FANOUT, &reach))
            break;
    }
    return height; // over VOLUME_MAX_HEIGHT: too large
}

// commit_counter: see format.h.
static int write_super(struct volume *v, u64 generation, u64 commit_counter)
{
    struct volume_super *super = (struct volume_super *)v->staging;

    super->body = v->super;
    super->body.generation = generation;
    super->body.commit_counter = commit_counter;
    memcpy(super->body.previous_tag, v->committed_tag, sizeof(super->body.previous_tag));
    crypt_seal_super(v, super);
    return v->backend.write(v->backend.context, generation % VOLUME_SUPERBLOCKS * VOLUME_BLOCK, super, VOLUME_BLOCK);
}

// Allocates what opening and formatting share.
static int create(const struct volume_env *env, const struct volume_backend *backend, const u8 key[32],
                  u64 cache_blocks, struct volume **ret_volume)
{
    struct volume *v = env->alloc(sizeof(*v));

    if (!v)
        return -ENOMEM;
    memset(v, 0, sizeof(*v));
    v->env = env;
    v->backend = *backend;
    memcpy(v->master, key, sizeof(v->master));
    v->keys = env->alloc(SESSION_KEYS * sizeof(*v->keys));
    int err = v->keys ? cache_init(v, cache_blocks) : -ENOMEM;
    if (v->keys)
        memset(v->keys, 0, SESSION_KEYS * sizeof(*v->keys));
    if (err) {
        volume_close(v);
        return err;
    }
    crypt_init(v);
    *ret_volume = v;
    return 0;
}

void volume_close(struct volume *v)
{
    crypt_wipe(v);
    if (v->keys)
        v->env->free(v->keys, SESSION_KEYS * sizeof(*v->keys));
    cache_destroy(v);
    space_destroy(v);
    v->env->free(v, sizeof(*v));
}

// An older volume of the same file must not show through: the other slots are overwritten first.
static int format(struct volume *v)
{
    int err = 0;

    memset(v->staging, 0, VOLUME_BLOCK);
    for (u64 slot = 0; slot < VOLUME_SUPERBLOCKS && !err; slot++)
        err = v->backend.write(v->backend.context, slot * VOLUME_BLOCK, v->staging, VOLUME_BLOCK);
    if (!err)
        err = v->backend.sync(v->backend.context);
    if (!err)
        err = write_super(v, 1, v->counter);
    return err ? err : v->backend.sync(v->backend.context);
}

int volume_format(const struct volume_env *env, const struct volume_backend *backend, const u8 key[32],
                  const u8 binding[32], u64 blocks, u64 max_blocks)
{
    struct volume *v;

    if (!blocks || max_blocks < blocks || height_for(max_blocks) > VOLUME_MAX_HEIGHT)
        return -EINVAL;
    int err = create(env, backend, key, MIN_CACHE, &v);
    if (err)
        return err;
    env->random(v->uuid, sizeof(v->uuid));
    v->super = (struct volume_super_body){ .blocks = blocks, .max_blocks = max_blocks, .height = height_for(blocks) };
    memcpy(v->super.binding, binding, sizeof(v->super.binding));
    err = format(v);
    volume_close(v);
    return err;
}

static bool body_is_sane(const struct volume_super_body *body, u64 slot)
{
    return body->generation % VOLUME_SUPERBLOCKS == slot && body->generation && body->blocks &&
           body->blocks <= body->max_blocks && body->height == height_for(body->blocks) &&
           body->height <= VOLUME_MAX_HEIGHT;
}

// A superblock that opens.
struct candidate {
    struct volume_super_body body; // generation 0: none
    u8 uuid[16], salt[16];
};

// Reads all slots. -EINVAL: none is of a volume that this program knows.
static int read_supers(struct volume *v, struct candidate found[VOLUME_SUPERBLOCKS])
{
    struct volume_super *super = (struct volume_super *)v->staging;
    bool ours = false;

    for (u64 slot = 0; slot < VOLUME_SUPERBLOCKS; slot++) {
        int err = v->backend.read(v->backend.context, slot * VOLUME_BLOCK, super, VOLUME_BLOCK);
        if (err)
            return err;
        const struct volume_super_header *header = &super->header;
        found[slot].body.generation = 0;
        if (memcmp(header->magic, VOLUME_MAGIC, sizeof(header->magic)) != 0 || !header->version ||
            header->version > VOLUME_VERSION || header->block_size != VOLUME_BLOCK)
            continue;
        ours = true;
        u32 version = header->version;
        crypt_forget_keys(v); // they belong to the uuid that another slot claims
        if (crypt_open_super(v, super) || !body_is_sane(&super->body, slot)) {
            v->damaged_superblocks++;
            continue;
        }
        found[slot].body = super->body;
        if (version < 2)
            found[slot].body.commit_counter = UINT64_MAX;
        memcpy(found[slot].uuid, header->uuid, sizeof(found[slot].uuid));
        memcpy(found[slot].salt, header->salt, sizeof(found[slot].salt));
    }
    return ours ? 0 : -EINVAL;
}

static struct candidate *newest(struct candidate found[VOLUME_SUPERBLOCKS])
{
    struct candidate *best = &found[0];

    for (u64 slot = 1; slot < VOLUME_SUPERBLOCKS; slot++)
        if (found[slot].body.generation > best->body.generation)
            best = &found[slot];
    return best;
}

// The newest commit that is whole. Only the very last one may have been cut off: of the one before all was durable.
static int choose_super(struct volume *v, struct candidate found[VOLUME_SUPERBLOCKS])
{
    u64 last = newest(found)->body.generation;
    int err = -EBADMSG;

    for (int tried = 0; tried < 2 && err == -EBADMSG; tried++) {
        struct candidate *best = newest(found);
        if (!best->body.generation || best->body.generation + (u64)tried != last)
            return -EBADMSG;
        crypt_forget_keys(v);
        cache_forget(v);
        v->super = best->body;
        memcpy(v->uuid, best->uuid, sizeof(v->uuid));
        err = tree_verify_commit(v, best->salt, best->body.commit_counter);
        v->damaged_superblocks += err == -EBADMSG;
        best->body.generation = 0;
    }
    return err;
}

static int find_super(struct volume *v)
{
    struct candidate *found = v->env->alloc(VOLUME_SUPERBLOCKS * sizeof(*found));
    int err = found ? read_supers(v, found) : -ENOMEM;

    if (!err)
        err = choose_super(v, found);
    if (found)
        v->env->free(found, VOLUME_SUPERBLOCKS * sizeof(*found));
    return err;
}

int volume_open(const struct volume_env *env, const struct volume_backend *backend,
                const struct volume_options *options, struct volume **ret_volume)
{
    struct volume *v;
    int err = create(env, backend, options->key, options->cache_blocks, &v);

    if (err)
        return err;
    v->read_only = options->read_only;
    err = find_super(v);
    if (!err && options->binding && memcmp(options->binding, v->super.binding, sizeof(v->super.binding)) != 0)
        err = -EXDEV;
    memcpy(v->committed_tag, v->super.root.tag, sizeof(v->committed_tag));
    v->opened.generation = v->super.generation;
    memcpy(v->opened.root_tag, v->super.root.tag, sizeof(v->opened.root_tag));
    memcpy(v->opened.previous_tag, v->super.previous_tag, sizeof(v->opened.previous_tag));
    s64 size = err ? 0 : v->backend.size(v->backend.context);
    if (size < 0)
        err = (int)size;
    if (!err)
        err = space_init(v, DIV_ROUND_UP((u64)size, VOLUME_BLOCK));
    if (!err)
        err = tree_walk_space(v);
    if (err) {
        volume_close(v);
        return err;
    }
    *ret_volume = v;
    return 0;
}

static int usable(const struct volume *v, u64 block, u64 count, bool write)
{
    if (block > v->super.blocks || count > v->super.blocks - block)
        return -EINVAL;
    if (write && v->read_only)
        return -EROFS;
    return write ? v->error : 0;
}

// Blocks whose places follow each other, read at once and opened into the caller's memory: they stay out of the cache.
static int read_run(struct volume *v, u64 block, u8 *buf, u64 count, u64 *ret_done)
{
    struct volume_entry entries[RUN_BLOCKS];
    u64 run = 0;
    int err = 0;

    for (; run < MIN(count, (u64)RUN_BLOCKS) && !cache_find(v, 0, block + run); run++) {
        err = tree_entry(v, 0, block + run, &entries[run]);
        if (err)
            return err;
        if (!entries[run].place || (run && entries[run].place != entries[0].place + run))
            break;
    }
    *ret_done = run;
    if (!run && !cache_find(v, 0, block)) { // a hole
        memset(buf, 0, VOLUME_BLOCK);
        *ret_done = 1;
    }
    if (run)
        err = v->backend.read(v->backend.context, entries[0].place * VOLUME_BLOCK, v->staging, run * VOLUME_BLOCK);
    for (u64 i = 0; i < run && !err; i++)
        err = crypt_open_block(v, 0, block + i, &entries[i], v->staging + i * VOLUME_BLOCK, buf + i * VOLUME_BLOCK);
    return err;
}

int volume_read(struct volume *v, u64 block, void *buf, u64 count)
{
    u8 *to = buf;
    int err = usable(v, block, count, false);

    while (!err && count) {
        u64 done = 0;
        if (count > 1)
            err = read_run(v, block, to, count, &done);
        if (!err && !done) { // in the cache, a hole, or a single block, which is kept: it is metadata as a rule
            struct block *cached;
            err = tree_get(v, 0, block, &cached);
            if (err)
                break;
            memcpy(to, cached->data, VOLUME_BLOCK);
            block_unpin(cached);
            done = 1;
        }
        block += done, count -= done, to += done * VOLUME_BLOCK;
    }
    return err;
}

// The whole block is written, so its old contents need not be read.
static int block_to_overwrite(struct volume *v, u64 index, struct block **ret_block)
{
    struct block *block = cache_find(v, 0, index);

    if (!block)
        return cache_add(v, 0, index, ret_block);
    block->pins++;
    *ret_block = block;
    return 0;
}

static int write_one(struct volume *v, u64 index, const void *from)
{
    bool cached = cache_find(v, 0, index) != NULL;
    struct block *block;
    int err = block_to_overwrite(v, index, &block);

    if (err)
        return err;
    err = tree_make_dirty(v, block, false);
    if (err && !cached)
        cache_remove(v, block); // it holds nothing
    else
        block_unpin(block);
    if (!err)
        memcpy(block->data, from, VOLUME_BLOCK);
    return err;
}

int volume_write(struct volume *v, u64 block, const void *buf, u64 count)
{
    int err = usable(v, block, count, true);

    for (u64 i = 0; i < count && !err; i++) {
        err = write_one(v, block + i, (const u8 *)buf + i * VOLUME_BLOCK);
        if (!err)
            err = writeback_some(v);
    }
    return err;
}

int volume_map(struct volume *v, u64 index, bool write, struct block **ret_block, void **ret_data)
{
    struct block *block;
    int err = usable(v, index, 1, write);

    if (!err && write)
        err = writeback_some(v); // before, so that the block stays dirty while its user changes it
    if (!err)
        err = tree_get(v, 0, index, &block);
    if (err)
        return err;
    err = write ? tree_make_dirty(v, block, false) : 0;
    if (err) {
        block_unpin(block);
        return err;
    }
    *ret_block = block;
    *ret_data = block->data;
    return 0;
}

void volume_unmap(struct block *block) { block_unpin(block); }

static int discard_one(struct volume *v, u64 index)
{
    static const struct volume_entry hole;
    struct block *block, *parent;
    struct volume_entry entry;
    int err = tree_entry(v, 0, index, &entry);

    if (err)
        return err;
    block = cache_find(v, 0, index);
    if (block)
        cache_remove(v, block);
    if (!entry.place)
        return 0;
    err = tree_get(v, 1, index / VOLUME_FANOUT, &parent);
    if (err)
        return err;
    err = tree_make_dirty(v, parent, true);
    block_unpin(parent);
    return err ? err : tree_set_entry(v, 0, index, &hole);
}

int volume_discard(struct volume *v, u64 block, u64 count)
{
    int err = usable(v, block, count, true);

    for (u64 i = 0; i < count && !err; i++) {
        err = discard_one(v, block + i);
        if (!err)
            err = writeback_some(v);
    }
    return err;
}

// A few blocks are read again by who opens the volume after a crash, which costs less than a sync of their own here.
static int commit(struct volume *v)
{
    bool together = v->counter - v->commit_start + v->dirty_count <= TOGETHER_BLOCKS;
    int err = writeback_all(v);

    if (!err && !together)
        err = v->backend.sync(v->backend.context);
    if (!err)
        err = write_super(v, v->super.generation + 1, together ? v->commit_start : v->counter);
    if (!err)
        err = v->backend.sync(v->backend.context);
    v->commit_start = v->counter;
    return err;
}

int volume_commit(struct volume *v)
{
    if (v->error || (!v->dirty_count && !v->super_dirty))
        return v->error;
    if (v->backend.committed)
        v->super.flags |= VOLUME_ANCHORED;
    v->error = commit(v);
    if (v->error)
        return v->error;
    v->super.generation++;
    memcpy(v->super.previous_tag, v->committed_tag, sizeof(v->super.previous_tag));
    memcpy(v->committed_tag, v->super.root.tag, sizeof(v->committed_tag));
    v->super_dirty = false;
    space_committed(v);
    if (v->backend.committed)
        v->error = v->backend.committed(v->backend.context, v->super.generation, v->committed_tag);
    return v->error;
}

// A new root whose first entry is the old one.
static int raise(struct volume *v)
{
    struct block *root;
    int err = cache_add(v, v->super.height + 1, 0, &root);

    if (err)
        return err;
    memset(root->data, 0, VOLUME_BLOCK);
    root->node->entries[0] = v->super.root;
    v->super.root = (struct volume_entry){ 0 };
    v->super.height++;
    block_unpin(root);
    cache_set_dirty(v, root);
    return 0;
}

int volume_resize(struct volume *v, u64 blocks, u64 max_blocks)
{
    int err = usable(v, 0, 0, true);

    if (err)
        return err;
    if (blocks < v->super.blocks || max_blocks < MAX(blocks, v->super.max_blocks) ||
        height_for(max_blocks) > VOLUME_MAX_HEIGHT)
        return -EINVAL;
    u32 height = height_for(blocks);
    err = space_ensure(v, v->dirty_count + height - v->super.height, false);
    while (!err && v->super.height < height)
        err = raise(v);
    if (err)
        return err;
    v->super.blocks = blocks;
    v->super.max_blocks = max_blocks;
    v->super_dirty = true;
    return 0;
}

void *volume_context(const struct volume *v) { return v->backend.context; }

struct volume_state volume_opened_at(const struct volume *v) { return v->opened; }

void volume_get_info(const struct volume *v, struct volume_info *ret_info)
{
    *ret_info = (struct volume_info){
        .generation = v->super.generation,
        .blocks = v->super.blocks,
        .max_blocks = v->super.max_blocks,
        .used_places = v->space.in_use + VOLUME_SUPERBLOCKS,
        .file_places = v->space.end,
        .height = v->super.height,
        .damaged_superblocks = v->damaged_superblocks,
        .read_only = v->read_only,
        .anchored = v->super.flags & VOLUME_ANCHORED,
    };
    memcpy(ret_info->uuid, v->uuid, sizeof(v->uuid));
    memcpy(ret_info->binding, v->super.binding, sizeof(v->super.binding));
    memcpy(ret_info->root_tag, v->committed_tag, sizeof(v->committed_tag));
    memcpy(ret_info->previous_tag, v->super.previous_tag, sizeof(v->super.previous_tag));
}
