// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/pagetree.h"
#include "abi/linux/abi.h"
#include "base/string.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"

enum { BITS = 9, FANOUT = 1 << BITS, MAX_HEIGHT = 6 };

static u64 span(u32 height) { return 1ull << (BITS * height); } // indices below one node

static void **table_alloc(void)
{
    void **table = kpages_alloc(1);
    if (table)
        memset(table, 0, PAGE_SIZE);
    return table;
}

// Pages that are not the tree's own have the lowest bit of their pointer set.
#define LENT 1u

static void *untagged(void *page) { return (void *)((uintptr_t)page & ~(uintptr_t)LENT); }
static bool is_lent(const void *page) { return (uintptr_t)page & LENT; }

void *pagetree_get(const struct pagetree *tree, u64 index)
{
    void *node = tree->root;
    if (index >= span(tree->height))
        return NULL;
    for (u32 h = tree->height; h && node; h--)
        node = ((void **)node)[(index >> (BITS * (h - 1))) & (FANOUT - 1)];
    return untagged(node);
}

static int raise_root(struct pagetree *tree, u64 index)
{
    while (index >= span(tree->height)) {
        if (tree->height == MAX_HEIGHT)
            return -EFBIG;
        if (tree->root) {
            void **table = table_alloc();
            if (!table)
                return -ENOMEM;
            table[0] = tree->root;
            tree->root = table;
        }
        tree->height++;
    }
    return 0;
}

// The place of a page, with the tables above it made.
static int place_of(struct pagetree *tree, u64 index, void ***ret_link)
{
    int err = raise_root(tree, index);
    if (err)
        return err;
    void **link = &tree->root;
    for (u32 h = tree->height; h; h--) {
        if (!*link && !(*link = table_alloc()))
            return -ENOMEM;
        link = &((void **)*link)[(index >> (BITS * (h - 1))) & (FANOUT - 1)];
    }
    *ret_link = link;
    return 0;
}

int pagetree_put(struct pagetree *tree, u64 index, void *page)
{
    void **link;
    int err = place_of(tree, index, &link);
    if (!err) {
        *link = page;
        tree->pages++;
    }
    return err;
}

int pagetree_lend(struct pagetree *tree, u64 index, void *page)
{
    void **link;
    int err = place_of(tree, index, &link);
    if (err)
        return err;
    tree->pages += !*link;
    if (*link && !is_lent(*link))
        filepage_free(*link);
    *link = (void *)((uintptr_t)page | LENT);
    return 0;
}

// Frees what lies in [first, end) below *link, which begins at index base. True if nothing is left below.
static bool drop(struct pagetree *tree, void **link, u32 height, u64 base, u64 first, u64 end)
{
    if (!*link || first >= base + span(height) || end <= base)
        return !*link;
    if (!height) {
        if (!is_lent(*link))
            filepage_free(*link);
        tree->pages--;
        *link = NULL;
        return true;
    }
    void **table = *link;
    bool empty = true;
    for (u64 i = 0; i < FANOUT; i++)
        empty &= drop(tree, &table[i], height - 1, base + i * span(height - 1), first, end);
    if (empty) {
        kpages_free(table, 1);
        *link = NULL;
    }
    return empty;
}

void pagetree_drop(struct pagetree *tree, u64 first, u64 end)
{
    if (tree->root && drop(tree, &tree->root, tree->height, 0, first, end))
        tree->height = 0;
}

void pagetree_free(struct pagetree *tree) { pagetree_drop(tree, 0, UINT64_MAX); }
