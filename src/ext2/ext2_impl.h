// SPDX-License-Identifier: BSD-3-Clause
// Private to src/ext2.
#pragma once

#include "abi/linux/abi.h"
#include "base/string.h"
#include "ext2/ext2.h"

// A mapped block of the volume.
struct ext2_block {
    struct block *block;
    union {
        u8 *bytes;
        u32 *pointers;
        void *data;
    };
};

static inline int ext2_map_block(struct ext2 *fs, u64 index, bool write, struct ext2_block *ret)
{
    return volume_map(fs->volume, index, write, &ret->block, &ret->data);
}
static inline void ext2_unmap_block(struct ext2_block *block) { volume_unmap(block->block); }

// alloc.c. Blocks come without contents. near: a block to be close to; 0: none.
__nodiscard int ext2_alloc_block(struct ext2 *fs, u32 near, u32 *ret_block);
__nodiscard int ext2_free_block(struct ext2 *fs, u32 block); // -EUCLEAN: it was free, or cannot be one of a file
__nodiscard int ext2_alloc_inode(struct ext2 *fs, u32 near_ino, bool dir, u32 *ret_ino);
__nodiscard int ext2_free_inode(struct ext2 *fs, u32 ino, bool dir);
u32 ext2_group_blocks(const struct ext2 *fs, u32 group); // of the last group: what is left

// super.c. Bitmaps of a new group.
__nodiscard int ext2_format_group(struct ext2 *fs, u32 group);

// table.c
bool ext2_group_has_super(u32 group);
u32 ext2_table_blocks(const struct ext2 *fs);           // of the group descriptors
u32 ext2_old_table_blocks(const struct ext2 *fs);       // of them, those that follow the superblock
u32 ext2_group_front(const struct ext2 *fs, u32 group); // blocks of copies that the group begins with
__nodiscard int ext2_read_table(struct ext2 *fs);
__nodiscard int ext2_write_first(struct ext2 *fs); // the superblock and all descriptors, in their first copy
__nodiscard int ext2_write_copies(struct ext2 *fs, u32 group); // what copies the group holds

// map.c. Where block `index` of the file is; 0: a hole. create: made if it is one (*ret_new: it was; contents not set).
__nodiscard int ext2_bmap(struct ext2 *fs, struct ext2_file *file, u64 index, bool create, u32 *ret_block,
                          bool *ret_new);
// Frees the file's blocks [first, end), and indirect blocks that point to nothing any more.
__nodiscard int ext2_free_range(struct ext2 *fs, struct ext2_file *file, u64 first, u64 end);
u64 ext2_max_blocks(void); // a file can have
