// SPDX-License-Identifier: BSD-3-Clause
// Bitmaps of blocks and inodes.
#include "ext2/ext2_impl.h"

#include "base/bitmap.h"

u32 ext2_group_blocks(const struct ext2 *fs, u32 group)
{
    u32 start = group * EXT2_BLOCKS_PER_GROUP;
    return MIN(fs->super.blocks_count - start, (u32)EXT2_BLOCKS_PER_GROUP);
}

// The first clear bit of the bitmap from `from` on, then from the start, is set. -ENOSPC.
static int take_bit(struct ext2 *fs, u32 bitmap, u32 bits, u32 from, u32 *ret_bit)
{
    struct ext2_block map;
    int err = ext2_map_block(fs, bitmap, true, &map);

    if (err)
        return err;
    size_t bit = bitmap_find_clear(map.data, bits, from);
    if (bit == bits)
        bit = bitmap_find_clear(map.data, bits, 0);
    if (bit < bits) {
        bitmap_set(map.data, bit);
        *ret_bit = (u32)bit;
    }
    ext2_unmap_block(&map);
    return bit < bits ? 0 : -ENOSPC;
}

static int clear_bit(struct ext2 *fs, u32 bitmap, u32 bit)
{
    struct ext2_block map;
    int err = ext2_map_block(fs, bitmap, true, &map);

    if (err)
        return err;
    bool was = bitmap_test(map.data, bit);
    bitmap_clear(map.data, bit);
    ext2_unmap_block(&map);
    return was ? 0 : -EUCLEAN;
}

int ext2_alloc_block(struct ext2 *fs, u32 near, u32 *ret_block)
{
    u32 group = near < fs->super.blocks_count ? near / EXT2_BLOCKS_PER_GROUP : 0;
    u32 from = near % EXT2_BLOCKS_PER_GROUP, bit;

    for (u32 tried = 0; tried < fs->group_count; tried++, group = (group + 1) % fs->group_count, from = 0) {
        struct ext2_group *g = &fs->groups[group];
        if (!g->free_blocks_count)
            continue;
        int err = take_bit(fs, g->block_bitmap, ext2_group_blocks(fs, group), from, &bit);
        if (err == -ENOSPC)
            err = -EUCLEAN; // the count said otherwise
        if (err)
            return err;
        g->free_blocks_count--;
        fs->super.free_blocks_count--;
        fs->counts_dirty = true;
        *ret_block = group * EXT2_BLOCKS_PER_GROUP + bit;
        return 0;
    }
    return -ENOSPC;
}

int ext2_free_block(struct ext2 *fs, u32 block)
{
    u32 group = block / EXT2_BLOCKS_PER_GROUP;

    if (!block || block >= fs->super.blocks_count)
        return -EUCLEAN;
    int err = clear_bit(fs, fs->groups[group].block_bitmap, block % EXT2_BLOCKS_PER_GROUP);
    if (err)
        return err;
    fs->groups[group].free_blocks_count++;
    fs->super.free_blocks_count++;
    fs->counts_dirty = true;
    // Its space goes back to the host. When that is not possible now, only space is lost until the block is used again.
    err = volume_discard(fs->volume, block, 1);
    return err == -ENOSPC ? 0 : err;
}

// Folders are spread over the groups, files lie near theirs.
static u32 first_group(struct ext2 *fs, u32 near_ino, bool dir)
{
    if (!dir)
        return (near_ino - 1) / fs->super.inodes_per_group;
    u32 best = fs->last_group;
    for (u32 i = 0; i < MIN(fs->group_count, (u32)16); i++) { // a look at a few is enough
        u32 group = (fs->last_group + i) % fs->group_count;
        if (fs->groups[group].used_dirs_count < fs->groups[best].used_dirs_count)
            best = group;
    }
    fs->last_group = best;
    return best;
}

int ext2_alloc_inode(struct ext2 *fs, u32 near_ino, bool dir, u32 *ret_ino)
{
    u32 group = first_group(fs, near_ino, dir), bit;

    for (u32 tried = 0; tried < fs->group_count; tried++, group = (group + 1) % fs->group_count) {
        struct ext2_group *g = &fs->groups[group];
        if (!g->free_inodes_count)
            continue;
        int err = take_bit(fs, g->inode_bitmap, fs->super.inodes_per_group, 0, &bit);
        if (err)
            return err == -ENOSPC ? -EUCLEAN : err;
        g->free_inodes_count--;
        g->used_dirs_count += dir;
        fs->super.free_inodes_count--;
        fs->counts_dirty = true;
        *ret_ino = group * fs->super.inodes_per_group + bit + 1;
        return 0;
    }
    return -ENOSPC;
}

int ext2_free_inode(struct ext2 *fs, u32 ino, bool dir)
{
    u32 group = (ino - 1) / fs->super.inodes_per_group;
    int err = clear_bit(fs, fs->groups[group].inode_bitmap, (ino - 1) % fs->super.inodes_per_group);

    if (err)
        return err;
    fs->groups[group].free_inodes_count++;
    fs->groups[group].used_dirs_count -= dir;
    fs->super.free_inodes_count++;
    fs->counts_dirty = true;
    return 0;
}
