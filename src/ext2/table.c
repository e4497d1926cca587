// SPDX-License-Identifier: BSD-3-Clause
// Where the superblock's and the group descriptors' copies lie. Up to first_meta_bg the blocks of descriptors follow
// the superblock in each group that has one; those of groups that were added later (EXT2_INCOMPAT_META_BG) lie in the
// first, second and last of the groups that they describe.
#include "ext2/ext2_impl.h"

enum { GROUPS_PER_BLOCK = EXT2_BLOCK / sizeof(struct ext2_group) };

static bool is_power_of(u32 value, u32 base)
{
    while (value % base == 0)
        value /= base;
    return value == 1;
}

bool ext2_group_has_super(u32 group)
{
    return group <= 1 || is_power_of(group, 3) || is_power_of(group, 5) || is_power_of(group, 7);
}

u32 ext2_table_blocks(const struct ext2 *fs)
{
    return (u32)DIV_ROUND_UP(fs->group_count * sizeof(struct ext2_group), (size_t)EXT2_BLOCK);
}

u32 ext2_old_table_blocks(const struct ext2 *fs)
{
    u32 all = ext2_table_blocks(fs);
    return fs->super.feature_incompat & EXT2_INCOMPAT_META_BG ? MIN(fs->super.first_meta_bg, all) : all;
}

// Does the group hold a copy of the one block of descriptors that it stands in?
static bool holds_own_table(const struct ext2 *fs, u32 group)
{
    u32 in_block = group % GROUPS_PER_BLOCK;
    return group / GROUPS_PER_BLOCK >= ext2_old_table_blocks(fs) && (in_block <= 1 || in_block == GROUPS_PER_BLOCK - 1);
}

u32 ext2_group_front(const struct ext2 *fs, u32 group)
{
    u32 blocks = ext2_group_has_super(group) ? 1 : 0;

    if (blocks && group / GROUPS_PER_BLOCK < ext2_old_table_blocks(fs))
        blocks += ext2_old_table_blocks(fs);
    return blocks + holds_own_table(fs, group);
}

// Block `index` of the descriptors, in its first copy.
static u32 table_block(const struct ext2 *fs, u32 index)
{
    if (index < ext2_old_table_blocks(fs))
        return 1 + index;
    u32 group = index * GROUPS_PER_BLOCK;
    return group * EXT2_BLOCKS_PER_GROUP + ext2_group_has_super(group);
}

static u8 *table_bytes(struct ext2 *fs, u32 index) { return (u8 *)fs->groups + (size_t)index * EXT2_BLOCK; }

int ext2_read_table(struct ext2 *fs)
{
    int err = 0;

    for (u32 i = 0; i < ext2_table_blocks(fs) && !err; i++)
        err = volume_read(fs->volume, table_block(fs, i), table_bytes(fs, i), 1);
    return err;
}

// What is the same already is not written again.
static int write_table_block(struct ext2 *fs, u32 at, u32 index)
{
    struct ext2_block block;
    int err = ext2_map_block(fs, at, false, &block);

    if (err)
        return err;
    bool same = memcmp(block.bytes, table_bytes(fs, index), EXT2_BLOCK) == 0;
    ext2_unmap_block(&block);
    return same ? 0 : volume_write(fs->volume, at, table_bytes(fs, index), 1);
}

static int write_super(struct ext2 *fs, u32 group)
{
    struct ext2_block block;
    int err = ext2_map_block(fs, group * EXT2_BLOCKS_PER_GROUP, true, &block);

    if (err)
        return err;
    struct ext2_super *super = (struct ext2_super *)(block.bytes + (group ? 0 : EXT2_SUPER_OFFSET));
    *super = fs->super;
    super->block_group_nr = (u16)group;
    ext2_unmap_block(&block);
    return 0;
}

int ext2_write_first(struct ext2 *fs)
{
    int err = write_super(fs, 0);

    for (u32 i = 0; i < ext2_table_blocks(fs) && !err; i++)
        err = write_table_block(fs, table_block(fs, i), i);
    return err;
}

int ext2_write_copies(struct ext2 *fs, u32 group)
{
    u32 start = group * EXT2_BLOCKS_PER_GROUP, old = ext2_old_table_blocks(fs);
    bool super = ext2_group_has_super(group);
    int err = super ? write_super(fs, group) : 0;

    for (u32 i = 0; super && group / GROUPS_PER_BLOCK < old && i < old && !err; i++)
        err = write_table_block(fs, start + 1 + i, i);
    if (!err && holds_own_table(fs, group))
        err = write_table_block(fs, start + super, group / GROUPS_PER_BLOCK);
    return err;
}
