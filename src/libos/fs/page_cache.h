// SPDX-License-Identifier: BSD-3-Clause
// Verified blocks of the image, kept in file pages until somebody needs the memory.
#pragma once

#include "base/types.h"

// Reads count blocks that are not cached into buf. 0 or -errno. Called without locks.
typedef int (*page_fill)(u64 block, void *buf, u64 count);

// blocks: there are in all. cheap: a read of one block costs hardly more than its part of a longer one.
void page_cache_init(page_fill fill, u64 blocks, bool cheap);
// Copies n bytes at offset within block. -EIO, -ENOMEM.
__nodiscard int page_cache_read(u64 block, u32 offset, void *buf, size_t n);
