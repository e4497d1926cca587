// SPDX-License-Identifier: BSD-3-Clause
// Private: the parts that follow the EROFS.
#pragma once

#include "abi/occlum/config.h"

// All of [offset, offset + size) of fd. 0, -EIO when the file ends before, or -errno.
__nodiscard int read_whole_range(int fd, void *buffer, size_t size, u64 offset);
// Walks the EROFS in fd (size bytes) and writes the call-site tables behind it (imagefmt/sites.h), and what the file
// `learned` says (learned.h; NULL: none).
__nodiscard int image_append_sites(int fd, u64 size, const char *learned, u64 *ret_size);
// Encrypts the data blocks and fills in by what the key is told.
__nodiscard int image_seal(int fd, const u8 key[32], struct occlum_image *image);
__nodiscard int write_whole_range(int fd, const u8 *data, u64 size, u64 offset);
// Writes the hash tree behind image->data_blocks and fills in its place, root and salt.
__nodiscard int image_append_verity(int fd, struct occlum_image *image);
