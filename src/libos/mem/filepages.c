// SPDX-License-Identifier: BSD-3-Clause
// Chunks of the user range, taken at the top, made usable in small steps. A chunk with free pages is on a list; the
// chunks are also in a tree, which finds the chunk of a page that is freed.
#include "libos/mem/filepages.h"

#include "base/bitmap.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "trusted/spinlock.h"
#include "trusted/log.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

#define CHUNK_PAGES 512u // 2 MiB; smaller powers of two when the user range is nearly full
#define STEP_PAGES 16u   // made usable at once

struct chunk {
    struct rb_node node;
    struct list_head link; // in `available`, or alone
    u64 start;
    u32 pages, used;
    u64 in_use[CHUNK_PAGES / 64]; // handed out, or being made usable or given back
    u64 usable[CHUNK_PAGES / 64]; // mapped by the emm and charged
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_FILE_PAGES);
static struct rb_tree chunks;                             // guarded by lock
static struct list_head available = LIST_INIT(available); // chunks with a page not in_use; guarded by lock
static struct filepage_reclaimer *reclaimers;             // grows only

static struct chunk *chunk_of(u64 addr)
{
    struct chunk *best = NULL;
    for (struct rb_node *node = chunks.root; node;) {
        struct chunk *chunk = container_of(node, struct chunk, node);
        if (chunk->start <= addr) {
            best = chunk;
            node = node->right;
        } else {
            node = node->left;
        }
    }
    return best && addr - best->start < best->pages * PAGE_SIZE ? best : NULL;
}

static void chunk_insert(struct chunk *chunk)
{
    struct rb_node **link = &chunks.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = chunk->start < container_of(parent, struct chunk, node)->start ? &parent->left : &parent->right;
    }
    rb_insert(&chunks, &chunk->node, parent, link);
    list_add(&chunk->link, &available);
}

// Called without the lock.
static bool chunk_create(void)
{
    struct chunk *chunk = kzalloc(sizeof(*chunk));
    if (!chunk)
        return false;
    if (range_descriptor_add() != 0) {
        kfree(chunk);
        return false;
    }
    for (u32 pages = CHUNK_PAGES; pages; pages /= 2) {
        u64 len = pages * PAGE_SIZE;
        if (!range_alloc(len, len, enclave_layout.user_start, enclave_layout.user_end, &chunk->start))
            continue;
        chunk->pages = pages;
        spin_lock(&lock);
        chunk_insert(chunk);
        spin_unlock(&lock);
        return true;
    }
    range_descriptor_drop();
    kfree(chunk);
    return false;
}

// Takes page `index` of the chunk. Called with the lock.
static void take(struct chunk *chunk, u32 index)
{
    bitmap_set(chunk->in_use, index);
    if (++chunk->used == chunk->pages)
        list_del(&chunk->link);
}

static void give(struct chunk *chunk, u32 index)
{
    bitmap_clear(chunk->in_use, index);
    if (chunk->used-- == chunk->pages)
        list_add(&chunk->link, &available);
}

static void *page_address(const struct chunk *chunk, u32 index)
{
    return (void *)(uintptr_t)(chunk->start + index * PAGE_SIZE);
}

// A free page that is usable already, or NULL. Called with the lock. Looks at the first chunk only: the list is kept
// with usable pages in front as far as grow() and give() put them there.
static void *take_usable(void)
{
    if (list_empty(&available))
        return NULL;
    struct chunk *chunk = list_first(&available, struct chunk, link);
    for (u32 word = 0; word < CHUNK_PAGES / 64; word++) {
        u64 bits = chunk->usable[word] & ~chunk->in_use[word];
        if (bits) {
            u32 index = word * 64 + (u32)__builtin_ctzll(bits);
            take(chunk, index);
            return page_address(chunk, index);
        }
    }
    return NULL;
}

// Finds in the first available chunk a run of at most `max` pages that are neither in use nor usable and takes them.
// Called with the lock. Returns the count.
static u32 take_unusable(struct chunk **ret_chunk, u32 *ret_first, u32 max)
{
    if (list_empty(&available))
        return 0;
    struct chunk *chunk = list_first(&available, struct chunk, link);
    u32 first = (u32)bitmap_find_clear(chunk->in_use, chunk->pages, 0), count = 0;
    while (count < max && first + count < chunk->pages && !bitmap_test(chunk->in_use, first + count) &&
           !bitmap_test(chunk->usable, first + count)) {
        take(chunk, first + count);
        count++;
    }
    *ret_chunk = chunk;
    *ret_first = first;
    return count;
}

// Makes up to `max` further pages usable and returns one of them, taken; NULL when address space or budget is short.
static void *grow(u32 max)
{
    struct chunk *chunk;
    u32 first, count;

    spin_lock(&lock);
    bool full = list_empty(&available);
    spin_unlock(&lock);
    if (full && !chunk_create())
        return NULL;
    spin_lock(&lock);
    void *page = take_usable(); // freed by someone meanwhile
    count = page ? 0 : take_unusable(&chunk, &first, max);
    spin_unlock(&lock);
    if (!count)
        return page;

    u64 start = (u64)(uintptr_t)page_address(chunk, first), len = count * PAGE_SIZE;
    bool charged = account_charge(count) == 0;
    bool ok = charged && emm_commit(start, len) == 0; // all of it will be written at once
    if (charged && !ok)
        account_uncharge(count);
    spin_lock(&lock);
    for (u32 i = 0; i < count; i++) {
        if (ok)
            bitmap_set(chunk->usable, first + i);
        if (!ok || i != 0)
            give(chunk, first + i);
    }
    spin_unlock(&lock);
    return ok ? page_address(chunk, first) : NULL;
}

void *filepage_alloc(void)
{
    spin_lock(&lock);
    void *page = take_usable();
    spin_unlock(&lock);
    if (likely(page))
        return page;
    page = grow(STEP_PAGES);
    for (int attempt = 0; !page && attempt < 3; attempt++) {
        page = grow(1);
        if (!page && filepage_reclaim(STEP_PAGES) == 0)
            break;
    }
    return page ? page : grow(1);
}

void filepage_free(void *page)
{
    if (!page)
        return;
    u64 addr = (u64)(uintptr_t)page;
    spin_lock(&lock);
    struct chunk *chunk = chunk_of(addr);
    u32 index = chunk ? (u32)((addr - chunk->start) / PAGE_SIZE) : 0;
    bool ok = chunk && bitmap_test(chunk->in_use, index) && bitmap_test(chunk->usable, index);
    if (ok) {
        give(chunk, index);
        // To the front: the next allocation finds a usable page at once.
        list_del(&chunk->link);
        list_add(&chunk->link, &available);
    }
    spin_unlock(&lock);
    if (!ok)
        log_error("filepage_free of %p: not allocated", page);
}

// Takes a run of usable free pages of any chunk in order to give it back. Called with the lock.
static u32 take_free_run(struct chunk **ret_chunk, u32 *ret_first)
{
    struct chunk *chunk;
    list_for_each (chunk, &available, link) {
        for (u32 first = 0; first < chunk->pages; first++) {
            u32 count = 0;
            while (first + count < chunk->pages && bitmap_test(chunk->usable, first + count) &&
                   !bitmap_test(chunk->in_use, first + count))
                count++;
            if (!count)
                continue;
            for (u32 i = 0; i < count; i++)
                take(chunk, first + i);
            *ret_chunk = chunk;
            *ret_first = first;
            return count;
        }
    }
    return 0;
}

// Gives the addresses of a wholly free chunk back. Called with the lock, returns without it.
static void unlock_and_drop_if_empty(struct chunk *chunk)
{
    bool empty = chunk->used == 0;
    for (u32 word = 0; word < CHUNK_PAGES / 64; word++)
        empty = empty && !chunk->usable[word];
    if (empty) {
        list_del(&chunk->link);
        rb_erase(&chunks, &chunk->node);
    }
    spin_unlock(&lock);
    if (!empty)
        return;
    range_release(chunk->start, chunk->pages * PAGE_SIZE);
    range_descriptor_drop();
    kfree(chunk);
}

size_t filepage_reclaim(size_t want)
{
    size_t returned = 0;
    for (struct filepage_reclaimer *r = __atomic_load_n(&reclaimers, __ATOMIC_ACQUIRE); r; r = r->next)
        r->reclaim(want);

    for (;;) {
        struct chunk *chunk;
        u32 first, count;
        spin_lock(&lock);
        count = take_free_run(&chunk, &first);
        spin_unlock(&lock);
        if (!count)
            return returned;
        u64 start = (u64)(uintptr_t)page_address(chunk, first);
        bool ok = emm_discard(start, count * PAGE_SIZE) == 0;
        spin_lock(&lock);
        // Also where the discard failed, for then they may be half gone: whoever needs them makes them usable again.
        for (u32 i = 0; i < count; i++) {
            bitmap_clear(chunk->usable, first + i);
            give(chunk, first + i);
        }
        unlock_and_drop_if_empty(chunk);
        account_uncharge(count);
        if (!ok)
            return returned;
        returned += count;
    }
}

void filepage_add_reclaimer(struct filepage_reclaimer *reclaimer)
{
    reclaimer->next = __atomic_load_n(&reclaimers, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&reclaimers, &reclaimer->next, reclaimer, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED))
        ;
}
