// SPDX-License-Identifier: BSD-3-Clause
// Private: which pages of files programs touch, for the image.
#pragma once

#include "base/types.h"
#include "imagefmt/erofs.h"
#include "imagefmt/sites.h"

struct learned_table {
    u64 nid;
    struct sites_run *runs; // of malloc
    size_t size;            // bytes
};

// The tables of the file `path` (one that is not there, or NULL: none) for the files that are in the image as they
// were. The caller frees tables and runs. 0, -EINVAL after a message, -errno.
__nodiscard int image_learned(const char *path, const struct erofs *fs, struct learned_table **ret_tables,
                              size_t *ret_count);
