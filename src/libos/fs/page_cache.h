// SPDX-License-Identifier: BSD-3-Clause
// Verified blocks of the image, kept in file pages until somebody needs the memory.
#pragma once

#include "base/types.h"

// Reads a block when it is not cached; fills 4096 bytes. 0 or -errno. Called without locks.
typedef int (*page_fill)(u64 block, void *page);

void page_cache_init(page_fill fill);
// Copies n bytes at offset within block. -EIO, -ENOMEM.
__nodiscard int page_cache_read(u64 block, u32 offset, void *buf, size_t n);
