// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/inode.h"

__nodiscard int procfs_create(struct inode **ret_root);
