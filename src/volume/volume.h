// SPDX-License-Identifier: BSD-3-Clause
// A transactional encrypted block device in one host file (format.h). Any set of writes becomes durable at once, by
// volume_commit, or not at all. What the host changed, swapped or replayed within the file is -EBADMSG, never other
// data.
//
// The caller serialises all calls on one volume. All functions return 0 or -errno.
#pragma once

#include "volume/format.h"

// The host file. Offsets and sizes are bytes and multiples of VOLUME_BLOCK.
struct volume_backend {
    void *context;
    // All size bytes; what lies beyond the end of the file reads as zeros. -EIO and others.
    int (*read)(void *context, u64 offset, void *buf, size_t size);
    int (*write)(void *context, u64 offset, const void *buf, size_t size);
    // Makes sure that writes to the range find space (fallocate). -ENOSPC. NULL: space is never short.
    int (*reserve)(void *context, u64 offset, u64 size);
    // Gives the range back to the host's file system. Failing is harmless. May be NULL.
    void (*discard)(void *context, u64 offset, u64 size);
    // Everything written before is durable when it returns.
    int (*sync)(void *context);
    s64 (*size)(void *context); // of the file, or -errno
    // A commit is durable, and returns when this has: keeps the freshness anchor (anchor.h). An error poisons the
    // volume. NULL: there is none.
    int (*committed)(void *context, u64 generation, const u8 root_tag[16]);
};

struct volume_env {
    void *(*alloc)(size_t size); // NULL when there is none
    void (*free)(void *memory, size_t size);
    void (*random)(void *buf, size_t size);
    // Around code that uses vector registers; not nested. May be NULL.
    void (*vector_begin)(void);
    void (*vector_end)(void);
};

struct volume_options {
    u8 key[32];
    const u8 *binding; // 32 bytes that must match; NULL: any
    u64 cache_blocks;  // blocks kept in memory, at least 64; 0: 1024
    bool read_only;
};

struct volume;

struct volume_info {
    u8 uuid[16];
    u64 generation; // of the last commit
    u64 blocks, max_blocks;
    u64 used_places, file_places; // places that hold a block; size of the file in places
    u32 height, damaged_superblocks;
    bool read_only, anchored; // anchored: its commits are named by a freshness anchor
    u8 binding[32];
    u8 root_tag[16];     // names the state: two states of one generation differ in it
    u8 previous_tag[16]; // that of the commit before; zeros when it was made by an older program
};

// A commit, and what it came after.
struct volume_state {
    u64 generation;
    u8 root_tag[16], previous_tag[16];
};

// Makes an empty volume over whatever the file held: blocks logical blocks, growing to max_blocks.
__nodiscard int volume_format(const struct volume_env *env, const struct volume_backend *backend, const u8 key[32],
                              const u8 binding[32], u64 blocks, u64 max_blocks);
// -EINVAL: not a volume, or a later version; -EBADMSG: a wrong key, or the host changed it; -EXDEV: it belongs to
// something else (binding).
__nodiscard int volume_open(const struct volume_env *env, const struct volume_backend *backend,
                            const struct volume_options *options, struct volume **ret_volume);
// Drops what was not committed.
void volume_close(struct volume *volume);

__nodiscard int volume_read(struct volume *volume, u64 block, void *buf, u64 count);
// -ENOSPC: the host has no space; nothing of this call is written then that could make a later commit fail.
__nodiscard int volume_write(struct volume *volume, u64 block, const void *buf, u64 count);
// The memory of one block, to read or (write) to change in place, until volume_unmap. Meant for short use: what is
// mapped stays in memory. With write the block is part of the next commit.
struct block;
__nodiscard int volume_map(struct volume *volume, u64 block, bool write, struct block **ret_block, void **ret_data);
void volume_unmap(struct block *block);
// The blocks read as zeros afterwards and give their space back after the next commit.
__nodiscard int volume_discard(struct volume *volume, u64 block, u64 count);
// Everything written so far becomes durable, as one. After a failure the volume takes no more writes and answers the
// same error until it is opened again: what the host holds is then the last commit that succeeded.
__nodiscard int volume_commit(struct volume *volume);
// Grows (never shrinks) the logical size, up to max_blocks; max_blocks itself may be raised. Takes part in the next
// commit.
__nodiscard int volume_resize(struct volume *volume, u64 blocks, u64 max_blocks);
void *volume_context(const struct volume *volume);                 // the backend's
struct volume_state volume_opened_at(const struct volume *volume); // the commit that it was at then
void volume_get_info(const struct volume *volume, struct volume_info *ret_info);

// Reads every block of the last commit. ret_bad counts those that do not verify, which bad() is told (may be NULL).
__nodiscard int volume_check(struct volume *volume, void (*bad)(void *arg, u32 level, u64 index), void *arg,
                             u64 *ret_bad);
