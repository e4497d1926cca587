// SPDX-License-Identifier: BSD-3-Clause
// The file system in memory: tmpfs, and the root. A node may have a lower: a file or directory of the read-only image
// that it shows until it is changed. Directories take over the image's entries when they are first looked into, files
// take over page by page as they are written, so nothing is copied that nobody changes, and whiteouts are not needed:
// what was taken over and removed is gone.
#pragma once

#include "base/rbtree.h"
#include "libos/fs/inode.h"

struct memfs_node;

// A read-only tree below (image_fs.c). Handles are inode numbers of that tree.
struct lower_attr {
    u32 mode, nlink, uid, gid;
    u64 size, ino, rdev;
    s64 mtime;
};
// type: DT_* of readdir(3), the type bits of the mode shifted down.
typedef int (*lower_visit)(const char *name, size_t len, u64 handle, u64 ino, u32 type, void *arg);
struct lower_tree {
    int (*attr)(u64 handle, struct lower_attr *ret_attr);
    // visit returns non-zero to stop; names come without "." and "..".
    int (*for_each)(u64 handle, lower_visit visit, void *arg);
    // Reads within the file: count or -errno.
    long (*read)(u64 handle, u64 offset, void *buf, size_t size);
    // The same for pages that the reader keeps (mappings): they need no second copy in a cache.
    long (*read_once)(u64 handle, u64 offset, void *buf, size_t size);
    long (*readlink)(u64 handle, char *buf, size_t size);
    int (*gate_table)(u64 handle, const void **ret_table, size_t *ret_size);
};

// Makes a file system; lower may be NULL. The root inode is returned with a reference that keeps all of it alive.
__nodiscard int memfs_create(const struct lower_tree *lower, u64 lower_root, u32 root_mode, struct inode **ret_root);
// Files of the file system of root take at most this many pages of contents together; 0: the default, half of the user
// memory. Before its first use.
void memfs_set_limit(struct inode *root, u64 pages);
// An unlinked regular file (memfd_create, O_TMPFILE).
__nodiscard int memfs_anonymous(u32 mode, struct inode **ret_inode);
// memfd_create(2)'s seals: F_SEAL_* that hold; those of a file that is none of memfs's, or was not made to be sealed,
// are F_SEAL_SEAL. *ret_seals: -EINVAL for what is no memfs file.
__nodiscard int memfs_get_seals(struct inode *inode, u32 *ret_seals);
// Adds seals. -EINVAL, -EPERM (F_SEAL_SEAL), -EBUSY (F_SEAL_WRITE while it is mapped to be written).
__nodiscard int memfs_add_seals(struct inode *inode, u32 seals);
void memfs_set_seals(struct inode *inode, u32 seals);                                  // of a new file
int memfs_gate_table(void *file, u64 which, const void **ret_table, size_t *ret_size); // vm_file_ops
// Device nodes open through this (devfs.c): sets file->ops. -ENXIO for unknown numbers.
int device_open(u64 rdev, u32 mode, struct file *file);
