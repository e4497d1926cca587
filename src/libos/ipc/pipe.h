// SPDX-License-Identifier: BSD-3-Clause
// Pipes and FIFOs: a ring of bytes between descriptors.
#pragma once

#include "libos/fs/file.h"

__nodiscard int pipe_create(u32 flags, struct file *ret_ends[2]); // [0] reads, [1] writes
// open(2) of a FIFO inode: waits for the other side unless O_NONBLOCK (fifo(7)).
int fifo_open(struct inode *inode, struct file *file);
// A new inode for a pipe without a name, or NULL.
struct inode *pipe_inode_alloc(void);
