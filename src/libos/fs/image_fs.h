// SPDX-License-Identifier: BSD-3-Clause
// The verified image as the lower tree of the root file system.
#pragma once

#include "abi/occlum/config.h"
#include "libos/fs/image_source.h"
#include "libos/fs/memfs.h"

// host: what the host says of the image file. -EIO if what must be read to open it fails verification, -EINVAL
// if it is no EROFS.
__nodiscard int image_fs_open(const struct occlum_image *info, const struct host_image *host,
                              const struct lower_tree **ret_tree, u64 *ret_root);
