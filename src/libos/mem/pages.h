// SPDX-License-Identifier: BSD-3-Clause
// Page allocator of the kernel heap: [layout.heap_start, heap_end), first fit over a bitmap, growing on demand. Each
// page has a descriptor that says what it holds, so that kfree finds its way from any address.
#pragma once

#include "base/types.h"

enum page_kind {
    PAGE_FREE = 0,
    PAGE_RUN,      // first page of a run from kpages_alloc; value = pages of the run
    PAGE_BLOCK,    // first page of a run that serves one kmalloc; value = pages of the run
    PAGE_SLAB,     // a page of a slab; value = pages from the slab's first page
    PAGE_INTERIOR, // a further page of a run
};

struct page_desc {
    u32 kind : 3; // enum page_kind
    u32 value : 29;
};

// Allocates count pages and marks them as kind. NULL if there are none.
void *pages_alloc(size_t count, enum page_kind kind);
// Frees the run that begins at addr and was allocated as kind; false (and nothing done) if there is no such run.
__nodiscard bool pages_free(void *addr, enum page_kind kind);
// The descriptor of the page that holds addr; PAGE_FREE for addresses outside the heap.
struct page_desc pages_describe(const void *addr);
// Called by heap_init: no slabs yet.
void slabs_init(void);
