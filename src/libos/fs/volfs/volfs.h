// SPDX-License-Identifier: BSD-3-Clause
// The file system of a volume, alone or as the upper layer over the verified image: then what Linux' overlayfs would
// show, in its format (a whiteout is a character device 0:0, an opaque folder has trusted.overlay.opaque = y), so that
// the volume can be taken out and mounted over the unpacked image elsewhere. A file of the image is copied up as a
// whole when it is first changed.
#pragma once

#include "ext2/ext2.h"
#include "libos/fs/file.h"
#include "libos/fs/inode.h"
#include "libos/fs/memfs.h"

// Takes over the mounted ext2 (and its volume) for good. lower may be NULL; lower_root: the folder of it that the root
// shows.
__nodiscard int volfs_create(struct ext2 *ext2, const struct lower_tree *lower, u64 lower_root,
                             struct inode **ret_root);
// Commits what was written to the file system of the inode. 0 or the volume's error.
__nodiscard int volfs_sync(struct inode *inode);

extern const struct inode_ops volfs_ops;
// /dev/volume: which commit the volume of "/" is at, for services that keep that elsewhere. Reading says "UUID
// GENERATION STATE\n" in hexadecimal, decimal, hexadecimal. Writing "GENERATION STATE" asserts that the volume, when it
// was opened, was at that commit or a later one: -ESTALE when it was not. -ENODEV where "/" is no volume.
extern const struct file_ops volfs_device_ops;
// The call sites of an unchanged file of the image; -ENOENT: it is one, and has none.
int volfs_gate_table(struct inode *inode, u64 which, const void **ret_table, size_t *ret_size);
