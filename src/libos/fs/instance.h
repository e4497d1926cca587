// SPDX-License-Identifier: BSD-3-Clause
// A mounted file system: what its inodes have in common. Several of one type live side by side.
//
// An instance is alive as long as it is in the table of mounts, and after that (umount2 with MNT_DETACH) as long as
// somebody holds an inode of it.
#pragma once

#include <linux/mount.h>

#include "libos/fs/inode.h"

struct fs_instance;

// Operations that a file system lacks are NULL: nothing to write, never busy, kept for good.
struct fs_instance_ops {
    // Makes durable what was written. 0 or the first error.
    int (*sync)(struct fs_instance *instance);
    // Does anybody hold an inode beyond the one reference of the root that the table of mounts has? Asked while no path
    // leads to the root: nobody can come to hold one but by one that is held.
    bool (*busy)(struct fs_instance *instance);
    // Frees all of it, that reference of the root included. After sync, when it is not busy.
    void (*destroy)(struct fs_instance *instance);
};

struct fs_instance {
    const struct fs_instance_ops *ops;
    struct inode *root;
    u32 flags;   // MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC and others as mount(2) was given them; atomic
    s32 writers; // regular files open for writing or being resized; atomic
};

enum {
    MOUNT_FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_NOATIME | MS_NODIRATIME |
                  MS_RELATIME | MS_STRICTATIME
}; // those that are kept

// Which of `flags` hold for the file system of the inode.
static inline u32 inode_mount_flags(const struct inode *inode, u32 flags)
{
    return inode->instance ? __atomic_load_n(&inode->instance->flags, __ATOMIC_RELAXED) & flags : 0;
}

// What changes a name or an attribute asks first. 0 or -EROFS.
__nodiscard static inline int inode_may_change(const struct inode *inode)
{
    return inode_mount_flags(inode, MS_RDONLY) ? -EROFS : 0;
}

// Between a mount that is to be read-only and files that are open for writing one wins: -EBUSY.
__nodiscard int instance_set_flags(struct fs_instance *instance, u32 flags);
// The type that the host's folder or what is mounted there shows to a program: f_flags of statfs(2).
u32 instance_statfs_flags(u32 mount_flags);
