// SPDX-License-Identifier: BSD-3-Clause
// The kernel heap: kernel_space_heap_size bytes (with EDMM it grows to the maximum and shrinks again). Small objects
// come from slabs, larger ones from whole pages. Never sleeps, may be called with spinlocks held. NULL when exhausted:
// every caller turns that into -ENOMEM for its own caller.
#pragma once

#include "base/types.h"

// At boot, before anything else allocates.
void heap_init(void);

void *kmalloc(size_t size);
void *kzalloc(size_t size);
// Resizes like realloc(3); on failure NULL and the old block stays.
void *krealloc(void *ptr, size_t size);
void kfree(void *ptr); // NULL is accepted
char *kstrdup(const char *s);
char *kstrndup(const char *s, size_t max);

// Whole pages, page aligned, not zeroed; count in pages.
void *kpages_alloc(size_t count);
void kpages_free(void *pages, size_t count);

// With EDMM: much at the end of the heap is free. Where no lock is held, heap_trim() gives it back.
extern bool heap_trim_due;
void heap_trim(void);

struct heap_stats {
    u64 used, peak, committed, max; // bytes
};
void heap_get_stats(struct heap_stats *ret_stats);
