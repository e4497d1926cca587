// SPDX-License-Identifier: BSD-3-Clause
// A directory of the host, shown as it is ("hostfs" mounts). Nothing in it is protected: the host sees and changes
// everything, and may lie; what it answers is checked for sense only. No symbolic link of the host is ever followed by
// the host: the LibOS walks every path itself, entry by entry, so that neither a link nor ".." leads out of the mounted
// directory.
#pragma once

#include "libos/fs/inode.h"

// source is the host's path of the directory. -errno of the host if it cannot be opened.
__nodiscard int hostfs_create(const char *source, struct inode **ret_root);
