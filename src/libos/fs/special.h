// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/file.h"

// open(2) of a device or FIFO that a file system holds: sets file->ops. mode: with its type; rdev: of devices. -ENXIO
// for others and unknown devices.
__nodiscard int special_open(struct inode *inode, u32 mode, u64 rdev, struct file *file);
