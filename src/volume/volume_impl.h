// SPDX-License-Identifier: BSD-3-Clause
// Private to src/volume.
#pragma once

#include "base/bitmap.h"
#include "base/list.h"
#include "crypto/gcm.h"
#include "volume/volume.h"

enum {
    RUN_BLOCKS = 32, // blocks read or written by one host call
    SESSION_KEYS = 8,
    DEFAULT_CACHE = 1024,
    MIN_CACHE = 64,
};

// A block in memory. Ancestors of a dirty block are dirty: they will name its new place.
struct block {
    struct list_head by_hash, by_use; // by_use: most recently used first; dirty ones are in volume->dirty[level]
    u64 index;
    u32 level;
    u32 pins; // while pinned it stays
    bool dirty;
    union {
        u8 *data;
        struct volume_node *node;
    };
};

struct session_key {
    bool valid;
    u64 last_use;
    u8 salt[16];
    struct gcm_key key;
};

// What is known of each place. committed: the last commit names it. fresh: written since, no commit names it. A place
// that is neither is free. dying: committed, but replaced since: free after the next commit. backed: the host has space
// for it.
struct space {
    u64 places; // size of the maps in bits
    u64 end;    // places of the file that were ever used: those from here on are free and not backed
    u64 cursor; // where to look next
    u64 in_use; // committed or fresh
    u64 dying_count;
    u64 free_backed;   // places that are free and backed
    u64 free_unbacked; // places below end that are free and not backed
    u64 *committed, *fresh, *dying, *backed;
};

struct volume {
    const struct volume_env *env;
    struct volume_backend backend;
    struct volume_super_body super; // with what the next commit will write; generation is that of the last one
    u8 uuid[16], salt[16];
    u8 master[32];
    u64 counter;          // next IV of this session
    u64 commit_start;     // what it was after the last commit
    u8 committed_tag[16]; // of the root of the last commit
    struct volume_state opened;
    bool read_only, super_dirty;
    int error; // of a failed commit or write-back
    u32 damaged_superblocks;

    struct session_key *keys;
    u64 key_clock;

    struct list_head *hash; // of blocks
    u64 hash_size, cache_blocks, cached;
    struct list_head clean, dirty[VOLUME_MAX_HEIGHT + 1];
    u64 dirty_count, dirty_level[VOLUME_MAX_HEIGHT + 1];
    u8 *staging; // RUN_BLOCKS blocks

    struct space space;
};

// crypt.c. Seal and open blocks. The session key of a salt is derived once and kept among the last SESSION_KEYS.
void crypt_init(struct volume *v);
void crypt_wipe(struct volume *v);
void crypt_forget_keys(struct volume *v); // they are derived with the uuid: when it changes
void crypt_seal_block(struct volume *v, u32 level, u64 index, const void *in, void *out,
                      struct volume_entry *ret_entry);
__nodiscard int crypt_open_block(struct volume *v, u32 level, u64 index, const struct volume_entry *entry,
                                 const void *in, void *out);
void crypt_seal_super(struct volume *v, struct volume_super *super);
// Leaves the body in the clear. -EBADMSG.
__nodiscard int crypt_open_super(struct volume *v, struct volume_super *super);

// space.c.
__nodiscard int space_init(struct volume *v, u64 places);
void space_destroy(struct volume *v);
__nodiscard int space_mark_committed(struct volume *v, u64 place); // at open; -EBADMSG: named twice, or out of the file
// Makes sure that `blocks` blocks can be written; discards may use a reserve up. -ENOSPC.
__nodiscard int space_ensure(struct volume *v, u64 blocks, bool for_discard);
u64 space_take(struct volume *v); // after space_ensure; never fails
void space_drop(struct volume *v, u64 place);
void space_committed(struct volume *v);

// cache.c. Blocks in memory.
__nodiscard int cache_init(struct volume *v, u64 blocks);
void cache_destroy(struct volume *v);
struct block *cache_find(struct volume *v, u32 level, u64 index); // NULL: not there. Counts as a use.
// A new block, pinned, with contents not set. -ENOMEM.
__nodiscard int cache_add(struct volume *v, u32 level, u64 index, struct block **ret_block);
void cache_remove(struct volume *v, struct block *block);
void cache_forget(struct volume *v); // all of it; nothing is dirty or held
void cache_set_dirty(struct volume *v, struct block *block);
void cache_set_clean(struct volume *v, struct block *block);
static inline void block_unpin(struct block *block) { block->pins--; }

// tree.c.
// The block, read from the host if need be, pinned. -EBADMSG, -EIO, -ENOMEM.
__nodiscard int tree_get(struct volume *v, u32 level, u64 index, struct block **ret_block);
// The entry of a block, in its parent or the superblock.
__nodiscard int tree_entry(struct volume *v, u32 level, u64 index, struct volume_entry *ret_entry);
__nodiscard int tree_set_entry(struct volume *v, u32 level, u64 index, const struct volume_entry *entry);
// The block and all its ancestors will be written by the next commit; space for them is there. -ENOSPC, or as tree_get.
__nodiscard int tree_make_dirty(struct volume *v, struct block *block, bool for_discard);
// Reads the blocks that the newest commit wrote: those of the session `salt` with a counter from `first` on. -EBADMSG:
// one is not whole.
__nodiscard int tree_verify_commit(struct volume *v, const u8 salt[16], u64 first);
// Marks the places of the whole committed tree.
__nodiscard int tree_walk_space(struct volume *v);
u64 tree_level_blocks(const struct volume *v, u32 level); // how many blocks the level has

// writeback.c. Writes all dirty blocks to free places and names them in their parents.
__nodiscard int writeback_all(struct volume *v);
// Keeps the number of dirty blocks below what the cache can hold.
__nodiscard int writeback_some(struct volume *v);
