// SPDX-License-Identifier: BSD-3-Clause
// The call-site tables of the image's ELF files, behind the EROFS and under the same root hash. A header, an array
// sorted by inode number, then the tables, each aligned to 8 bytes. Integers little-endian, offsets from the header.
#pragma once

#include "base/types.h"

#define SITES_MAGIC 0x315345544953434full // "OCSITES1"

struct sites_header {
    u64 magic;
    u64 count;
};

struct sites_entry {
    u64 nid;
    u64 offset, size;
};

// An inode number with this bit names another table of the file: struct sites_run, the pages that programs were seen to
// touch (occlum run --learn), in order.
#define SITES_LEARNED (1ull << 63)
struct sites_run {
    u32 first, count; // pages
};

// Checks an entry against the size of the whole area.
static inline bool sites_entry_ok(const struct sites_entry *entry, u64 area)
{
    return entry->offset % 8 == 0 && entry->offset <= area && entry->size <= area - entry->offset;
}
