// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/inode.h"

struct file;

// The process whose folder of /proc the file is; 0: it is something else.
u32 procfs_process_of(const struct file *file);
__nodiscard int procfs_create(struct inode **ret_root);
__nodiscard int sysfs_create(struct inode **ret_root);
