// SPDX-License-Identifier: BSD-3-Clause
// The second extended file system on disk, as Linux' Documentation/filesystems/ext4 describes the fields that revision
// 1 of ext2 has: 4096-byte blocks, 256-byte inodes with nanoseconds and 34-bit seconds. Little-endian.
#pragma once

#include "base/types.h"

enum {
    EXT2_BLOCK = 4096,
    EXT2_SECTORS = EXT2_BLOCK / 512, // i_blocks counts those
    EXT2_INODE_SIZE = 256,
    EXT2_INODES_PER_BLOCK = EXT2_BLOCK / EXT2_INODE_SIZE,
    EXT2_BLOCKS_PER_GROUP = 32768,
    EXT2_SUPER_OFFSET = 1024, // bytes, of the first superblock
    EXT2_MAGIC = 0xef53,
    EXT2_ROOT_INO = 2,
    EXT2_FIRST_INO = 11,
    EXT2_NAME_MAX = 255,
    EXT2_DIRECT = 12,
    EXT2_POINTERS = EXT2_BLOCK / 4, // of an indirect block
    EXT2_LINK_MAX = 65000,
    EXT2_XATTR_MAGIC = 0xea020000,
};

enum { EXT2_COMPAT_EXT_ATTR = 0x8 };
enum { EXT2_INCOMPAT_FILETYPE = 0x2, EXT2_INCOMPAT_META_BG = 0x10 };
enum { EXT2_RO_SPARSE_SUPER = 0x1, EXT2_RO_LARGE_FILE = 0x2, EXT2_RO_EXTRA_ISIZE = 0x40 };

struct ext2_super { // at byte 1024 of the volume
    u32 inodes_count, blocks_count, r_blocks_count, free_blocks_count, free_inodes_count, first_data_block;
    u32 log_block_size, log_cluster_size, blocks_per_group, clusters_per_group, inodes_per_group;
    u32 mtime, wtime;
    u16 mnt_count, max_mnt_count, magic, state, errors, minor_rev_level;
    u32 lastcheck, checkinterval, creator_os, rev_level;
    u16 def_resuid, def_resgid;
    u32 first_ino;
    u16 inode_size, block_group_nr;
    u32 feature_compat, feature_incompat, feature_ro_compat;
    u8 uuid[16];
    char volume_name[16], last_mounted[64];
    u32 algorithm_usage_bitmap;
    u8 prealloc_blocks, prealloc_dir_blocks;
    u16 reserved_gdt_blocks;
    u8 journal[48]; // uuid, inode, device, orphan list, hash seed, hash version, backup type, descriptor size
    u32 default_mount_opts, first_meta_bg, mkfs_time;
    u32 jnl_blocks[17];
    u32 blocks_count_hi, r_blocks_count_hi, free_blocks_count_hi;
    u16 min_extra_isize, want_extra_isize;
    u8 rest[672];
};
static_assert(offsetof(struct ext2_super, first_ino) == 84);
static_assert(offsetof(struct ext2_super, uuid) == 104);
static_assert(offsetof(struct ext2_super, reserved_gdt_blocks) == 206);
static_assert(offsetof(struct ext2_super, mkfs_time) == 264);
static_assert(offsetof(struct ext2_super, min_extra_isize) == 348);
static_assert(sizeof(struct ext2_super) == 1024);

struct ext2_group {
    u32 block_bitmap, inode_bitmap, inode_table;
    u16 free_blocks_count, free_inodes_count, used_dirs_count, flags;
    u8 rest[12];
};
static_assert(sizeof(struct ext2_group) == 32);

struct ext2_inode {
    u16 mode, uid;
    u32 size, atime, ctime, mtime, dtime;
    u16 gid, links_count;
    u32 blocks, flags, version;
    u32 block[15];
    u32 generation, file_acl, size_high, faddr;
    u16 blocks_high, file_acl_high, uid_high, gid_high;
    u32 reserved;
    u16 extra_isize, checksum_high;
    u32 ctime_extra, mtime_extra, atime_extra, crtime, crtime_extra;
    u8 rest[EXT2_INODE_SIZE - 152];
};
static_assert(offsetof(struct ext2_inode, generation) == 100);
static_assert(offsetof(struct ext2_inode, extra_isize) == 128);
static_assert(sizeof(struct ext2_inode) == EXT2_INODE_SIZE);

enum { EXT2_EXTRA_ISIZE = 32 }; // fields behind the first 128 bytes, up to crtime_extra and version_hi

// type of directory entries
enum {
    EXT2_FT_UNKNOWN,
    EXT2_FT_REG,
    EXT2_FT_DIR,
    EXT2_FT_CHR,
    EXT2_FT_BLK,
    EXT2_FT_FIFO,
    EXT2_FT_SOCK,
    EXT2_FT_SYMLINK
};

struct ext2_dirent {
    u32 inode; // 0: unused
    u16 rec_len;
    u8 name_len, type;
    char name[];
};
static_assert(sizeof(struct ext2_dirent) == 8);

struct ext2_xattr_header { // of an attribute block
    u32 magic, refcount, blocks, hash, checksum, reserved[3];
};
struct ext2_xattr_entry {
    u8 name_len, name_index;
    u16 value_offs;
    u32 value_inum, value_size, hash;
    char name[];
};
static_assert(sizeof(struct ext2_xattr_header) == 32 && sizeof(struct ext2_xattr_entry) == 16);
