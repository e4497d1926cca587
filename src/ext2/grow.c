// SPDX-License-Identifier: BSD-3-Clause
// A file system that grows: the last group is filled up, others follow. All of it is one commit.
#include "ext2/ext2_impl.h"

#include "base/bitmap.h"

// The blocks [from, to) of a group are free from now on.
static int open_blocks(struct ext2 *fs, u32 group, u32 from, u32 to)
{
    struct ext2_block map;
    int err = ext2_map_block(fs, fs->groups[group].block_bitmap, true, &map);

    if (err)
        return err;
    bitmap_assign(map.data, from, to - from, false);
    ext2_unmap_block(&map);
    fs->groups[group].free_blocks_count = (u16)(fs->groups[group].free_blocks_count + (to - from));
    fs->super.free_blocks_count += to - from;
    return 0;
}

// Room for the descriptors of `count` groups.
static int enlarge_table(struct ext2 *fs, u32 count)
{
    size_t before = (size_t)ext2_table_blocks(fs) * EXT2_BLOCK;
    struct ext2 larger = { .group_count = count };
    size_t after = (size_t)ext2_table_blocks(&larger) * EXT2_BLOCK;
    u32 old = ext2_old_table_blocks(fs);

    if (after > before) {
        struct ext2_group *groups = fs->env->alloc(after);
        if (!groups)
            return -ENOMEM;
        memset(groups, 0, after);
        memcpy(groups, fs->groups, before);
        fs->env->free(fs->groups, before);
        fs->groups = groups;
        fs->super.feature_incompat |= EXT2_INCOMPAT_META_BG;
        fs->super.first_meta_bg = old;
    }
    fs->group_count = count;
    return 0;
}

// A last group that is too small to hold its own tables is left out.
static u64 useful_blocks(const struct ext2 *fs, u64 blocks)
{
    u64 tail = blocks % EXT2_BLOCKS_PER_GROUP;
    u64 least = 2 + ext2_old_table_blocks(fs) + 2 + fs->super.inodes_per_group / EXT2_INODES_PER_BLOCK + 50;

    return blocks > fs->super.blocks_count && blocks - tail >= fs->super.blocks_count && tail < least ? blocks - tail
                                                                                                      : blocks;
}

int ext2_grow(struct ext2 *fs, u64 blocks)
{
    struct volume_info info;
    u32 first = fs->group_count, before = fs->super.blocks_count;

    blocks = MIN(useful_blocks(fs, blocks), UINT32_MAX & ~(u64)(EXT2_BLOCKS_PER_GROUP - 1));
    if (blocks <= before)
        return 0;
    u64 count = DIV_ROUND_UP(blocks, (u64)EXT2_BLOCKS_PER_GROUP);
    if (count * fs->super.inodes_per_group > UINT32_MAX)
        return -EFBIG;
    volume_get_info(fs->volume, &info);
    int err = volume_resize(fs->volume, MAX(info.blocks, blocks), MAX(info.max_blocks, blocks));
    if (!err)
        err = enlarge_table(fs, (u32)count);
    if (err)
        return err;
    u32 in_last = before - (first - 1) * EXT2_BLOCKS_PER_GROUP;
    fs->super.blocks_count = (u32)blocks;
    fs->super.inodes_count = (u32)count * fs->super.inodes_per_group;
    err = open_blocks(fs, first - 1, in_last, ext2_group_blocks(fs, first - 1));
    for (u32 group = first; group < fs->group_count && !err; group++)
        err = ext2_format_group(fs, group);
    for (u32 group = 1; group < fs->group_count && !err; group++)
        err = ext2_write_copies(fs, group);
    fs->counts_dirty = true;
    return err ? err : ext2_sync(fs);
}
