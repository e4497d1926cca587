// SPDX-License-Identifier: BSD-3-Clause
// Pipes and FIFOs: a ring of bytes between descriptors.
#pragma once

#include "libos/fs/file.h"

struct span;

// --- for splice(2) and its kin, of an open file that is an end of a pipe
bool pipe_is(const struct file *file);
bool pipe_is_same(const struct file *a, const struct file *b);
// Waits for room, or for data: the bytes there are; -EAGAIN with nonblock, -EPIPE, -ERESTARTSYS. 0: the writers are
// gone.
__nodiscard long pipe_wait_room(struct file *file, bool nonblock);
__nodiscard long pipe_wait_data(struct file *file, bool nonblock);
// Adds bytes without waiting: as many as fit, or with force all for which there is memory. Bytes, or -EPIPE, -ENOMEM.
__nodiscard long pipe_put(struct file *file, const void *data, size_t size, bool force);
// Takes the next bytes; what of a span could not be used is given back. span_done ends it.
bool pipe_take(struct file *file, size_t max, struct span *ret_span);
void pipe_give_back(struct file *file, const struct span *span, size_t size);
// The bytes at an offset from the front, which stay there.
bool pipe_peek(struct file *file, u64 offset, size_t max, struct span *ret_span);

__nodiscard int pipe_create(u32 flags, struct file *ret_ends[2]); // [0] reads, [1] writes
// open(2) of a FIFO inode: waits for the other side unless O_NONBLOCK (fifo(7)).
int fifo_open(struct inode *inode, struct file *file);
// A new inode for a pipe without a name, or NULL.
struct inode *pipe_inode_alloc(void);
