// SPDX-License-Identifier: BSD-3-Clause
#include "libos/mem/pages.h"

#include "base/bitmap.h"
#include "base/checked.h"
#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/mem/limits.h"
#include "trusted/spinlock.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

#define GROW_STEP (KIB(256) / PAGE_SIZE)
// What is free beyond SPARE is given back once it is TRIM_FROM more, in runs of at least TRIM_RUN.
#define SPARE (MIB(1) / PAGE_SIZE)
#define TRIM_FROM (MIB(1) / PAGE_SIZE)
#define TRIM_RUN (KIB(64) / PAGE_SIZE)

static struct spinlock lock = SPINLOCK_INIT(LOCK_HEAP_PAGES);
static u64 *bitmap;             // a set bit is a page in use, or coming or going; guarded by lock
static u64 *present;            // a set bit is a page that can be used without committing it first; guarded by lock
static struct page_desc *descs; // guarded by lock for free pages, by the owner for others
static u64 base;                // address of page 0
static size_t page_count;
static size_t lowest_free;   // no page below is free; guarded by lock
static size_t initial;       // pages [0, initial) are present from the start and stay
static size_t present_end;   // no page from here on is present; guarded by lock
static size_t present_count; // guarded by lock
static size_t used, peak;    // pages; guarded by lock
static size_t trim_at;       // free pages present that make a trim worth trying; guarded by lock
bool heap_trim_due;          // written with lock

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
    bitmap_assign(bitmap, start, count, in_use);
    if (!in_use)
        lowest_free = MIN(lowest_free, start);
    else if (start <= lowest_free && lowest_free < start + count)
        lowest_free = start + count;
}

static void take(size_t start, size_t count)
{
    mark(start, count, true);
    used += count;
    peak = MAX(peak, used);
}

static void give(size_t start, size_t count)
{
    mark(start, count, false);
    used -= count;
}

static void set_present(size_t start, size_t count, bool is_present)
{
    bitmap_assign(present, start, count, is_present);
    if (is_present)
        present_end = MAX(present_end, start + count);
    present_count = is_present ? present_count + count : present_count - count;
}

// Commits what is absent of [start, end), which is marked in use, so that nobody else does. Called with the lock, which
// it gives up while it commits.
static bool bring(size_t start, size_t end)
{
    bool fine = true;
    while (fine && (start = bitmap_find_clear(present, end, start)) < end) {
        size_t count = 1;
        while (start + count < end && !bitmap_test(present, start + count))
            count++;
        spin_unlock(&lock);
        fine = emm_commit(base + start * PAGE_SIZE, count * PAGE_SIZE) == 0;
        spin_lock(&lock);
        if (fine)
            set_present(start, count, true);
    }
    return fine;
}

// The same, and up to the next step what follows is absent too: the heap does not grow page by page.
static bool grow(size_t start, size_t end)
{
    size_t more = end, limit = MIN(ALIGN_UP(end, GROW_STEP), page_count);
    if (bitmap_find_clear(present, end, start) == end)
        return true;
    while (more < limit && !bitmap_test(bitmap, more) && !bitmap_test(present, more))
        more++;
    mark(end, more - end, true);
    bool fine = bring(start, more);
    mark(end, more - end, false);
    return fine;
}

void heap_init(void)
{
    const struct enclave_layout *layout = &enclave_layout;
    size_t total = (layout->heap_end - layout->heap_start) / PAGE_SIZE;
    size_t bitmap_bytes = BITMAP_WORDS(total) * sizeof(u64), desc_bytes = total * sizeof(struct page_desc);
    u64 meta_end = ALIGN_UP(layout->heap_start + 2 * bitmap_bytes + desc_bytes, PAGE_SIZE);

    if (meta_end > layout->heap_init_end && emm_commit(layout->heap_init_end, meta_end - layout->heap_init_end) != 0) {
        log_error("kernel heap: no memory for its own tables");
        return; // page_count stays 0: every allocation fails
    }
    base = layout->heap_start;
    memset((void *)(uintptr_t)base, 0,
           meta_end - base); // added at load without being measured: the host may have put anything there
    bitmap = (void *)(uintptr_t)base;
    present = bitmap + BITMAP_WORDS(total);
    descs = (void *)(uintptr_t)(base + 2 * bitmap_bytes);
    initial = (MAX(meta_end, layout->heap_init_end) - base) / PAGE_SIZE;
    page_count = total;
    lowest_free = used = peak = present_end = present_count = 0;
    trim_at = SPARE + TRIM_FROM;
    WRITE_ONCE(heap_trim_due, false);
    slabs_init();
    set_present(0, initial, true);
    take(0, (meta_end - base) / PAGE_SIZE);
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
        if (count <= page_count)
            limit_note(LIMIT_KERNEL_HEAP, 0);
        return NULL;
    }
    take(start, count);
    if (!grow(start, start + count)) {
        give(start, count);
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
    give(first, count);
    if (present_count - used >= trim_at && present_count > initial)
        WRITE_ONCE(heap_trim_due, true);
    spin_unlock(&lock);
    return true;
}

// The highest run of pages below *end that are free, present and not initial. Called with the lock.
static size_t free_run(size_t *end)
{
    while (*end > initial && (bitmap_test(bitmap, *end - 1) || !bitmap_test(present, *end - 1)))
        (*end)--;
    size_t start = *end;
    while (start > initial && !bitmap_test(bitmap, start - 1) && bitmap_test(present, start - 1))
        start--;
    return *end - start;
}

// Pages that go are marked, with the lock given up, so that nobody takes them.
void heap_trim(void)
{
    spin_lock(&lock);
    WRITE_ONCE(heap_trim_due, false);
    for (size_t end = present_end, count; present_count >= used + SPARE + TRIM_RUN && (count = free_run(&end));
         end -= count) {
        count = MIN(count, present_count - used - SPARE);
        if (count < TRIM_RUN)
            continue;
        size_t start = end - count;
        mark(start, count, true);
        set_present(start, count, false);
        spin_unlock(&lock);
        int err = emm_discard(base + start * PAGE_SIZE, count * PAGE_SIZE);
        spin_lock(&lock);
        if (err)
            set_present(start, count, true);
        mark(start, count, false);
    }
    while (present_end > initial && !bitmap_test(present, present_end - 1))
        present_end--;
    trim_at = MAX(present_count - used, SPARE) + TRIM_FROM; // what is left lies in pieces too small
    spin_unlock(&lock);
}

struct page_desc pages_describe(const void *addr)
{
    if ((u64)(uintptr_t)addr < base || index_of(addr) >= page_count)
        return (struct page_desc){ PAGE_FREE, 0 };
    return *(const volatile struct page_desc *)&descs[index_of(addr)];
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
        .committed = present_count * PAGE_SIZE,
        .max = page_count * PAGE_SIZE,
    };
    spin_unlock(&lock);
}
