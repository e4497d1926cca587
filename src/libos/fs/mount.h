// SPDX-License-Identifier: BSD-3-Clause
// The table of mounts. One lock (mount_table.c) guards it with inode.mounted and inode.covered; a second one, outside
// it, lets one change happen at a time and keeps what is being synced mounted.
#pragma once

#include "abi/occlum/config.h"
#include "libos/fs/instance.h"

// What /proc/mounts shows. Strings live as long as the visit.
struct mount_view {
    const char *source, *target, *type;
    u32 flags; // MS_*
    u32 id, parent;
    u64 dev;
};
void mount_for_each(void (*visit)(const struct mount_view *view, void *arg), void *arg);

// Attaches the root of a new instance to a directory (of which it takes its own reference) and takes over the reference
// of the root. target: as /proc/mounts shows it. dir NULL: it is "/". -ENOMEM; -EBUSY: dir is where a file system
// begins that is mounted already, or it was removed.
__nodiscard int mount_attach(struct inode *dir, struct inode *root, const char *source, const char *target,
                             const char *type);
// Takes the file system with this root out of the table and, when nobody holds anything of it, destroys it.
// -EINVAL: it is none; -EBUSY: "/", or (without MNT_DETACH) somebody holds something of it or mounted something on it.
// MNT_EXPIRE: -EAGAIN the first time. The caller gives up *root_ref, its own reference, to the call.
__nodiscard int mount_detach(struct inode *root_ref, u32 flags);
// Destroys those that were detached and that nobody holds any more.
void mount_reap(void);
// Other flags (MS_*) for the file system with this root. -EINVAL: it is none; -EBUSY: files are open for writing.
__nodiscard int mount_reflag(struct inode *root, u32 flags);
// Syncs all that are mounted, or were and are still held. 0 or the first error.
int mount_sync_all(void);
__nodiscard int mount_sync(struct inode *inode); // the one of the inode

// Ways through, for path walks. Takes over a reference and returns one: of the topmost root mounted there.
struct inode *mount_cross(struct inode *inode);
// The directory that a mounted root hides, with a reference; NULL: it is none (any more).
struct inode *mount_covered(struct inode *root);

// What a program may mount (mount_new.c): makes an instance. target is where. type and source as mount(2) has them,
// data its option string or NULL. -ENODEV: no such type; -EINVAL: an option that is not known or not good; -EPERM:
// Occlum.json does not allow this folder of the host; errors of the host.
__nodiscard int mount_make(const char *type, const char *source, const char *data, struct inode **ret_root,
                           const char **ret_type);
// What the measured configuration allows of the host.
void mount_set_config(const struct occlum_config *config);
// A volume: see volfs_disk_open. lower: of the root.
struct lower_tree;
__nodiscard int mount_open_volume(const char *source, const char *anchor, u64 size, bool grow,
                                  const struct lower_tree *lower, u64 lower_root, struct inode **ret_root);

// For umount2(2): of linux/fs.h, which is not for programs.
enum { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 };
