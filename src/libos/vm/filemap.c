// SPDX-License-Identifier: BSD-3-Clause
// Life of file mappings, and the pages of private ones: our copy, which never looks at the file again. Those of shared
// ones belong to the file's object (object.h, shared.c).
#include "libos/vm/filemap.h"

#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "imagefmt/sites.h"
#include "libos/thread/thread.h"
#include "libos/vm/family.h"
#include "libos/vm/gatemap.h"
#include "libos/vm/learn.h"
#include "libos/vm/object.h"
#include "libos/vm/place.h"
#include "trusted/emm.h"

static bool has_bitmaps(struct vm_filemap *map)
{
    map->present = map->home ? NULL : kzalloc(BITMAP_WORDS(map->pages) * sizeof(u64));
    map->exclusive = map->shared && !map->home ? kzalloc(BITMAP_WORDS(map->pages) * sizeof(u64)) : NULL;
    return map->home || (map->present && (!map->shared || map->exclusive));
}

int filemap_new(struct mm *mm, const struct vm_map_args *args, u64 addr, bool home, struct vm_filemap **ret_map)
{
    struct vm_object *object = args->ops->object(args->file);
    struct vm_filemap *map = object ? kzalloc(sizeof(*map)) : NULL;
    if (!map)
        return -ENOMEM;
    *map = (struct vm_filemap){
        .refs = 1,
        .mm = mm,
        .shared = (args->flags & MAP_TYPE) != MAP_PRIVATE,
        .home = home,
        .may_write = args->may_write,
        .no_exec = args->no_exec,
        .file = args->file,
        .ops = args->ops,
        .addr = addr,
        .offset = args->offset,
        .pages = args->len / PAGE_SIZE,
        .object = is_err(object) ? NULL : object,
    };
    list_init(&map->of_object);
    if (!has_bitmaps(map)) {
        kfree(map->present);
        kfree(map->exclusive);
        kfree(map);
        return -ENOMEM;
    }
    map->ops->get(map->file);
    if (map->object)
        object_join(map->object, map);
    *ret_map = map;
    return 0;
}

struct vm_filemap *filemap_copy(struct mm *child, const struct vm_filemap *map)
{
    struct vm_filemap *copy = kzalloc(sizeof(*copy));
    u64 count = 0;

    if (!copy)
        return NULL;
    *copy = *map;
    copy->refs = 1;
    copy->mm = child;
    copy->copy = copy->next_released = NULL;
    list_init(&copy->of_object);
    copy->present = kzalloc(BITMAP_WORDS(map->pages) * sizeof(u64));
    for (u64 i = 0; i < map->pages; i++)
        count += bitmap_test(map->present, i);
    if (!copy->present || account_charge(count) != 0) {
        kfree(copy->present);
        kfree(copy);
        return NULL;
    }
    memcpy(copy->present, map->present, BITMAP_WORDS(map->pages) * sizeof(u64));
    copy->ops->get(copy->file);
    if (copy->gate)
        gatemap_ref(copy->gate);
    if (copy->object)
        object_join(copy->object, copy);
    return copy;
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
    if (map->object)
        object_leave(map->object, map);
    map->next_released = map->mm->released;
    map->mm->released = map;
}

void mm_unlock(struct mm *mm)
{
    struct vm_filemap *map = mm->released, *next;
    mm->released = NULL;
    if (unlikely(mm->family))
        mutex_unlock(&mm->family->lock);
    mutex_unlock(&mm->lock);
    current->stays--;
    for (; map; map = next) {
        next = map->next_released;
        if (map->shared && map->may_write && map->ops->sync)
            (void)map->ops->sync(map->file, 0,
                                 UINT64_MAX); // as in Linux, munmap does not tell what could not be written
        map->ops->put(map->file);
        kfree(map->present);
        kfree(map->exclusive);
        kfree(map);
    }
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
        count++;
    }
    account_uncharge(count);
}

int filemap_protect(struct vma *vma, u64 start, u64 end, u32 prot)
{
    for (u64 addr = start; addr < end;) {
        u64 next = filemap_run_end(vma->map, addr, end);
        if (is_present(vma->map, addr) && emm_protect(addr, next - addr, vma_emm_prot(prot)) != 0)
            return -ENOMEM;
        addr = next;
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

// page_source: the file's contents, rewritten where they are code. What lies behind the end of the file in its last
// page stays zero.
static int from_file(void *arg, u64 at, u64 len, u8 *bytes)
{
    struct vm_filemap *map = arg;
    long n = read_all(map, map->offset + (at - map->addr), bytes, len);

    if (n <= (long)(len - PAGE_SIZE))
        return -EIO;
    if (map->gate)
        gatemap_apply(map, at, at + len, bytes);
    return 0;
}

// Brings in a run of absent pages that the file covers at least in part.
static int fill_run(struct mm *mm, struct vma *vma, u64 start, u64 end)
{
    // Every thread holds a reference of its mm, and only a thread of it can make another one: we are the only one.
    bool alone = __atomic_load_n(&mm->refs, __ATOMIC_ACQUIRE) == 1;
    u64 pages = (end - start) / PAGE_SIZE;

    if (unlikely(mm->family) && family_fill(mm, vma, start, end) != 0)
        return -ENOMEM;
    if (account_charge(pages) != 0)
        return -ENOMEM;
    int err = place_pages(start, end, vma_emm_prot(vma->prot), alone, from_file, vma->map);
    if (err) {
        account_uncharge(pages);
        return err;
    }
    for (u64 i = 0, first = filemap_index(vma->map, start); i < pages; i++)
        bitmap_set(vma->map->present, first + i);
    if (unlikely(learn_is_on()))
        learn_note(vma->map, vma->map->offset / PAGE_SIZE + filemap_index(vma->map, start), pages);
    if (unlikely(mm->family))
        family_filled(mm, vma, start, end);
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
#define DATA_MAX MIB(2)
// Where it is known what programs touch: of what else they do.
#define HOT_WINDOW KIB(8)

// The next run of pages of the VMA that programs were seen to touch and that are absent, from *index of the table on.
static bool next_hot(const struct vma *vma, const struct sites_run *runs, size_t count, size_t *index, u64 *ret_start,
                     u64 *ret_end)
{
    const struct vm_filemap *map = vma->map;
    u64 first = map->offset / PAGE_SIZE;

    for (; *index < count; (*index)++) {
        u64 low = MAX((u64)runs[*index].first, first),
            high = MIN((u64)runs[*index].first + runs[*index].count, first + map->pages);
        if (low >= high)
            continue;
        *ret_start = MAX(map->addr + (low - first) * PAGE_SIZE, vma->start);
        *ret_end = MIN(map->addr + (high - first) * PAGE_SIZE, vma->end);
        if (*ret_start >= *ret_end || is_present(map, *ret_start))
            continue;
        *ret_end = filemap_run_end(map, *ret_start, *ret_end);
        (*index)++;
        return true;
    }
    return false;
}

enum { HOT_BATCH = 64 }; // runs of one host call

// Brings in what programs were seen to touch of the VMA. What cannot be had comes by its own fault, or not.
static void fill_hot(struct mm *mm, struct vma *vma)
{
    struct vm_filemap *map = vma->map;
    const void *table = NULL;
    size_t size = 0, index = 0, n;
    u64 runs[2 * HOT_BATCH], start, end;

    if (map->hot_known || learn_is_on())
        return;
    map->hot_known = true;
    if (!map->ops->gate_table || map->ops->gate_table(map->file, SITES_LEARNED, &table, &size) != 0 || !table)
        return;
    map->hot = true;
    do {
        for (n = 0; n < ARRAY_SIZE(runs) && next_hot(vma, table, size / sizeof(struct sites_run), &index, &start, &end);
             n += 2) {
            runs[n] = start;
            runs[n + 1] = end - start;
        }
        if (n > 2)
            emm_prefetch_runs(runs, n);
        for (size_t i = 0; i < n; i += 2)
            if (filemap_fill(mm, vma, runs[i], runs[i] + runs[i + 1], runs[i]) != 0)
                break;
        emm_prefetch_done();
    } while (n == ARRAY_SIZE(runs));
}

static void choose_window(struct vm_filemap *map, const struct vma *vma, u64 page, u64 *ret_start, u64 *ret_end)
{
    u64 start, end, index = filemap_index(map, page);
    if (unlikely(learn_is_on()) || map->hot) {
        u64 len = learn_is_on() ? PAGE_SIZE : HOT_WINDOW;
        start = ALIGN_DOWN(page, len);
        end = start + len;
    } else if (vma->prot & PROT_WRITE) { // data: nearly all of it is written, by relocations or by the program
        start = vma_len(vma) <= DATA_MAX ? vma->start : ALIGN_DOWN(page, DATA_MAX);
        end = start + DATA_MAX;
    } else if (map->window && index == map->next_page) {
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

int filemap_populate(struct mm *mm, struct vma *vma, u64 start, u64 end)
{
    u64 window_start, window_end;
    fill_hot(mm, vma);
    if (is_present(vma->map, start))
        return 0;
    choose_window(vma->map, vma, start, &window_start, &window_end);
    return filemap_fill(mm, vma, MIN(start, window_start), MAX(end, window_end), start);
}

int filemap_fault(struct mm *mm, struct vma *vma, u64 page)
{
    struct vm_filemap *map = vma->map;
    u64 start, end;
    if (is_present(map, page))
        return -EALREADY;
    fill_hot(mm, vma);
    if (is_present(map, page))
        return 0;
    choose_window(map, vma, page, &start, &end);
    int err = filemap_fill(mm, vma, start, end, page);
    if (err && !is_present(map, page)) // perhaps a neighbour is at fault: the page alone
        err = filemap_fill(mm, vma, page, page + PAGE_SIZE, page);
    return is_present(map, page) ? 0 : err;
}
