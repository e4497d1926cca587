// SPDX-License-Identifier: BSD-3-Clause
// The names of a large folder by hash, in memory: on the disk a folder is a list. Made when a name of it is first
// looked for.
#pragma once

#include "ext2/ext2.h"

struct ext2_index {
    u64 slots;       // a power of two
    u64 used;        // with those that were removed
    u32 (*table)[2]; // hash, and the entry's offset in the folder / 4 + 1; 0: free, UINT32_MAX: removed
};

u32 ext2_hash(const char *name, size_t len);
__nodiscard int ext2_index_new(const struct volume_env *env, u64 names, struct ext2_index **ret_index);
void ext2_index_free(const struct volume_env *env, struct ext2_index *index);
__nodiscard int ext2_index_add(const struct volume_env *env, struct ext2_index *index, u32 hash, u64 offset);
void ext2_index_remove(struct ext2_index *index, u32 hash, u64 offset);
// The offsets of entries with this hash, one after another: *at is 0 at first. False: no more.
bool ext2_index_next(const struct ext2_index *index, u32 hash, u64 *at, u64 *ret_offset);
