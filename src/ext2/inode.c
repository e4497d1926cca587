// SPDX-License-Identifier: BSD-3-Clause
// Inodes on the disk.
#include "ext2/ext2_impl.h"

static int map_inode(struct ext2 *fs, u32 ino, bool write, struct ext2_block *block, struct ext2_inode **ret_raw)
{
    u32 index = ino - 1, group = index / fs->super.inodes_per_group, in_group = index % fs->super.inodes_per_group;

    if (!ino || ino > fs->super.inodes_count)
        return -EUCLEAN;
    int err = ext2_map_block(fs, fs->groups[group].inode_table + in_group / EXT2_INODES_PER_BLOCK, write, block);
    if (!err)
        *ret_raw = (struct ext2_inode *)block->data + in_group % EXT2_INODES_PER_BLOCK;
    return err;
}

int ext2_load(struct ext2 *fs, u32 ino, struct ext2_file *file)
{
    struct ext2_block block;
    struct ext2_inode *raw;
    int err = map_inode(fs, ino, false, &block, &raw);

    if (err)
        return err;
    *file = (struct ext2_file){ .ino = ino, .raw = *raw };
    ext2_unmap_block(&block);
    file->goal = fs->groups[(ino - 1) / fs->super.inodes_per_group].inode_table;
    return file->raw.links_count ? 0 : -EUCLEAN; // a name leads to it
}

int ext2_store(struct ext2 *fs, const struct ext2_file *file)
{
    struct ext2_block block;
    struct ext2_inode *raw;
    int err = map_inode(fs, file->ino, true, &block, &raw);

    if (err)
        return err;
    *raw = file->raw;
    ext2_unmap_block(&block);
    return 0;
}

// Linux' two encodings of a device number: the old one where it fits.
static void set_rdev(struct ext2_inode *raw, u64 rdev)
{
    u32 major = (u32)(rdev >> 8 & 0xfff), minor = (u32)((rdev & 0xff) | (rdev >> 12 & 0xfff00));

    if (major < 256 && minor < 256)
        raw->block[0] = major << 8 | minor;
    else
        raw->block[1] = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

u64 ext2_rdev(const struct ext2_file *file)
{
    if (!S_ISCHR(file->raw.mode) && !S_ISBLK(file->raw.mode))
        return 0;
    return file->raw.block[0] ? file->raw.block[0] : file->raw.block[1];
}

int ext2_new(struct ext2 *fs, const struct ext2_file *near, u32 mode, u32 uid, u32 gid, u64 rdev, s64 now,
             struct ext2_file *file)
{
    u32 ino;
    int err = ext2_alloc_inode(fs, near->ino, S_ISDIR(mode), &ino);

    if (err)
        return err;
    *file = (struct ext2_file){ .ino = ino };
    file->raw.mode = (u16)mode;
    file->raw.extra_isize = EXT2_EXTRA_ISIZE;
    ext2_set_owner(file, uid, gid);
    for (enum ext2_time which = EXT2_ATIME; which <= EXT2_CTIME; which++)
        ext2_set_time(file, which, now);
    file->raw.crtime = file->raw.ctime;
    file->raw.crtime_extra = file->raw.ctime_extra;
    file->goal = fs->groups[(ino - 1) / fs->super.inodes_per_group].inode_table;
    if (S_ISCHR(mode) || S_ISBLK(mode))
        set_rdev(&file->raw, rdev);
    err = ext2_store(fs, file);
    if (err && ext2_free_inode(fs, ino, S_ISDIR(mode)))
        return -EUCLEAN;
    return err;
}

// Short links lie in the inode itself, in place of block pointers; so do device numbers.
bool ext2_has_blocks(const struct ext2_file *file)
{
    u32 of_acl = file->raw.file_acl ? EXT2_SECTORS : 0;
    return !S_ISCHR(file->raw.mode) && !S_ISBLK(file->raw.mode) && file->raw.blocks > of_acl;
}

int ext2_delete(struct ext2 *fs, struct ext2_file *file, s64 now)
{
    bool dir = S_ISDIR(file->raw.mode);
    int err = ext2_has_blocks(file) ? ext2_free_range(fs, file, 0, UINT64_MAX) : 0;

    if (!err && file->raw.file_acl) {
        err = ext2_free_block(fs, file->raw.file_acl);
        file->raw.file_acl = 0;
    }
    if (err)
        return err;
    file->raw.links_count = 0;
    file->raw.blocks = 0;
    file->raw.dtime = MAX((u32)(now / 1000000000), (u32)1);
    err = ext2_store(fs, file);
    return err ? err : ext2_free_inode(fs, file->ino, dir);
}

// Seconds: 32 bits with sign, and two more above them; then nanoseconds.
static s64 decode(u32 seconds, u32 extra)
{
    s64 all = (s64)(s32)seconds + ((s64)(extra & 3) << 32);
    return all * 1000000000 + (s64)(extra >> 2);
}

s64 ext2_get_time(const struct ext2_file *file, enum ext2_time which)
{
    const struct ext2_inode *raw = &file->raw;

    switch (which) {
    case EXT2_ATIME:
        return decode(raw->atime, raw->atime_extra);
    case EXT2_MTIME:
        return decode(raw->mtime, raw->mtime_extra);
    default:
        return decode(raw->ctime, raw->ctime_extra);
    }
}

void ext2_set_time(struct ext2_file *file, enum ext2_time which, s64 ns)
{
    struct ext2_inode *raw = &file->raw;
    u32 *at[] = { &raw->atime, &raw->mtime, &raw->ctime };
    u32 *extra[] = { &raw->atime_extra, &raw->mtime_extra, &raw->ctime_extra };
    s64 seconds = ns / 1000000000, rest = ns % 1000000000;

    if (rest < 0) {
        seconds--;
        rest += 1000000000;
    }
    *at[which] = (u32)seconds;
    *extra[which] = (u32)(((seconds - (s64)(s32)seconds) >> 32) & 3) | (u32)rest << 2;
}

void ext2_set_owner(struct ext2_file *file, u32 uid, u32 gid)
{
    file->raw.uid = (u16)uid;
    file->raw.uid_high = (u16)(uid >> 16);
    file->raw.gid = (u16)gid;
    file->raw.gid_high = (u16)(gid >> 16);
}

u32 ext2_uid(const struct ext2_file *file) { return file->raw.uid | (u32)file->raw.uid_high << 16; }
u32 ext2_gid(const struct ext2_file *file) { return file->raw.gid | (u32)file->raw.gid_high << 16; }
