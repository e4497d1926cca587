// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/inode.h"

__nodiscard int devfs_create(struct inode **ret_root);
struct file;
bool device_is_null(const struct file *file); // /dev/null, which splice(2) and sendfile(2) do not read
bool device_is_zero(const struct file *file); // /dev/zero: mapping it gives anonymous memory
