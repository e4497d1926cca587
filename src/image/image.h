// SPDX-License-Identifier: BSD-3-Clause
// From a folder to the verified image file: EROFS (by Debian's mkfs.erofs), the call-site tables of its ELF files, and
// a dm-verity hash tree over both. The same folder gives the same bytes.
#pragma once

#include "abi/occlum/config.h"

struct image_request {
    const char *folder;  // what becomes the root file system
    const char *output;  // image file; written beside it first, then renamed
    const char *learned; // what occlum run --learn wrote; NULL or not there: nothing is known
    const u8 *key;       // 32 bytes: the image is encrypted with it; NULL: it is not
    // Called with a step and its share done (0..1), NULL if nobody watches.
    void (*progress)(const char *step, double share);
};

// 0 or -errno after a message on stderr; on failure the old output is untouched.
__nodiscard int image_build(const struct image_request *request, struct occlum_image *ret_image);
// Identifies the state of a folder without reading its files: names, modes, owners, sizes, times, inode numbers, link
// targets. -errno after a message.
__nodiscard int image_fingerprint(const char *folder, u8 ret_digest[32]);
