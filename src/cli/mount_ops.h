// SPDX-License-Identifier: BSD-3-Clause
// The ext2 of a volume as operations of FUSE's high-level interface (libfuse 3). One file system at a time, one thread.
#pragma once

#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include "ext2/ext2.h"

extern const struct fuse_operations mount_operations;

// What they work on from now on. read_only: everything that would change it is -EROFS. The owner of new files is
// mount_owner, which is told who asks.
void mount_use(struct ext2 *ext2, bool read_only);
extern void (*mount_owner)(u32 *ret_uid, u32 *ret_gid);
// Commits what was written. 0 or -errno.
int mount_commit(void);
