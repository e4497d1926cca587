// SPDX-License-Identifier: BSD-3-Clause
// Pages of a file by index: a radix tree of 512 pointers a level, as high as the highest index needs. Holes cost
// nothing.
#pragma once

#include "base/types.h"

struct pagetree {
    void *root; // a page at height 0, a table above
    u32 height;
    u64 pages; // in use
};

void *pagetree_get(const struct pagetree *tree, u64 index); // NULL: a hole
// Puts a page (from filepage_alloc) at an empty place. -ENOMEM.
__nodiscard int pagetree_put(struct pagetree *tree, u64 index, void *page);
// Puts a page that is somebody else's in the place of what is there: the tree never frees it. 0, -ENOMEM.
__nodiscard int pagetree_lend(struct pagetree *tree, u64 index, void *page);
void pagetree_drop(struct pagetree *tree, u64 first, u64 end); // frees the pages of [first, end)
void pagetree_free(struct pagetree *tree);
