// SPDX-License-Identifier: BSD-3-Clause
// What of the members of a family is not in place is kept here; bringing it back.
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/usercopy.h"

u32 kept_stamp(void)
{
    static u32 last;
    return __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);
}

static struct vma *area_at(const struct mm *mm, u64 addr)
{
    struct vma *vma = mm ? vma_find(mm, addr) : NULL;
    return vma && vma->start <= addr ? vma : NULL;
}

// What is kept at addr, or the first thing behind it, or NULL.
static struct kept *kept_find(const struct mm *mm, u64 addr)
{
    struct kept *kept;
    list_for_each (kept, &mm->kept, link)
        if (addr < kept->end)
            return kept;
    return NULL;
}

// Is anything kept at addr? *ret_end: how far from addr that answer holds, at most end.
static bool is_kept(const struct mm *mm, u64 addr, u64 end, u64 *ret_end)
{
    struct kept *kept = kept_find(mm, addr);
    bool found = kept && kept->start <= addr;
    *ret_end = !kept ? end : MIN(end, found ? kept->end : kept->start);
    return found;
}

bool kept_run(const struct mm *mm, u64 addr, u64 end, u64 *ret_end, bool *ret_contents)
{
    const struct kept *kept = kept_find(mm, addr);
    bool found = is_kept(mm, addr, end, ret_end);
    *ret_contents = found && kept->bytes;
    return found;
}

struct mm *family_holder(const struct mm *mm, u64 addr, u64 end, u64 *ret_end)
{
    struct mm *other;
    u64 none_until = end;

    list_for_each (other, &mm->family->members, relatives) {
        struct vma *vma = other != mm ? vma_find(other, addr) : NULL;
        if (vma && vma->start <= addr) {
            if (ret_end)
                *ret_end = MIN(end, vma->end);
            return other;
        }
        if (vma)
            none_until = MIN(none_until, vma->start);
    }
    if (ret_end)
        *ret_end = none_until;
    return NULL;
}

bool family_shares(const struct mm *mm, u64 start, u64 end)
{
    struct mm *other;
    list_for_each (other, &mm->family->members, relatives) {
        struct vma *vma = other != mm ? vma_find(other, start) : NULL;
        for (; vma && vma->start < end; vma = vma_next(vma))
            if (vma->flags & VMA_SHARED)
                return true;
    }
    return false;
}

// Memory for what is kept. It is not charged: every member is charged for its own areas in full, and of each page at
// most all but one are here.
static u8 *bytes_alloc(u64 len)
{
    u64 at;
    if (range_descriptor_add())
        return NULL;
    if (range_alloc(len, PAGE_SIZE, enclave_layout.user_start, enclave_layout.user_end, &at)) {
        if (emm_commit(at, len) == 0)
            return (u8 *)(uintptr_t)at;
        range_release(at, len);
    }
    range_descriptor_drop();
    return NULL;
}

static void bytes_free(u8 *bytes, u64 len)
{
    if (!bytes || emm_discard((u64)(uintptr_t)bytes, len) != 0)
        return; // addresses that may still be accessible stay taken
    range_release((u64)(uintptr_t)bytes, len);
    range_descriptor_drop();
}

static void kept_drop(struct kept *kept)
{
    bytes_free(kept->bytes, kept->end - kept->start);
    list_del(&kept->link);
    kfree(kept);
}

void kept_free(struct mm *mm)
{
    struct kept *kept, *next;
    list_for_each_safe (kept, next, &mm->kept, link)
        kept_drop(kept);
}

void kept_undo(struct family *family, u32 stamp)
{
    struct mm *mm;
    struct kept *kept, *next;
    list_for_each (mm, &family->members, relatives)
        list_for_each_safe (kept, next, &mm->kept, link)
            if (kept->stamp == stamp)
                kept_drop(kept);
}

static struct kept *insert(struct mm *owner, u64 start, u64 end, u32 stamp)
{
    struct kept *kept = kzalloc(sizeof(*kept)), *next = kept_find(owner, start);
    if (!kept)
        return NULL;
    kept->start = start;
    kept->end = end;
    kept->stamp = stamp;
    list_add_tail(&kept->link, next ? &next->link : &owner->kept); // before next
    return kept;
}

// The protection that pages in place have by an area of the resident; NULL: hidden.
static int protect_for(struct vma *vma, u64 start, u64 end)
{
    if (!vma)
        return emm_protect(start, end - start, 0);
    if (vma->flags & VMA_SHARED)
        return 0; // its object sees to it
    if (vma->map)
        return filemap_protect(vma, start, end, vma->prot);
    return vma->flags & VMA_BACKED ? emm_protect(start, end - start, vma_emm_prot(vma->prot)) : 0;
}

// Copies pages in place, which the resident may not be allowed to read.
static int copy_out(struct mm *owner, u8 *bytes, u64 start, u64 end)
{
    struct mm *resident = owner->family->resident;
    struct vma *vma = area_at(resident, start);
    bool readable = vma && vma->end >= end && vma->prot != PROT_NONE;

    if (!readable && emm_protect(start, end - start, EMM_READ) != 0)
        return -ENOMEM;
    size_t left = usercopy_raw(bytes, (const void *)(uintptr_t)start, end - start);
    if (!readable)
        for (u64 addr = start; addr < end;) {
            vma = resident ? vma_find(resident, addr) : NULL;
            bool inside = vma && vma->start <= addr;
            u64 next = MIN(end, inside ? vma->end : vma ? vma->start : end);
            if (protect_for(inside ? vma : NULL, addr, next) != 0)
                return -ENOMEM;
            addr = next;
        }
    return left ? -ENOMEM : 0;
}

static int keep_run(struct mm *owner, u64 start, u64 end, bool contents, u32 stamp)
{
    struct kept *kept = insert(owner, start, end, stamp);
    if (!kept)
        return -ENOMEM;
    if (!contents)
        return 0;
    kept->bytes = bytes_alloc(end - start);
    int err = kept->bytes ? copy_out(owner, kept->bytes, start, end) : -ENOMEM;
    if (err)
        kept_drop(kept);
    return err;
}

// Runs of anonymous memory with and without contents; short gaps are copied along.
enum { CHUNK_PAGES = 4096, GAP_PAGES = 8 };

static int keep_chunk(struct mm *owner, u64 start, u64 count, const u8 *flags, u32 stamp)
{
    u64 most_gap = emm_caps()->lazy_anon ? 0 : GAP_PAGES; // pages that need a commit cannot be read before it
    for (u64 i = 0; i < count;) {
        bool contents = flags[i];
        u64 n = 1, gap = 0;
        while (i + n + gap < count && gap <= most_gap) {
            if (flags[i + n + gap] == contents)
                n += gap + 1, gap = 0;
            else if (contents)
                gap++;
            else
                break;
        }
        int err = keep_run(owner, start + i * PAGE_SIZE, start + (i + n) * PAGE_SIZE, contents, stamp);
        if (err)
            return err;
        i += n;
    }
    return 0;
}

static int keep_anonymous(struct mm *owner, u64 start, u64 end, u32 stamp)
{
    u8 *flags = kpages_alloc(1);
    int err = flags ? 0 : -ENOMEM;

    static_assert(CHUNK_PAGES == PAGE_SIZE);
    for (u64 addr = start; addr < end && !err;) {
        u64 count = MIN((end - addr) / PAGE_SIZE, (u64)CHUNK_PAGES);
        err = emm_contents(addr, count, flags);
        if (!err)
            err = keep_chunk(owner, addr, count, flags, stamp);
        addr += count * PAGE_SIZE;
    }
    if (flags)
        kpages_free(flags, 1);
    return err;
}

static int keep_file(struct mm *owner, const struct vm_filemap *map, u64 start, u64 end, u32 stamp)
{
    int err = 0;
    for (u64 addr = start; addr < end && !err;) {
        u64 next = filemap_run_end(map, addr, end);
        err = keep_run(owner, addr, next, bitmap_test(map->present, filemap_index(map, addr)), stamp);
        addr = next;
    }
    return err;
}

// [start, end) lies in the area, and nothing of it is kept. What is shared lies at its object's home, the same for all;
// who is away has no copies of it elsewhere (withdraw).
static int keep_area(struct mm *owner, const struct vma *vma, u64 start, u64 end, u32 stamp)
{
    if (vma->flags & VMA_SHARED)
        return 0;
    if (vma->map)
        return keep_file(owner, vma->map, start, end, stamp);
    if (!(vma->flags & VMA_BACKED))
        return keep_run(owner, start, end, false, stamp);
    return keep_anonymous(owner, start, end, stamp);
}

int kept_add(struct mm *owner, u64 start, u64 end, u32 stamp)
{
    int err = 0;
    for (u64 addr = start; addr < end && !err;) {
        u64 next;
        if (is_kept(owner, addr, end, &next)) {
            addr = next;
            continue;
        }
        struct vma *vma = vma_find(owner, addr);
        if (!vma || vma->start >= next) {
            addr = next;
            continue;
        }
        u64 from = MAX(addr, vma->start), to = MIN(next, vma->end);
        err = keep_area(owner, vma, from, to, stamp);
        addr = to;
    }
    return err;
}

int kept_page(struct mm *mm, u64 addr, u8 **ret_page)
{
    int err = kept_add(mm, addr, addr + PAGE_SIZE, kept_stamp());
    const struct kept *kept = err ? NULL : kept_find(mm, addr);

    *ret_page = kept && kept->start <= addr && kept->bytes ? kept->bytes + (addr - kept->start) : NULL;
    return err;
}

int family_claim(struct mm *mm, u64 start, u64 end, bool fresh)
{
    struct family *family = mm->family;
    struct mm *other;
    u32 stamp = kept_stamp();

    list_for_each (other, &family->members, relatives)
        if (other != mm && kept_add(other, start, end, stamp) != 0) {
            kept_undo(family, stamp);
            return -ENOMEM;
        }
    for (u64 addr = start, next; fresh && addr < end; addr = next)
        if (family_holder(mm, addr, end, &next) && emm_discard(addr, next - addr) != 0)
            return -ENOMEM;
    return 0;
}

// Pages that were never touched, or not yet read from their file.
static int install_nothing(struct mm *to, u64 start, u64 end)
{
    int err = 0;
    for (u64 addr = start; addr < end && !err;) {
        struct vma *vma = vma_find(to, addr);
        bool inside = vma && vma->start <= addr;
        u64 next = MIN(end, inside ? vma->end : vma ? vma->start : end);
        bool zero = inside && !vma->map && (vma->flags & VMA_BACKED);
        err = zero ? emm_zero(addr, next - addr, vma_emm_prot(vma->prot)) : emm_discard(addr, next - addr);
        addr = next;
    }
    return err;
}

static int install(struct mm *to, const struct kept *kept)
{
    u64 len = kept->end - kept->start;

    if (!kept->bytes)
        return install_nothing(to, kept->start, kept->end);
    if (emm_commit(kept->start, len) != 0 || emm_protect(kept->start, len, EMM_READ | EMM_WRITE) != 0)
        return -ENOMEM;
    return usercopy_raw((void *)(uintptr_t)kept->start, kept->bytes, len) ? -ENOMEM : 0;
}

// The area as the outgoing resident had it is the same in all that its pages show.
static bool same_area(const struct vma *a, const struct vma *b)
{
    return a && a->start == b->start && a->end == b->end && a->prot == b->prot && a->flags == b->flags &&
           a->map == b->map;
}

// Protections of the new resident's areas, but for those that are as they were.
static int protect_areas(struct mm *to, const struct mm *from)
{
    int err = 0;
    for (struct vma *vma = vma_find(to, enclave_layout.user_start); vma && !err; vma = vma_next(vma))
        if (!from || !same_area(area_at(from, vma->start), vma))
            err = protect_for(vma, vma->start, vma->end);
    return err;
}

static int bring_back(struct mm *to, struct kept *kept)
{
    int err = install(to, kept);
    for (u64 addr = kept->start; addr < kept->end && !err;) {
        struct vma *vma = vma_find(to, addr);
        u64 from = vma ? MAX(addr, vma->start) : kept->end, next = vma ? MIN(vma->end, kept->end) : kept->end;
        if (from < next)
            err = protect_for(vma, from, next);
        addr = next;
    }
    if (!err)
        kept_drop(kept);
    return err;
}

int family_withdraw(struct mm *mm)
{
    int err = 0;
    for (struct vma *vma = vma_find(mm, enclave_layout.user_start); vma && !err; vma = vma_next(vma))
        if ((vma->flags & (VMA_SHARED | VMA_HOME)) == VMA_SHARED)
            err = shared_leave(vma);
    return err;
}

int family_exchange(struct family *family, const struct mm *from, struct mm *to)
{
    struct kept *kept, *next;
    struct mm *other;
    u32 stamp = kept_stamp();

    list_for_each (other, &family->members, relatives)
        if (other != to && family_withdraw(other) != 0)
            return -ENOMEM;
    list_for_each (kept, &to->kept, link)
        list_for_each (other, &family->members, relatives)
            if (other != to && kept_add(other, kept->start, kept->end, stamp) != 0) {
                kept_undo(family, stamp);
                return -ENOMEM;
            }
    list_for_each_safe (kept, next, &to->kept, link)
        if (bring_back(to, kept) != 0)
            return -ENOMEM;
    return protect_areas(to, from);
}

static int hide(struct vma *vma, u64 start, u64 end)
{
    if (vma->map)
        return filemap_protect(vma, start, end, PROT_NONE);
    return vma->flags & VMA_BACKED ? emm_protect(start, end - start, 0) : 0;
}

static int drop_private(struct mm *mm, struct vma *vma, bool keep)
{
    u64 next;

    for (u64 addr = vma->start; addr < vma->end; addr = next) {
        // While a relative has an area here the pages stay: they are his, or he overwrites them when he is back.
        bool held = family_holder(mm, addr, vma->end, &next) != NULL;
        int err = 0;
        if (!held) // whatever is there: it may be what a relative left that is gone
            err = emm_discard(addr, next - addr);
        else if (mm->family->resident == mm && mm->refs) // the mm goes on, and does not have them any more
            err = hide(vma, addr, next);
        if (err)
            return -ENOMEM;
        if (vma->map)
            filemap_forget(vma->map, addr, next);
        else if (vma->flags & VMA_BACKED)
            account_uncharge((next - addr) / PAGE_SIZE);
        if (!held && !keep)
            range_release(addr, next - addr);
    }
    return 0;
}

int family_drop_area(struct mm *mm, struct vma *vma, bool keep)
{
    if (!(vma->flags & VMA_SHARED))
        return drop_private(mm, vma, keep);
    int err = shared_leave(vma);
    if (!err && !keep && !(vma->flags & VMA_HOME))
        mm_release_range(mm, vma->start, vma_len(vma));
    return err;
}

// Do both show the same part of a file, which neither can write?
static bool twins(const struct vma *a, const struct vma *b)
{
    const struct vm_filemap *x = a->map, *y = b->map;
    return x && y && !x->shared && !y->shared && x->file == y->file && x->gate == y->gate &&
           x->addr - x->offset == y->addr - y->offset && !((a->prot | b->prot) & PROT_WRITE);
}

// Calls step for each piece of [start, end) that a relative has in place, with his area.
static int for_each_piece(struct mm *mm, u64 start, u64 end,
                          int (*step)(struct mm *other, struct vma *area, u64 from, u64 to, const struct vma *vma),
                          const struct vma *vma)
{
    struct mm *other;
    int err = 0;
    list_for_each (other, &mm->family->members, relatives) {
        for (u64 addr = start, next; other != mm && addr < end && !err; addr = next) {
            struct vma *area = vma_find(other, addr);
            if (!area || area->start >= end)
                break;
            addr = MAX(addr, area->start);
            if (!is_kept(other, addr, MIN(end, area->end), &next))
                err = step(other, area, addr, next, vma);
        }
    }
    return err;
}

static int keep_unless_twin(struct mm *other, struct vma *area, u64 from, u64 to, const struct vma *vma)
{
    if (twins(area, vma))
        return 0;
    int err = kept_add(other, from, to, kept_stamp());
    return err ? err : emm_discard(from, to - from);
}

int family_fill(struct mm *mm, const struct vma *vma, u64 start, u64 end)
{
    return for_each_piece(mm, start, end, keep_unless_twin, vma);
}

// A twin that cannot be charged for the pages has its absent ones kept: it brings them in itself.
static int give_to_twin(struct mm *other, struct vma *area, u64 from, u64 to, const struct vma *vma)
{
    struct vm_filemap *map = area->map;
    if (!twins(area, vma))
        return 0;
    for (u64 addr = from; addr < to; addr += PAGE_SIZE) {
        u64 index = filemap_index(map, addr);
        if (bitmap_test(map->present, index))
            continue;
        if (account_charge(1) != 0)
            return kept_add(other, addr, to, kept_stamp());
        bitmap_set(map->present, index);
    }
    return 0;
}

void family_filled(struct mm *mm, const struct vma *vma, u64 start, u64 end)
{
    if (for_each_piece(mm, start, end, give_to_twin, vma) != 0)
        log_once(LOG_ERROR, "no memory to note what a relative has of a file");
}

int mm_take_range(struct mm *mm, u64 start, u64 len)
{
    u64 end = start + len, next;

    if (likely(!mm->family))
        return range_take(start, len);
    for (u64 addr = start; addr < end; addr = next) {
        if (family_holder(mm, addr, end, &next) || range_take(addr, next - addr) == 0)
            continue;
        mm_release_range(mm, start, addr - start);
        return -ENOMEM;
    }
    return 0;
}

void mm_release_range(struct mm *mm, u64 start, u64 len)
{
    u64 end = start + len, next;

    if (len && likely(!mm->family))
        range_release(start, len);
    for (u64 addr = start; mm->family && addr < end; addr = next)
        if (!family_holder(mm, addr, end, &next))
            range_release(addr, next - addr);
}
