// SPDX-License-Identifier: BSD-3-Clause
// Advisory locks: POSIX record locks (owned by a descriptor table, which stands for the process), OFD locks and flock
// (owned by the open file description).
#pragma once

#include "libos/fs/inode.h"

struct files;

// fcntl F_GETLK, F_SETLK, F_SETLKW and the F_OFD_ ones; lock is a kernel copy with an absolute range.
long file_locks_fcntl(struct file *file, int command, struct flock *lock);
long file_locks_flock(struct file *file, int operation);
void posix_locks_release(struct file *file, struct files *owner); // a descriptor of the file was closed
void file_locks_release_description(struct file *file);           // the last one was
void file_locks_free(struct inode *inode);
