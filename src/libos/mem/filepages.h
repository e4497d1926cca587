// SPDX-License-Identifier: BSD-3-Clause
// Pages for file contents (tmpfs data, page cache): taken from the user space's memory, so that the kernel heap
// stays small, as Linux uses free RAM. A page is one 4 KiB page at a fixed address. Not zeroed on allocation.
#pragma once

#include "base/types.h"

// Returns a page or NULL when user memory is exhausted even after reclaim.
void *filepage_alloc(void);
void filepage_free(void *page);

// Clean page caches register here; reclaim is asked to free up to `want` pages and returns how many it freed.
// Called without locks of the caller held, from filepage_alloc and from the vm when memory runs out.
struct filepage_reclaimer {
    size_t (*reclaim)(size_t want);
    struct filepage_reclaimer *next;
};
void filepage_add_reclaimer(struct filepage_reclaimer *reclaimer);

// Asks the reclaimers for `want` pages and gives the free ones back to the budget of user memory. Returns how many it
// gave back. Called by the vm, without locks, when memory runs out.
size_t filepage_reclaim(size_t want);
