// SPDX-License-Identifier: BSD-3-Clause
// The root file system as the programs in it will see it: absolute links begin at the root, ".." ends there. So no path
// leads out of it.
#pragma once

#include "base/types.h"

enum { ROOT_LINKS_MAX = 40, ROOT_DEPTH_MAX = 256 };

// Opens the folder at `path` (absolute, from the root) with O_PATH, links followed. With `make`, folders that are not
// there are made with mode 0755. root_fd < 0: the root itself is not there yet. Returns the descriptor or -errno
// (-ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG...).
__nodiscard int root_open(int root_fd, const char *path, bool make);

// Opens the folder that `path` lies in; *ret_name is its last component within path, which is not looked at.
__nodiscard int root_open_parent(int root_fd, const char *path, bool make, const char **ret_name);
