// SPDX-License-Identifier: BSD-3-Clause
// Objects: homes, and the pages at home.
#include "libos/vm/object.h"

#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "libos/mem/range.h"
#include "libos/vm/place.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/log.h"
#include "trusted/usercopy.h"

struct vm_object *vm_object_new(struct mutex *lock, const struct vm_object_ops *ops, void *owner)
{
    struct vm_object *object = kzalloc(sizeof(*object));
    if (!object)
        return NULL;
    object->lock = lock;
    object->ops = ops;
    object->owner = owner;
    list_init(&object->homes);
    list_init(&object->aliases);
    list_init(&object->privates);
    return object;
}

void vm_object_free(struct vm_object *object)
{
    if (!object)
        return;
    if (vm_object_drop(object, 0, UINT64_MAX) != 0) {
        log_error("pages of a file cannot be given back"); // they stay charged, their addresses taken
        return;
    }
    for (u32 i = 0; i < object->extent_count; i++) {
        range_release(object->extents[i].addr, object->extents[i].pages * PAGE_SIZE);
        range_descriptor_drop();
    }
    sparse_free(&object->present);
    sparse_free(&object->dirty);
    kfree(object);
}

void object_join(struct vm_object *object, struct vm_filemap *map)
{
    mutex_lock(object->lock);
    if (!map->shared)
        list_add(&map->of_object, &object->privates);
    else if (!map->home)
        list_add(&map->of_object, &object->aliases);
    mutex_unlock(object->lock);
}

void object_leave(struct vm_object *object, struct vm_filemap *map)
{
    mutex_lock(object->lock);
    list_del(&map->of_object);
    mutex_unlock(object->lock);
}

// --- homes

static const struct object_extent *extent_of(const struct vm_object *object, u64 index)
{
    for (u32 i = 0; i < object->extent_count; i++)
        if (index - object->extents[i].first < object->extents[i].pages)
            return &object->extents[i];
    return NULL;
}

u64 object_home(const struct vm_object *object, u64 index)
{
    const struct object_extent *extent = extent_of(object, index);
    return extent ? extent->addr + (index - extent->first) * PAGE_SIZE : 0;
}

static bool take(u64 *addr, u64 pages, u64 fixed)
{
    if (range_descriptor_add() != 0)
        return false;
    *addr = fixed;
    if (fixed ? range_take(fixed, pages * PAGE_SIZE) == 0 : vm_place(pages * PAGE_SIZE, false, addr))
        return true;
    range_descriptor_drop();
    return false;
}

// How far a new home may reach beyond what is asked for: addresses that cost nothing, for files that grow.
static u64 room_to_grow(u64 count)
{
    u64 space = (enclave_layout.user_end - enclave_layout.user_start) / PAGE_SIZE;
    return emm_caps()->absent ? MIN(MAX(count, MIB(16) / PAGE_SIZE), space / 4096) : 0;
}

// A new extent from page first on: at least count pages, not into the next extent.
static int add_extent(struct vm_object *object, u64 first, u64 count, u64 fixed)
{
    struct object_extent *extent = &object->extents[object->extent_count];
    u64 room = fixed || object->extent_count ? 0 : room_to_grow(count);
    if (object->extent_count == OBJECT_EXTENTS)
        return -ENOMEM;
    if (!take(&extent->addr, count + room, fixed)) {
        room = 0;
        if (!take(&extent->addr, count, fixed))
            return -ENOMEM;
    }
    extent->first = first;
    extent->pages = count + room;
    object->extent_count++;
    return 0;
}

// Where the extent that begins next after index begins.
static u64 next_extent(const struct vm_object *object, u64 index)
{
    u64 next = UINT64_MAX;
    for (u32 i = 0; i < object->extent_count; i++)
        if (object->extents[i].first > index)
            next = MIN(next, object->extents[i].first);
    return next;
}

s64 object_settle(struct vm_object *object, u64 first, u64 count, u64 fixed)
{
    // The first home begins with the file, so that other windows of it find their place.
    u64 from = first;
    if (!object->extent_count && !fixed && first < count)
        from = 0;
    for (u64 at = from, end = first + count; at < end;) {
        const struct object_extent *extent = extent_of(object, at);
        if (extent) {
            at = extent->first + extent->pages;
            continue;
        }
        u64 next = MIN(end, next_extent(object, at));
        int err = add_extent(object, at, next - at, fixed && at == first && next == end ? fixed : 0);
        if (err)
            return err;
        at = next;
    }
    const struct object_extent *extent = extent_of(object, first);
    return first + count <= extent->first + extent->pages ? (s64)object_home(object, first) : 0;
}

// --- protection

static u32 wanted_prot(const struct vm_object *object, u64 index)
{
    u64 addr = object_home(object, index);
    u32 prot = 0;
    const struct vma *vma;
    const struct vm_filemap *map;
    list_for_each (vma, &object->homes, view)
        if (addr >= vma->start && addr < vma->end)
            prot |= vma_emm_prot(vma->prot);
    if (object->ops->write && emm_caps()->absent && !sparse_test(&object->dirty, index))
        prot &= ~(u32)EMM_WRITE;
    list_for_each (map, &object->aliases, of_object)
        if (emm_caps()->faults && alias_has(map, index))
            prot &= ~(u32)EMM_WRITE;
    return prot;
}

static bool away(const struct vm_object *object, u64 index)
{
    const struct vm_filemap *map;
    list_for_each (map, &object->aliases, of_object)
        if (alias_alone(map, index))
            return true;
    return false;
}

int object_apply(struct vm_object *object, u64 first, u64 end)
{
    for (u64 at = sparse_next(&object->present, first, end); at < end;) {
        u64 next = at + 1, addr = object_home(object, at);
        u32 prot = wanted_prot(object, at);
        bool gone = away(object, at);
        while (next < end && sparse_test(&object->present, next) &&
               object_home(object, next) == addr + (next - at) * PAGE_SIZE && wanted_prot(object, next) == prot &&
               away(object, next) == gone)
            next++;
        if (!gone && emm_protect(addr, (next - at) * PAGE_SIZE, prot) != 0)
            return -ENOMEM;
        at = sparse_next(&object->present, next, end);
    }
    return 0;
}

// --- contents

struct filling {
    struct vm_object *object;
    u64 first, addr;
};

static int from_owner(void *arg, u64 at, u64 len, u8 *bytes)
{
    const struct filling *f = arg;
    return f->object->ops->fill(f->object->owner, f->first + (at - f->addr) / PAGE_SIZE, len / PAGE_SIZE, bytes);
}

static void undo(struct vm_object *object, u64 first, u64 end, u64 addr)
{
    if (emm_discard(addr, (end - first) * PAGE_SIZE) != 0) {
        log_error("pages of a file at %#lx cannot be given back", addr);
        return;
    }
    account_uncharge(end - first);
}

static int install_run(struct vm_object *object, u64 first, u64 end)
{
    struct filling filling = { object, first, object_home(object, first) };
    u64 len = (end - first) * PAGE_SIZE;
    if (!filling.addr || sparse_reserve(&object->present, first, end) != 0 ||
        (object->ops->write && sparse_reserve(&object->dirty, first, end) != 0) || account_charge(end - first) != 0)
        return -ENOMEM;
    int err = place_pages(filling.addr, filling.addr + len, wanted_prot(object, first), false, from_owner, &filling);
    if (err) {
        account_uncharge(end - first);
        return err;
    }
    for (u64 i = first; i < end && object->ops->placed; i++) {
        err = object->ops->placed(object->owner, i, (u8 *)(uintptr_t)filling.addr + (i - first) * PAGE_SIZE);
        if (err) {
            undo(object, i, end, filling.addr + (i - first) * PAGE_SIZE);
            end = i;
        }
    }
    for (u64 i = first; i < end; i++)
        sparse_set(&object->present, i);
    int applied = object_apply(object, first, end);
    return err ? err : applied;
}

int object_install(struct vm_object *object, u64 first, u64 end)
{
    int err = 0;
    while (!err && first < end) {
        u64 next = first + 1;
        const struct object_extent *extent = extent_of(object, first);
        bool present = sparse_test(&object->present, first);
        u64 last = extent ? MIN(end, extent->first + extent->pages) : end;
        while (next < last && sparse_test(&object->present, next) == present)
            next++;
        err = present ? 0 : install_run(object, first, next);
        first = next;
    }
    return err;
}

int vm_object_drop(struct vm_object *object, u64 first, u64 end)
{
    struct vm_filemap *map;
    list_for_each (map, &object->aliases, of_object)
        if (alias_drop(map, first, end, false) != 0)
            return -ENOMEM;
    u64 limit = object->present.count * PAGE_SIZE * 8;
    end = MIN(end, limit);
    for (u64 at = sparse_next(&object->present, first, end); at < end;) {
        u64 next = at + 1, addr = object_home(object, at);
        while (next < end && sparse_test(&object->present, next) &&
               object_home(object, next) == addr + (next - at) * PAGE_SIZE)
            next++;
        if (emm_discard(addr, (next - at) * PAGE_SIZE) != 0)
            return -ENOMEM;
        account_uncharge(next - at);
        for (u64 i = at; i < next; i++) {
            sparse_clear(&object->present, i);
            sparse_clear(&object->dirty, i);
        }
        at = sparse_next(&object->present, next, end);
    }
    return 0;
}

int object_recall(struct vm_object *object, u64 index, bool others)
{
    struct vm_filemap *map;
    bool changed = false;
    if (!emm_caps()->faults)
        return 0;
    list_for_each (map, &object->aliases, of_object) {
        if (!alias_has(map, index) || (!others && !alias_alone(map, index)))
            continue;
        if (alias_drop(map, index, index + 1, true) != 0)
            return -ENOMEM;
        changed = true;
    }
    return changed ? object_apply(object, index, index + 1) : 0;
}

// --- access by the LibOS

// The exchange of a word for itself changes nothing and faults as a write.
static bool accessible(u64 addr, bool write)
{
    u8 byte;
    u32 same = 0, fault = 0;
    if (!write)
        return usercopy_raw(&byte, (void *)(uintptr_t)addr, 1) == 0;
    (void)usercmpxchg_raw((u32 *)(uintptr_t)addr, &same, 0, &fault);
    return !fault;
}

bool vm_object_has(const struct vm_object *object, u64 index) { return object && sparse_test(&object->present, index); }

int vm_object_open(struct vm_object *object, u64 index, bool write, u8 **ret_page)
{
    int err = object_install(object, index, index + 1);
    if (!err && !list_empty(&object->aliases))
        err = object_recall(object, index, write);
    u64 addr = object_home(object, index);
    object->opened = false;
    if (!err && emm_caps()->faults && !accessible(addr, write)) {
        object->opened = true;
        err = emm_protect(addr, PAGE_SIZE, EMM_READ | EMM_WRITE);
    }
    *ret_page = (u8 *)(uintptr_t)addr;
    return err;
}

void vm_object_close(struct vm_object *object, u64 index)
{
    const struct vma *vma;
    u64 addr = object_home(object, index);
    if (!object->opened)
        return;
    object->opened = false;
    // Without mappings nobody is to be kept out, as of any page that is the LibOS's.
    list_for_each (vma, &object->homes, view) {
        if (addr < vma->start || addr >= vma->end)
            continue;
        if (object_apply(object, index, index + 1) != 0)
            log_error("a page at %#lx is left writable", addr);
        return;
    }
    if (!list_empty(&object->aliases) && object_apply(object, index, index + 1) != 0)
        log_error("a page at %#lx is left writable", addr);
}

bool vm_object_covers(const struct vm_object *object, u64 index) { return object && object_home(object, index) != 0; }

int vm_object_write_back(struct vm_object *object, u64 first, u64 end)
{
    struct vm_filemap *map;
    int result = 0;
    end = MIN(end, object->present.count * PAGE_SIZE * 8);
    list_for_each (map, &object->aliases, of_object)
        if (alias_give(map, first, end) != 0)
            return -ENOMEM;
    for (u64 at = sparse_next(&object->dirty, first, end); at < end; at = sparse_next(&object->dirty, at + 1, end)) {
        u8 *page;
        // Clean first and read-only: what is written from now on is dirty again.
        sparse_clear(&object->dirty, at);
        int err = object_apply(object, at, at + 1);
        if (!err)
            err = vm_object_open(object, at, false, &page);
        if (!err) {
            err = object->ops->write(object->owner, at, page);
            vm_object_close(object, at);
        }
        if (err) {
            sparse_set(&object->dirty, at);
            result = err;
        }
    }
    return result;
}

bool vm_object_writable(const struct vm_object *object)
{
    const struct vma *vma;
    const struct vm_filemap *map;
    if (!object)
        return false;
    list_for_each (vma, &object->homes, view)
        if (vma->map->may_write)
            return true;
    list_for_each (map, &object->aliases, of_object)
        if (map->may_write)
            return true;
    return false;
}
