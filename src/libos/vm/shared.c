// SPDX-License-Identifier: BSD-3-Clause
// Shared mappings as their processes see them: mmap, mprotect, faults and munmap of VMAs at home or elsewhere; and what
// a truncation takes away from all mappings of a file.
#include "abi/linux/abi.h"
#include "libos/mem/range.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

static u64 index_of(const struct vma *vma, u64 addr)
{
    return (vma->map->offset + (addr - vma->map->addr)) / PAGE_SIZE;
}

// Is [start, end) free of VMAs of mm?
static bool unused(const struct mm *mm, u64 start, u64 end)
{
    const struct vma *vma = vma_find(mm, start);
    return !vma || vma->start >= end;
}

// Where a mapping of the object goes; *ret_home tells whether that is its home. With MAP_FIXED what lies there is
// removed and the addresses are taken.
static s64 place(struct mm *mm, struct vm_object *object, const struct vm_map_args *args, bool *ret_home)
{
    u64 first = args->offset / PAGE_SIZE, count = args->len / PAGE_SIZE, start;
    bool fixed = args->flags & MAP_FIXED;
    bool free_there = fixed && unused(mm, args->addr, args->addr + args->len);

    mutex_lock(object->lock);
    s64 home = object_settle(object, first, count, free_there ? args->addr : 0);
    mutex_unlock(object->lock);
    if (home < 0)
        return home;
    *ret_home = home && (fixed ? args->addr == (u64)home : unused(mm, (u64)home, (u64)home + args->len));
    if (*ret_home && !fixed && (args->flags & MAP_32BIT) && (u64)home + args->len > GIB(2))
        *ret_home = false;
    if (args->flags & MAP_FIXED_NOREPLACE && !free_there)
        return -EEXIST;
    if (*ret_home)
        return fixed && vm_unmap_locked(mm, (u64)home, (u64)home + args->len, true) != 0 ? -ENOMEM : home;
    if (!fixed)
        return vm_place(args->len, args->flags & MAP_32BIT, &start) ? (s64)start : -ENOMEM;
    if (args->flags & MAP_FIXED_NOREPLACE)
        return mm_take_range(mm, args->addr, args->len) == 0 ? (s64)args->addr : -EEXIST;
    if (mm->family && family_shares(mm, args->addr, args->addr + args->len))
        return -ENOMEM;
    if (vma_any_home(mm, args->addr, args->addr + args->len) ||
        vm_take_gaps(mm, args->addr, args->addr + args->len) != 0)
        return -ENOMEM;
    if (vm_unmap_locked(mm, args->addr, args->addr + args->len, true) == 0)
        return (s64)args->addr;
    vm_release_gaps(mm, args->addr, args->addr + args->len);
    return -ENOMEM;
}

static int attach(struct vma *vma)
{
    if (!(vma->flags & VMA_HOME))
        return 0;
    struct vm_object *object = vma->map->object;
    mutex_lock(object->lock);
    list_add(&vma->view, &object->homes);
    int err = object_apply(object, index_of(vma, vma->start), index_of(vma, vma->end));
    if (err)
        list_del(&vma->view);
    mutex_unlock(object->lock);
    return err;
}

s64 shared_map(struct mm *mm, const struct vm_map_args *args, u32 vma_flags)
{
    struct vm_object *object = args->ops->object(args->file);
    bool home = false;
    if (is_err(object))
        return ptr_err(object);
    struct vma *vma = object ? vma_new() : NULL;
    if (!vma)
        return -ENOMEM;
    s64 addr = place(mm, object, args, &home);
    if (addr < 0) {
        vma_free(vma);
        return addr;
    }
    vma->start = (u64)addr;
    vma->end = vma->start + args->len;
    vma->prot = args->prot;
    vma->flags = vma_flags | VMA_SHARED | (home ? VMA_HOME : 0u);
    int err = filemap_new(mm, args, vma->start, home, &vma->map);
    if (!err && mm->family && !home)
        err = family_claim(mm, vma->start, vma->end, true);
    if (!err)
        err = attach(vma);
    if (!err && !emm_caps()->absent)
        err = shared_populate(vma, vma->start, vma->end);
    if (err && err != -EIO) { // -EIO: beyond the end of the file, which Linux maps too
        if (vma->map && shared_leave(vma) != 0)
            return -ENOMEM; // the addresses stay taken
        if (!home)
            mm_release_range(mm, vma->start, vma_len(vma));
        vma_free(vma);
        return err;
    }
    vma_insert(mm, vma);
    return addr;
}

int shared_leave(struct vma *vma)
{
    struct vm_object *object = vma->map->object;
    u64 first = index_of(vma, vma->start), end = index_of(vma, vma->end);
    int err;
    mutex_lock(object->lock);
    if (vma->flags & VMA_HOME) {
        list_del(&vma->view);
        err = object_apply(object, first, end);
        if (err)
            list_add(&vma->view, &object->homes);
    } else {
        err = alias_drop(vma->map, first, end, true);
    }
    mutex_unlock(object->lock);
    return err;
}

int shared_protect(struct mm *mm, struct vma *vma, u32 prot)
{
    struct vm_object *object = vma->map->object;
    u64 first = index_of(vma, vma->start), end = index_of(vma, vma->end);
    u32 old = vma->prot;
    int err = 0;
    if ((prot & PROT_WRITE) && !vma->map->may_write)
        return -EACCES;
    mutex_lock(object->lock);
    vma->prot = prot;
    mm_changed(mm);
    if (vma->flags & VMA_HOME)
        err = object_apply(object, first, end);
    for (u64 i = first; !err && !(vma->flags & VMA_HOME) && i < end; i++) {
        u32 full = vma_emm_prot(prot),
            now = alias_alone(vma->map, i) || !emm_caps()->faults ? full : full & ~(u32)EMM_WRITE;
        if (alias_has(vma->map, i))
            err = emm_protect(vma->start + (i - first) * PAGE_SIZE, PAGE_SIZE, now);
    }
    if (err)
        vma->prot = old;
    mutex_unlock(object->lock);
    return err;
}

// --- faults

#define WINDOW_MAX (MIB(2) / PAGE_SIZE)

// One page, or what the file's owner brings at once; twice the last window where faults go on at its end.
static u64 choose_window(struct vm_filemap *map, u64 index)
{
    u64 least = MAX(map->object->ops->window, 1u);
    map->window = map->window && index == map->next_page ? MIN(map->window * 2, WINDOW_MAX) : least;
    map->next_page = index + map->window;
    return map->window;
}

static int home_fault(struct vma *vma, u64 index, u64 pages, bool write)
{
    struct vm_object *object = vma->map->object;
    bool brought = !sparse_test(&object->present, index);
    if (brought) {
        u64 end = MIN(MIN(index + choose_window(vma->map, index), pages), index_of(vma, vma->end));
        int err = object_install(object, index, end);
        if (err && !sparse_test(&object->present, index)) // perhaps a neighbour is at fault: the page alone
            err = object_install(object, index, index + 1);
        if (!sparse_test(&object->present, index))
            return err;
    }
    bool unclean = write && object->ops->write && emm_caps()->absent && !sparse_test(&object->dirty, index);
    if (unclean)
        sparse_set(&object->dirty, index);
    bool coherent = list_empty(&object->aliases);
    if (!coherent) {
        int err = object_recall(object, index, write);
        if (err)
            return err;
    }
    if (unclean || !coherent)
        return object_apply(object, index, index + 1);
    return brought ? 0 : -EALREADY;
}

int shared_fault(struct vma *vma, u64 page, bool write)
{
    struct vm_object *object = vma->map->object;
    u64 index = index_of(vma, page);
    int err = -EIO;
    mutex_lock(object->lock);
    u64 pages = DIV_ROUND_UP(object->ops->size(object->owner), PAGE_SIZE);
    if (index < pages && (vma->flags & VMA_HOME))
        err = home_fault(vma, index, pages, write);
    else if (index < pages)
        err = alias_fault(vma, index, write);
    mutex_unlock(object->lock);
    return err;
}

int shared_populate(struct vma *vma, u64 start, u64 end)
{
    struct vm_object *object = vma->map->object;
    u64 first = index_of(vma, start), last = index_of(vma, end);
    int err = 0;
    mutex_lock(object->lock);
    u64 pages = DIV_ROUND_UP(object->ops->size(object->owner), PAGE_SIZE);
    if (first >= pages)
        err = -EIO;
    else if (vma->flags & VMA_HOME)
        err = object_install(object, first, MIN(last, pages));
    for (u64 i = first; !err && !(vma->flags & VMA_HOME) && i < MIN(last, pages); i++) {
        err = alias_fault(vma, i, false);
        err = err == -EALREADY ? 0 : err;
    }
    mutex_unlock(object->lock);
    return err;
}

int shared_give(struct vma *vma, u64 start, u64 end)
{
    struct vm_object *object = vma->map->object;
    if (vma->flags & VMA_HOME)
        return 0;
    mutex_lock(object->lock);
    int err = alias_give(vma->map, index_of(vma, start), index_of(vma, end));
    mutex_unlock(object->lock);
    return err;
}

bool shared_resident(const struct vma *vma, u64 page)
{
    struct vm_object *object = vma->map->object;
    mutex_lock(object->lock);
    bool resident = sparse_test(&object->present, index_of(vma, page));
    mutex_unlock(object->lock);
    return resident;
}

bool shared_grow(struct mm *mm, struct vma *vma, u64 end)
{
    u64 old = vma->end;
    if (!(vma->flags & VMA_HOME) || !unused(mm, old, end))
        return false;
    struct vm_object *object = vma->map->object;
    mutex_lock(object->lock);
    s64 home = object_settle(object, index_of(vma, vma->start), (end - vma->start) / PAGE_SIZE, 0);
    bool there = home > 0 && (u64)home == vma->start;
    if (there) {
        vma->end = end;
        there = object_apply(object, index_of(vma, old), index_of(vma, end)) == 0;
    }
    if (!there)
        vma->end = old;
    mutex_unlock(object->lock);
    mm->mapped += (vma->end - old) / PAGE_SIZE;
    return there;
}

void vma_set_range(struct vma *vma, u64 start, u64 end)
{
    struct vm_object *object = vma->flags & VMA_HOME ? vma->map->object : NULL;
    if (object)
        mutex_lock(object->lock);
    vma->start = start;
    vma->end = end;
    if (object)
        mutex_unlock(object->lock);
}

void vma_join_home(struct vma *vma)
{
    struct vm_object *object = vma->map->object;
    mutex_lock(object->lock);
    list_add(&vma->view, &object->homes);
    mutex_unlock(object->lock);
}

void vma_leave_home(struct vma *vma)
{
    struct vm_object *object = vma->map->object;
    mutex_lock(object->lock);
    list_del(&vma->view);
    mutex_unlock(object->lock);
}

int vm_unmap_mapping(struct mm *mm, u64 addr, const struct vm_file_ops *ops)
{
    mm_lock(mm);
    struct vma *vma = vma_find(mm, addr);
    struct vm_filemap *map = vma && vma->start == addr ? vma->map : NULL;
    int err = map && map->ops == ops && map->addr == addr ? 0 : -EINVAL;
    u64 end = err ? 0 : addr + map->pages * PAGE_SIZE;
    for (u64 at = addr; !err && at < end;) {
        vma = vma_find(mm, at);
        if (!vma || vma->start >= end)
            break;
        u64 start = MAX(vma->start, at), next = vma->end;
        if (vma->map == map)
            err = vm_unmap_locked(mm, start, next, false);
        at = next;
    }
    mm_unlock(mm);
    return err;
}

u64 vm_shared_key(struct mm *mm, u64 addr)
{
    u64 key = addr;
    mm_look(mm);
    struct vma *vma = vma_find(mm, addr);
    if (vma && vma->start <= addr && (vma->flags & (VMA_SHARED | VMA_HOME)) == VMA_SHARED && vma->map) {
        struct vm_object *object = vma->map->object;
        mutex_lock(object->lock);
        key = object_home(object, index_of(vma, ALIGN_DOWN(addr, PAGE_SIZE))) + (addr & PAGE_MASK);
        mutex_unlock(object->lock);
    }
    mm_unlock(mm);
    return key;
}

// --- truncation

// Takes what lies behind the new end away from the private mappings of one mm.
static void zap(struct mm *mm, const struct vm_object *object, u64 first)
{
    mm_look(mm);
    // Of relatives whose pages are not in place nothing is taken: a private mapping may keep what it had.
    for (struct vma *vma = mm->family ? NULL : vma_find(mm, 0); vma; vma = vma_next(vma)) {
        struct vm_filemap *map = vma->map;
        if (!map || map->object != object || map->shared || index_of(vma, vma->end) <= first)
            continue;
        u64 start = index_of(vma, vma->start) >= first ? vma->start
                                                       : vma->start + (first - index_of(vma, vma->start)) * PAGE_SIZE;
        if (filemap_any_present(map, start, vma->end) && emm_discard(start, vma->end - start) == 0)
            filemap_forget(map, start, vma->end);
    }
    mm_unlock(mm);
}

// The mm of a private mapping that this truncation has not seen, referenced; NULL: none is left.
static struct mm *next_mm(struct vm_object *object, u64 zap)
{
    struct vm_filemap *map;
    list_for_each (map, &object->privates, of_object) {
        if (map->zap == zap)
            continue;
        map->zap = zap;
        struct mm *mm = mm_ref_alive(map->mm);
        if (mm)
            return mm;
    }
    return NULL;
}

void vm_truncated(struct vm_object *object, u64 size)
{
    if (!object || !emm_caps()->absent)
        return;
    mutex_lock(object->lock);
    u64 number = ++object->zaps;
    for (struct mm *mm = next_mm(object, number); mm; mm = next_mm(object, number)) {
        mutex_unlock(object->lock);
        zap(mm, object, DIV_ROUND_UP(size, PAGE_SIZE));
        mm_unref(mm);
        mutex_lock(object->lock);
    }
    mutex_unlock(object->lock);
}
