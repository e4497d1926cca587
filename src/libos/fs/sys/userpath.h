// SPDX-License-Identifier: BSD-3-Clause
// Paths that come from programs.
#pragma once

#include "libos/fs/file.h"

// Copies a path into kernel memory; free with kfree. Error pointer: -EFAULT, -ENAMETOOLONG, -ENOMEM.
char *path_from_user(const char __user *user);
__nodiscard int user_lookup(int dirfd, const char __user *user, u32 flags, struct lookup *ret_lookup);
__nodiscard int user_inode(int dirfd, const char __user *user, u32 flags, struct inode **ret_inode);
