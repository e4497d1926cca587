// SPDX-License-Identifier: BSD-3-Clause
// How much of an address space has been touched.
#include "base/bitmap.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"

enum { CHUNK_PAGES = PAGE_SIZE };
// A peak is looked for before so much goes at once, and not more often than this.
#define NOTE_BYTES MIB(4)
#define NOTE_PAUSE_NS 10000000

static u64 shared_pages(const struct vma *vma)
{
    const struct vm_object *object = vma->map->object;
    u64 pages = 0, first = (vma->map->offset + (vma->start - vma->map->addr)) / PAGE_SIZE;

    if (!object)
        return 0;
    mutex_lock(object->lock);
    for (u64 i = 0, count = vma_len(vma) / PAGE_SIZE; i < count; i++)
        pages += vm_object_has(object, first + i);
    mutex_unlock(object->lock);
    return pages;
}

static u64 file_pages(const struct vma *vma)
{
    u64 pages = 0;
    for (u64 addr = vma->start, next; addr < vma->end; addr = next) {
        next = filemap_run_end(vma->map, addr, vma->end);
        if (bitmap_test(vma->map->present, filemap_index(vma->map, addr)))
            pages += (next - addr) / PAGE_SIZE;
    }
    return pages;
}

// Pages in place in [start, end) that have contents; without memory to ask, all.
static u64 touched(u64 start, u64 end, u8 *flags)
{
    u64 pages = 0;
    for (u64 addr = start; addr < end;) {
        u64 count = MIN((end - addr) / PAGE_SIZE, (u64)CHUNK_PAGES);
        if (!flags || emm_contents(addr, count, flags) != 0)
            return (end - start) / PAGE_SIZE;
        for (u64 i = 0; i < count; i++)
            pages += flags[i] != 0;
        addr += count * PAGE_SIZE;
    }
    return pages;
}

static u64 anonymous_pages(const struct mm *mm, const struct vma *vma, u8 *flags)
{
    u64 pages = 0, next;

    if (!(vma->flags & VMA_BACKED))
        return 0;
    if (likely(!mm->family))
        return touched(vma->start, vma->end, flags);
    for (u64 addr = vma->start; addr < vma->end; addr = next) {
        bool contents;
        if (!kept_run(mm, addr, vma->end, &next, &contents))
            pages += touched(addr, next, flags);
        else if (contents)
            pages += (next - addr) / PAGE_SIZE;
    }
    return pages;
}

u64 vma_resident(const struct mm *mm, const struct vma *vma, u8 *flags)
{
    if (vma->map && vma->map->shared)
        return shared_pages(vma);
    return vma->map ? file_pages(vma) : anonymous_pages(mm, vma, flags);
}

void mm_get_rss(struct mm *mm, struct vm_rss *ret_rss)
{
    struct vm_rss rss = { 0 };
    u8 *flags = kpages_alloc(1);

    mm_look(mm);
    for (struct vma *vma = vma_find(mm, 0); vma; vma = vma_next(vma)) {
        u64 *sum = &rss.anon;
        if (vma->map)
            sum = vma->map->shared ? &rss.shared : &rss.file;
        *sum += vma_resident(mm, vma, flags) * PAGE_SIZE;
    }
    mm->peak = MAX(mm->peak, rss.anon + rss.file + rss.shared);
    rss.peak = mm->peak;
    mm_unlock(mm);
    if (flags)
        kpages_free(flags, 1);
    *ret_rss = rss;
}

void mm_note_peak(struct mm *mm, u64 len)
{
    struct vm_rss rss;
    s64 now;

    if (likely(len < NOTE_BYTES) || (now = time_monotonic_ns()) - READ_ONCE(mm->noted_ns) < NOTE_PAUSE_NS)
        return;
    WRITE_ONCE(mm->noted_ns, now);
    mm_get_rss(mm, &rss);
}
