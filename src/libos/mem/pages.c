// SPDX-License-Identifier: BSD-3-Clause
#include "libos/mem/pages.h"

#include "base/bitmap.h"
#include "base/checked.h"
#include "base/string.h"
#include "libos/host/log.h"
#include "libos/mem/heap.h"
#include "libos/sync/spinlock.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

#define GROW_STEP KIB(256)

static struct spinlock lock;
static u64 *bitmap;             // a set bit is a page in use; guarded by lock
static struct page_desc *descs; // guarded by lock for free pages, by the owner for others
static u64 base;                // address of page 0
static size_t page_count;
static size_t lowest_free;   // no page below is free; guarded by lock
static size_t committed;     // pages [0, committed) are usable; guarded by lock
static size_t used, peak;    // pages; guarded by lock

static size_t index_of(const void *addr) { return ((u64)(uintptr_t)addr - base) / PAGE_SIZE; }
static void *page_at(size_t index) { return (void *)(uintptr_t)(base + index * PAGE_SIZE); }

// First run of count clear bits, or page_count.
static size_t find_run(size_t count)
{
    size_t start = bitmap_find_clear(bitmap, page_count, lowest_free);
    while (start + count <= page_count) {
        size_t end = start + 1;
        while (end < start + count && !bitmap_test(bitmap, end))
            end++;
        if (end == start + count)
            return start;
        start = bitmap_find_clear(bitmap, page_count, end + 1);
    }
    return page_count;
}

static void mark(size_t start, size_t count, bool in_use)
{
    for (size_t i = start; i < start + count; i++)
        if (in_use)
            bitmap_set(bitmap, i);
        else
            bitmap_clear(bitmap, i);
    if (in_use) {
        if (start <= lowest_free && lowest_free < start + count)
            lowest_free = start + count;
        used += count;
        peak = MAX(peak, used);
    } else {
        lowest_free = MIN(lowest_free, start);
        used -= count;
    }
}

// Makes the heap usable up to page `end`. Called with the lock, which it gives up while it commits: the pages of
// the caller are marked in use already, and others that grow at the same time commit the same pages harmlessly.
static bool grow(size_t end)
{
    size_t from = committed, to = MIN(ALIGN_UP(end, GROW_STEP / PAGE_SIZE), page_count);
    spin_unlock(&lock);
    int err = emm_commit(base + from * PAGE_SIZE, (to - from) * PAGE_SIZE);
    spin_lock(&lock);
    if (err)
        return false;
    committed = MAX(committed, to);
    return true;
}

void heap_init(void)
{
    const struct enclave_layout *layout = &enclave_layout;
    size_t total = (layout->heap_end - layout->heap_start) / PAGE_SIZE;
    size_t bitmap_bytes = BITMAP_WORDS(total) * sizeof(u64), desc_bytes = total * sizeof(struct page_desc);
    u64 meta_end = ALIGN_UP(layout->heap_start + bitmap_bytes + desc_bytes, PAGE_SIZE);

    if (meta_end > layout->heap_init_end &&
        emm_commit(layout->heap_init_end, meta_end - layout->heap_init_end) != 0) {
        log_error("kernel heap: no memory for its own tables");
        return; // page_count stays 0: every allocation fails
    }
    base = layout->heap_start;
    memset((void *)(uintptr_t)base, 0, meta_end - base); // added at load without being measured: the host may have put anything there
    bitmap = (void *)(uintptr_t)base;
    descs = (void *)(uintptr_t)(base + bitmap_bytes);
    committed = (MAX(meta_end, layout->heap_init_end) - base) / PAGE_SIZE;
    page_count = total;
    lowest_free = used = peak = 0;
    slabs_init();
    mark(0, (meta_end - base) / PAGE_SIZE, true);
}

static struct page_desc describe(enum page_kind kind, size_t value, size_t index)
{
    if (index && kind != PAGE_SLAB)
        kind = PAGE_INTERIOR;
    return (struct page_desc){ .kind = kind & 7, .value = value & 0x1fffffff };
}

void *pages_alloc(size_t count, enum page_kind kind)
{
    spin_lock(&lock);
    size_t start = count && count <= page_count ? find_run(count) : page_count;
    if (start == page_count) {
        spin_unlock(&lock);
        return NULL;
    }
    mark(start, count, true);
    if (start + count > committed && !grow(start + count)) {
        mark(start, count, false);
        spin_unlock(&lock);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        descs[start + i] = describe(kind, kind == PAGE_SLAB ? i : count, i);
    spin_unlock(&lock);
    return page_at(start);
}

// The number of pages of the run that begins with page `first`. Called with the lock.
static size_t run_length(size_t first)
{
    struct page_desc desc = descs[first];
    if (desc.kind != PAGE_SLAB)
        return desc.value;
    size_t count = 1;
    while (first + count < page_count && descs[first + count].kind == PAGE_SLAB && descs[first + count].value == count)
        count++;
    return count;
}

bool pages_free(void *addr, enum page_kind kind)
{
    struct page_desc desc = pages_describe(addr);
    if (desc.kind != kind || (kind == PAGE_SLAB && desc.value != 0) || !IS_ALIGNED((u64)(uintptr_t)addr, PAGE_SIZE))
        return false;
    spin_lock(&lock);
    size_t first = index_of(addr), count = run_length(first);
    for (size_t i = 0; i < count; i++)
        descs[first + i] = (struct page_desc){ PAGE_FREE, 0 };
    mark(first, count, false);
    spin_unlock(&lock);
    return true;
}

struct page_desc pages_describe(const void *addr)
{
    if ((u64)(uintptr_t)addr < base || index_of(addr) >= page_count)
        return (struct page_desc){ PAGE_FREE, 0 };
    return READ_ONCE(descs[index_of(addr)]);
}

void *kpages_alloc(size_t count) { return pages_alloc(count, PAGE_RUN); }

void kpages_free(void *pages, size_t count)
{
    if (!pages)
        return;
    if (pages_describe(pages).value != count || !pages_free(pages, PAGE_RUN))
        log_error("kernel heap: kpages_free of %p, %zu pages: no such run", pages, count);
}

void heap_get_stats(struct heap_stats *ret_stats)
{
    spin_lock(&lock);
    *ret_stats = (struct heap_stats){
        .used = used * PAGE_SIZE,
        .peak = peak * PAGE_SIZE,
        .committed = committed * PAGE_SIZE,
        .max = page_count * PAGE_SIZE,
    };
    spin_unlock(&lock);
}
