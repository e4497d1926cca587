// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "ext2/ext2.h"

// Mounts the file system of the volume in the host folder `source`, and makes one of `size` bytes if there is none.
// grow: one that is smaller grows to `size`; if it cannot, it stays as it is and the log says so. -EBUSY: another
// enclave has it; -EBADMSG: another key, or the host changed it; -ENOENT: no such folder; errors of the host. anchor:
// the path of its freshness anchor, "" for none; -ESTALE: the volume is not at the commit that the anchor names.
__nodiscard int volfs_disk_open(const char *source, const char *anchor, u64 size, bool grow, struct ext2 **ret_ext2);
// Gives up the file system, its volume and its host file; what was not synced is forgotten.
void volfs_disk_close(struct ext2 *ext2);
// A file of a host folder for reading and writing, or a new one (-EEXIST). Descriptor or -errno.
__nodiscard int volfs_host_open(int dir, const char *name, bool create);
// All size bytes at offset; what lies beyond the end of the file reads as zeros. 0 or -errno.
__nodiscard int volfs_host_read(int fd, u64 offset, void *buf, size_t size);
__nodiscard int volfs_host_write(int fd, u64 offset, const void *buf, size_t size);
