// SPDX-License-Identifier: BSD-3-Clause
// Three levels: a root with one entry for 8 GiB, nodes of 512 leaves, leaves of 4096 pages (16 MiB). They come from the
// kernel heap on first use and stay.
#include "trusted/pagemap.h"

#include "base/string.h"
#include "trusted/emm.h"
#include "trusted/hooks.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"

#define LEAF_BYTES (PAGEMAP_LEAF_PAGES * PAGE_SIZE)
#define NODE_LEAVES 512u
#define NODE_BYTES (NODE_LEAVES * LEAF_BYTES)

static_assert(PAGEMAP_LEAF_PAGES == PAGE_SIZE && NODE_LEAVES * sizeof(u8 *) == PAGE_SIZE);

static void *root; // u8 **[elrange_size / NODE_BYTES], published once

// The table that *slot points to, made of `pages` zeroed pages if there is none; whoever is first wins.
static void *child(void **slot, bool create, size_t pages, void (*fill)(void *table, u64 start), u64 start)
{
    void *table = __atomic_load_n(slot, __ATOMIC_ACQUIRE), *none = NULL;
    if (likely(table) || !create)
        return table;
    table = hooks->pages_alloc(pages);
    if (!table)
        return NULL;
    memset(table, 0, pages * PAGE_SIZE);
    if (fill)
        fill(table, start);
    if (__atomic_compare_exchange_n(slot, &none, table, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
        return table;
    hooks->pages_free(table, pages);
    return none;
}

static void fill_leaf(void *table, u64 start)
{
    u8 *states = table;
    u64 end = MIN(enclave_layout.user_committed_end, start + LEAF_BYTES);
    for (u64 addr = MAX(start, enclave_layout.user_start); addr < end; addr += PAGE_SIZE)
        states[(addr - start) / PAGE_SIZE] = PAGE_IDLE | PAGE_INITIAL | EMM_READ | EMM_WRITE;
}

u8 *pagemap_get(u64 addr, bool create, u64 *ret_count)
{
    u64 entries = DIV_ROUND_UP(enclave_layout.elrange_size, NODE_BYTES), index = (addr % LEAF_BYTES) / PAGE_SIZE;
    *ret_count = PAGEMAP_LEAF_PAGES - index;
    create = create || addr < enclave_layout.user_committed_end; // initial pages are there without a leaf
    void **nodes = child(&root, create, DIV_ROUND_UP(entries * sizeof(void *), PAGE_SIZE), NULL, 0);
    if (!nodes)
        return NULL;
    void **leaves = child(&nodes[addr / NODE_BYTES], create, 1, NULL, 0);
    if (!leaves)
        return NULL;
    u8 *leaf = child(&leaves[addr % NODE_BYTES / LEAF_BYTES], create, 1, fill_leaf, ALIGN_DOWN(addr, LEAF_BYTES));
    return leaf ? leaf + index : NULL;
}

bool page_trylock(u8 *state, u8 *ret_old)
{
    u8 old = __atomic_load_n(state, __ATOMIC_RELAXED);
    *ret_old = old;
    return !(old & PAGE_BUSY) &&
           __atomic_compare_exchange_n(state, &old, old | PAGE_BUSY, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

u8 page_lock(u8 *state)
{
    u8 old;
    for (u32 tries = 1; !page_trylock(state, &old); tries++)
        if (tries % 64 == 0)
            ocall_yield();
    return old;
}

void page_unlock(u8 *state, u8 value) { __atomic_store_n(state, value, __ATOMIC_RELEASE); }
