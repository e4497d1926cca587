// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/inode.h"

// A host folder as a file system. Nothing in it is protected. -errno of the host.
__nodiscard int hostfs_create(const char *source, struct inode **ret_root);
