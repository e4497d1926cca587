// SPDX-License-Identifier: BSD-3-Clause
// Where glibc's dynamic linker looks for libraries besides the run paths: /etc/ld.so.cache (format
// glibc-ld.so.cache1.1, alone or behind the old ld.so-1.7.0), or, where there is none, the folders of /etc/ld.so.conf.
// Both files may hold anything.
#pragma once

#include "bom/memory.h"

struct ldcache {
    const u8 *bytes; // from the header of the new format; NULL: no cache
    size_t size;
    u32 count;
};

// Takes the contents of a cache file, which stay the caller's. Returns 0, or -EINVAL for what is no such file.
__nodiscard int ldcache_open(const void *bytes, size_t size, struct ldcache *ret);

// The n-th path that the cache has for an x86-64 library of this name (n from 0), without those of glibc-hwcaps: an
// image has no such folders. NULL: no more.
const char *ldcache_find(const struct ldcache *cache, const char *name, size_t n);

// Adds the folders that an ld.so.conf names, in order, to *ret; files of its include lines too. A missing file has
// none.
void ldconf_read(struct arena *arena, const char *path, struct text_list *ret);
