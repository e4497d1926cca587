// SPDX-License-Identifier: BSD-3-Clause
// Pages of file mappings. They are our copy: a private mapping never looks at the file again, a shared one writes
// its changed pages back. Two mappings of one file share nothing in memory.
#include "libos/vm/filemap.h"

#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "libos/vm/family.h"
#include "libos/vm/gatemap.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

int filemap_new(const struct vm_map_args *args, u64 addr, u64 len, struct vm_filemap **ret_map)
{
    u64 pages = len / PAGE_SIZE;
    bool shared = (args->flags & MAP_TYPE) != MAP_PRIVATE;
    struct vm_filemap *map = kzalloc(sizeof(*map));
    if (!map)
        return -ENOMEM;
    *map = (struct vm_filemap){
        .refs = 1,
        .shared = shared,
        .may_write = args->may_write,
        .ops = args->ops,
        .addr = addr,
        .offset = args->offset,
        .pages = pages,
        .present = kzalloc(BITMAP_WORDS(pages) * sizeof(u64)),
        .dirty = shared ? kzalloc(BITMAP_WORDS(pages) * sizeof(u64)) : NULL,
    };
    if (!map->present || (shared && !map->dirty)) {
        kfree(map->present);
        kfree(map->dirty);
        kfree(map);
        return -ENOMEM;
    }
    map->file = args->file;
    map->ops->get(map->file);
    *ret_map = map;
    return 0;
}

static struct vma *area_with(const struct vm_filemap *map, struct vma *vma)
{
    u64 end = map->addr + map->pages * PAGE_SIZE;
    while (vma && vma->start < end && vma->map != map)
        vma = vma_next(vma);
    return vma && vma->start < end ? vma : NULL;
}

#define for_each_area(vma, mm, map) \
    for (vma = area_with(map, vma_find(mm, (map)->addr)); vma; vma = area_with(map, vma_next(vma)))

// Takes over what is present of map where mm has an area of it. Returns how many pages.
static u64 copy_present(struct mm *mm, const struct vm_filemap *map, struct vm_filemap *copy)
{
    struct vma *vma;
    u64 count = 0;
    for_each_area(vma, mm, map) for (u64 i = filemap_index(map, vma->start); i < filemap_index(map, vma->end); i++)
    {
        if (!bitmap_test(map->present, i))
            continue;
        bitmap_set(copy->present, i);
        count++;
    }
    return count;
}

struct vm_filemap *filemap_copy(struct mm *mm, const struct vm_filemap *map)
{
    struct vm_filemap *copy = kzalloc(sizeof(*copy));

    if (!copy)
        return NULL;
    *copy = *map;
    copy->refs = 1;
    copy->common = false;
    copy->copy = NULL;
    copy->dirty = NULL; // of private mappings
    copy->present = kzalloc(BITMAP_WORDS(map->pages) * sizeof(u64));
    if (!copy->present || account_charge(copy_present(mm, map, copy)) != 0) {
        kfree(copy->present);
        kfree(copy);
        return NULL;
    }
    copy->ops->get(copy->file);
    if (copy->gate)
        gatemap_ref(copy->gate);
    return copy;
}

// What no relative has of the area's filemap is not present in it any more.
static void forget_own(struct mm *mm, struct vma *vma)
{
    for (u64 addr = vma->start, next; addr < vma->end; addr = next) {
        next = vma->end;
        if (!family_has_map(mm, vma, addr, &next))
            filemap_forget(vma->map, addr, next);
    }
}

int filemap_own(struct mm *mm, struct vm_filemap *map)
{
    struct vm_filemap *own = filemap_copy(mm, map);
    struct vma *vma, *next;

    if (!own)
        return -ENOMEM;
    filemap_ref(map);
    for (vma = area_with(map, vma_find(mm, map->addr)); vma; vma = next) {
        next = area_with(map, vma_next(vma));
        forget_own(mm, vma);
        vma->map = filemap_ref(own);
        filemap_unref(map);
    }
    filemap_unref(map);
    filemap_unref(own);
    return 0;
}

struct vm_filemap *filemap_ref(struct vm_filemap *map)
{
    map->refs++;
    return map;
}

void filemap_unref(struct vm_filemap *map)
{
    if (!map || --map->refs)
        return;
    gatemap_detach(map);
    map->ops->put(map->file);
    kfree(map->present);
    kfree(map->dirty);
    kfree(map);
}

u64 filemap_run_end(const struct vm_filemap *map, u64 addr, u64 end)
{
    u64 index = filemap_index(map, addr), last = filemap_index(map, end);
    bool present = bitmap_test(map->present, index);
    for (index++; index < last && bitmap_test(map->present, index) == present;) {
        u64 uniform = present ? UINT64_MAX : 0;
        index += index % 64 == 0 && last - index >= 64 && map->present[index / 64] == uniform ? 64 : 1;
    }
    return map->addr + index * PAGE_SIZE;
}

static bool is_present(const struct vm_filemap *map, u64 addr)
{
    return bitmap_test(map->present, filemap_index(map, addr));
}

bool filemap_any_present(const struct vm_filemap *map, u64 start, u64 end)
{
    return is_present(map, start) || filemap_run_end(map, start, end) < end;
}

void filemap_forget(struct vm_filemap *map, u64 start, u64 end)
{
    u64 count = 0, last = filemap_index(map, end);
    for (u64 i = filemap_index(map, start); i < last; i++) {
        if (!bitmap_test(map->present, i))
            continue;
        bitmap_clear(map->present, i);
        if (map->dirty)
            bitmap_clear(map->dirty, i);
        count++;
    }
    account_uncharge(count);
}

// Pages of a shared mapping stay read-only until the first write, which marks them dirty.
static bool tracks_writes(const struct vm_filemap *map) { return map->shared && emm_caps()->absent; }

int filemap_protect(struct vma *vma, u64 start, u64 end, u32 prot)
{
    struct vm_filemap *map = vma->map;
    u32 full = vma_emm_prot(prot), clean = tracks_writes(map) ? full & ~(u32)EMM_WRITE : full;
    for (u64 addr = start; addr < end;) {
        u64 next = filemap_run_end(map, addr, end);
        if (!is_present(map, addr)) {
            addr = next;
            continue;
        }
        bool dirty = full != clean && bitmap_test(map->dirty, filemap_index(map, addr));
        u64 run = addr + PAGE_SIZE;
        while (run < next && (full == clean || bitmap_test(map->dirty, filemap_index(map, run)) == dirty))
            run += PAGE_SIZE;
        if (emm_protect(addr, run - addr, dirty ? full : clean) != 0)
            return -ENOMEM;
        addr = run;
    }
    return 0;
}

// Reads until size bytes or the end of the file. Returns the count or -errno.
static long read_all(const struct vm_filemap *map, u64 offset, u8 *buf, u64 size)
{
    u64 done = 0;
    while (done < size) {
        long n = map->ops->read(map->file, offset + done, buf + done, size - done);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        done += MIN((u64)n, size - done);
    }
    return (long)done;
}

// Reads the contents of [start, end) into committed pages at `at`, rewritten where they are code.
static int prepare(struct vm_filemap *map, u64 start, u64 end, u64 at)
{
    u64 len = end - start;
    long n = read_all(map, map->offset + (start - map->addr), (u8 *)(uintptr_t)at, len);

    // What lies behind the end of the file in its last page reads as zeros: it was committed as such.
    if (n <= (long)(len - PAGE_SIZE))
        return -EIO;
    if (map->gate)
        gatemap_apply(map, start, end, (u8 *)(uintptr_t)at);
    return 0;
}

static u32 first_prot(const struct vma *vma)
{
    return vma_emm_prot(vma->prot) & (tracks_writes(vma->map) ? ~(u32)EMM_WRITE : ~0u);
}

// For the only thread of an address space.
static int fill_in_place(struct vma *vma, u64 start, u64 end)
{
    int err = emm_commit(start, end - start);
    if (err)
        return err;
    err = prepare(vma->map, start, end, start);
    if (!err && first_prot(vma) != (EMM_READ | EMM_WRITE))
        err = emm_protect(start, end - start, first_prot(vma));
    if (err && emm_discard(start, end - start) != 0)
        return -ENOMEM;
    return err;
}

static int fill_staged(struct vma *vma, u64 start, u64 end, u64 staging)
{
    int err = emm_commit(staging, end - start);
    if (err)
        return err;
    err = prepare(vma->map, start, end, staging);
    if (!err)
        err = emm_publish(start, end - start, staging, first_prot(vma));
    if (err && emm_discard(staging, end - start) != 0)
        return -ENOMEM;
    return err;
}

// Other threads must not see pages half filled: they are prepared where nobody looks and put in place at once.
static int fill_aside(struct vma *vma, u64 start, u64 end)
{
    u64 staging;
    int err = range_descriptor_add();
    if (err)
        return err;
    err = -ENOMEM;
    if (range_alloc(end - start, PAGE_SIZE, enclave_layout.user_start, enclave_layout.user_end, &staging)) {
        err = fill_staged(vma, start, end, staging);
        range_release(staging, end - start);
    }
    range_descriptor_drop();
    return err;
}

// Pages of EDMM come to their place as copies, each in one step.
#define COPY_BATCH 16u

static int fill_by_copy(struct vma *vma, u64 start, u64 end)
{
    u64 batch = MIN((end - start) / PAGE_SIZE, COPY_BATCH);
    u8 *buffer = kpages_alloc(batch);
    int err = buffer ? 0 : -ENOMEM;

    emm_prefetch(start, end - start);
    for (u64 at = start; at < end && !err; at += batch * PAGE_SIZE) {
        u64 len = MIN(batch * PAGE_SIZE, end - at);
        memset(buffer, 0, len);
        err = prepare(vma->map, at, at + len, (u64)(uintptr_t)buffer);
        if (!err)
            err = emm_copy(at, len, (u64)(uintptr_t)buffer, first_prot(vma));
    }
    if (buffer)
        kpages_free(buffer, batch);
    if (err && emm_discard(start, end - start) != 0)
        return -ENOMEM;
    return err;
}

// Brings in a run of absent pages that the file covers at least in part.
// Absent pages of mm may be there for a relative, or be what one left.
static int make_room(struct mm *mm, const struct vma *vma, u64 start, u64 end)
{
    if (family_common(mm, vma, start, end) && vma->map->common)
        return 0;
    int err = family_claim(mm, start, end, false);
    return err ? err : emm_discard(start, end - start);
}

static int fill_run(struct mm *mm, struct vma *vma, u64 start, u64 end)
{
    if (unlikely(mm->family) && make_room(mm, vma, start, end) != 0)
        return -ENOMEM;
    // Every thread holds a reference of its mm, and only a thread of it can make another one: we are the only one.
    bool alone = __atomic_load_n(&mm->refs, __ATOMIC_ACQUIRE) == 1;
    u64 pages = (end - start) / PAGE_SIZE;

    if (account_charge(pages) != 0)
        return -ENOMEM;
    int err = emm_caps()->copies ? fill_by_copy(vma, start, end)
              : alone            ? fill_in_place(vma, start, end)
                                 : fill_aside(vma, start, end);
    if (err) {
        account_uncharge(pages);
        return err;
    }
    for (u64 i = 0, first = filemap_index(vma->map, start); i < pages; i++)
        bitmap_set(vma->map->present, first + i);
    return 0;
}

// The address behind the last page that holds a byte of the file.
static u64 file_end_address(const struct vm_filemap *map)
{
    u64 size = map->ops->size(map->file);
    u64 bytes = size > map->offset ? size - map->offset : 0;
    return map->addr + MIN(DIV_ROUND_UP(bytes, PAGE_SIZE), map->pages) * PAGE_SIZE;
}

int filemap_fill(struct mm *mm, struct vma *vma, u64 start, u64 end, u64 must)
{
    u64 file_end = file_end_address(vma->map);
    if (must >= file_end)
        return -EIO;
    end = MIN(end, file_end);
    for (u64 addr = start; addr < end;) {
        u64 next = filemap_run_end(vma->map, addr, end);
        int err = is_present(vma->map, addr) ? 0 : fill_run(mm, vma, addr, next);
        if (err)
            return err;
        addr = next;
    }
    return 0;
}

// A first fault brings in an aligned block around it; sequential ones double the window up to 2 MiB.
#define WINDOW_MIN (KIB(32) / PAGE_SIZE)
#define WINDOW_MAX (MIB(2) / PAGE_SIZE)

static void choose_window(struct vm_filemap *map, const struct vma *vma, u64 page, u64 *ret_start, u64 *ret_end)
{
    u64 start, end, index = filemap_index(map, page);
    if (map->window && index == map->next_page) {
        map->window = MIN(map->window * 2, WINDOW_MAX);
        start = page;
        end = page + map->window * PAGE_SIZE;
    } else {
        map->window = WINDOW_MIN;
        start = ALIGN_DOWN(page, WINDOW_MIN * PAGE_SIZE);
        end = start + WINDOW_MIN * PAGE_SIZE;
    }
    *ret_start = MAX(start, vma->start);
    *ret_end = MIN(end, vma->end);
    map->next_page = filemap_index(map, *ret_end);
}

int filemap_fault(struct mm *mm, struct vma *vma, u64 page, u32 access)
{
    struct vm_filemap *map = vma->map;
    bool brought = false;
    if (!is_present(map, page)) {
        u64 start, end;
        brought = true;
        choose_window(map, vma, page, &start, &end);
        int err = filemap_fill(mm, vma, start, end, page);
        if (err && !is_present(map, page)) // perhaps a neighbour is at fault: the page alone
            err = filemap_fill(mm, vma, page, page + PAGE_SIZE, page);
        if (!is_present(map, page))
            return err;
    }
    if (!(access & VM_WRITE) || !tracks_writes(map))
        return brought ? 0 : -EALREADY;
    if (bitmap_test(map->dirty, filemap_index(map, page)))
        return -EALREADY;
    bitmap_set(map->dirty, filemap_index(map, page));
    return emm_protect(page, PAGE_SIZE, vma_emm_prot(vma->prot));
}

int filemap_sync(struct vma *vma, u64 start, u64 end)
{
    struct vm_filemap *map = vma->map;
    int result = 0;
    if (!map->shared || !map->may_write || !map->ops->write)
        return 0;
    u64 size = map->ops->size(map->file);
    for (u64 addr = start; addr < end; addr += PAGE_SIZE) {
        u64 index = filemap_index(map, addr), offset = map->offset + index * PAGE_SIZE;
        bool changed = tracks_writes(map) ? bitmap_test(map->dirty, index) : is_present(map, addr);
        if (!changed || offset >= size)
            continue;
        // Clean first and read-only: what is written from now on is dirty again.
        bitmap_clear(map->dirty, index);
        if (tracks_writes(map) && emm_protect(addr, PAGE_SIZE, vma_emm_prot(vma->prot) & ~(u32)EMM_WRITE) != 0)
            result = -ENOMEM;
        if (vma->prot == PROT_NONE && emm_protect(addr, PAGE_SIZE, EMM_READ) != 0)
            result = -ENOMEM;
        u64 count = MIN(size - offset, PAGE_SIZE);
        long n = map->ops->write(map->file, offset, (const void *)(uintptr_t)addr, count);
        if (n != (long)count) {
            bitmap_set(map->dirty, index);
            result = n < 0 ? (int)n : -EIO;
        }
        if (vma->prot == PROT_NONE && emm_protect(addr, PAGE_SIZE, 0) != 0)
            result = -ENOMEM;
    }
    return result;
}
