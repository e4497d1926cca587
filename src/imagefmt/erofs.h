// SPDX-License-Identifier: BSD-3-Clause
// Reader of uncompressed EROFS (Linux Documentation/filesystems/erofs.rst; on-disk layout of version 1): compact and
// extended inodes, plain and inline data. Written for images that may be anything: every offset is checked, nothing
// recurses.
#pragma once

#include "base/types.h"

struct erofs {
    void *ctx;
    // Reads bytes of the file system. 0 or -errno. Offsets given are below `size`.
    int (*read)(void *ctx, u64 offset, void *buf, size_t n);
    u64 size; // bytes of the file system
    u32 block_bits;
    u64 meta_start; // byte offset of inode 0
    u64 root;       // inode number (nid)
    u64 build_time; // seconds, of compact inodes
    u32 build_nsec;
};

enum erofs_layout { EROFS_PLAIN = 0, EROFS_INLINE = 2 };

struct erofs_inode {
    u64 nid;
    u32 mode, nlink, uid, gid, ino;
    u64 size, rdev;
    s64 mtime; // ns
    u32 layout;
    u64 data; // byte offset of the first block of data
    u64 tail; // EROFS_INLINE: byte offset of the tail that lies behind the inode
};

// Reads the superblock. -EINVAL if it is no EROFS, -ENOTSUP if it needs features this reader lacks, -EIO.
__nodiscard int erofs_open(struct erofs *fs);
__nodiscard int erofs_inode(const struct erofs *fs, u64 nid, struct erofs_inode *ret_inode);
// Bytes read: short at the end of the file; -errno.
__nodiscard long erofs_read(const struct erofs *fs, const struct erofs_inode *inode, u64 offset, void *buf, size_t n);
// Where a byte of the file lies in the file system, and how many bytes lie there in one piece. -EIO past the end.
__nodiscard int erofs_map(const struct erofs *fs, const struct erofs_inode *inode, u64 offset, u64 *ret_position,
                          u64 *ret_len);
// type is one of DT_* of readdir(3), as the entry says. Calls visit for every entry but "." and ".."; non-zero stops.
// buf: one block of scratch memory.
__nodiscard int erofs_for_each(const struct erofs *fs, const struct erofs_inode *dir, u8 *buf,
                               int (*visit)(const char *name, size_t len, u64 nid, u32 type, void *arg), void *arg);
