// SPDX-License-Identifier: BSD-3-Clause
// Blocks of the image file as the host has them: copies, to be verified by the caller. Where the loader mapped the file
// they are read there, and the enclave is left only once for each 2 MiB that are new; else by pread.
#pragma once

#include "base/types.h"

enum { IMAGE_BLOCK = 4096 };

// What the host says of the image file; nothing of it is believed.
struct host_image {
    int fd;
    u64 size;    // bytes
    u64 address; // where it is mapped outside; 0: it is not
};

// blocks: as many as the image has; no other is ever read. -EIO: the file is shorter.
__nodiscard int image_source_init(const struct host_image *host, u64 blocks);
// Is a small read as cheap as a part of a large one?
bool image_source_mapped(void);
// Copies `count` blocks to `out`, 8-byte aligned. -EIO: the host does not have them. May leave the enclave.
__nodiscard int image_source_read(u64 block, void *out, u64 count);
