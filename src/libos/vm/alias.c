// SPDX-License-Identifier: BSD-3-Clause
// Shared mappings that do not lie at home: copies of the object's pages, kept coherent by faults (object.h).
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/vm/object.h"
#include "libos/vm/place.h"
#include "trusted/emm.h"

static u64 first_of(const struct vm_filemap *map) { return map->offset / PAGE_SIZE; }
static u64 address_of(const struct vm_filemap *map, u64 index)
{
    return map->addr + (index - first_of(map)) * PAGE_SIZE;
}

static bool test(const struct vm_filemap *map, const u64 *bits, u64 index)
{
    return index - first_of(map) < map->pages && bitmap_test(bits, index - first_of(map));
}

bool alias_has(const struct vm_filemap *map, u64 index) { return test(map, map->present, index); }
bool alias_alone(const struct vm_filemap *map, u64 index) { return test(map, map->exclusive, index); }

static int copy_page(void *arg, u64 at, u64 len, u8 *bytes)
{
    (void)at;
    memcpy(bytes, (const void *)(uintptr_t) * (const u64 *)arg, len);
    return 0;
}

// The page at `from`, which may be read, appears at `to`, where there is none.
static int copy_to(u64 to, u64 from, u32 prot)
{
    return place_pages(to, to + PAGE_SIZE, prot, false, copy_page, &from);
}

// What the alias alone has goes home.
static int send_home(struct vm_filemap *map, u64 index)
{
    u64 addr = address_of(map, index), home = object_home(map->object, index);
    if (emm_protect(addr, PAGE_SIZE, EMM_READ) != 0 || copy_to(home, addr, EMM_READ) != 0)
        return -ENOMEM;
    bitmap_clear(map->exclusive, index - first_of(map));
    return 0;
}

// Without faults a copy that may be written is compared and the bytes that changed are taken over.
static void merge_home(struct vm_filemap *map, u64 index)
{
    const u8 *mine = (const u8 *)(uintptr_t)address_of(map, index);
    u8 *home = (u8 *)(uintptr_t)object_home(map->object, index);
    if (memcmp(home, mine, PAGE_SIZE) == 0)
        return;
    if (emm_protect((u64)(uintptr_t)home, PAGE_SIZE, EMM_READ | EMM_WRITE) == 0)
        memcpy(home, mine, PAGE_SIZE);
}

int alias_drop(struct vm_filemap *map, u64 first, u64 end, bool keep)
{
    first = MAX(first, first_of(map));
    end = MIN(end, first_of(map) + map->pages);
    for (u64 index = first; index < end; index++) {
        if (!alias_has(map, index))
            continue;
        if (keep && alias_alone(map, index) && send_home(map, index) != 0)
            return -ENOMEM;
        if (keep && !emm_caps()->faults && map->may_write)
            merge_home(map, index);
        if (emm_discard(address_of(map, index), PAGE_SIZE) != 0)
            return -ENOMEM;
        bitmap_clear(map->present, index - first_of(map));
        bitmap_clear(map->exclusive, index - first_of(map));
        account_uncharge(1);
        if (keep && object_apply(map->object, index, index + 1) != 0)
            return -ENOMEM;
    }
    return 0;
}

int alias_give(struct vm_filemap *map, u64 first, u64 end)
{
    if (emm_caps()->faults)
        return alias_drop(map, first, end, true);
    first = MAX(first, first_of(map));
    end = MIN(end, first_of(map) + map->pages);
    for (u64 index = first; map->may_write && index < end; index++)
        if (alias_has(map, index))
            merge_home(map, index);
    return 0;
}

// Brings a copy in, which may be read; from then on home may only be read too.
static int bring(struct vma *vma, u64 index)
{
    struct vm_filemap *map = vma->map;
    u64 home = object_home(map->object, index);
    u32 prot = vma_emm_prot(vma->prot);
    if (account_charge(1) != 0)
        return -ENOMEM;
    bitmap_set(map->present, index - first_of(map));
    int err = emm_protect(home, PAGE_SIZE, EMM_READ);
    if (!err)
        err = copy_to(address_of(map, index), home, emm_caps()->faults ? prot & ~(u32)EMM_WRITE : prot);
    if (err) {
        bitmap_clear(map->present, index - first_of(map));
        account_uncharge(1);
    }
    int applied = object_apply(map->object, index, index + 1);
    return err ? err : applied;
}

// The alias becomes the only one that has the page.
static int take_alone(struct vma *vma, u64 index)
{
    struct vm_filemap *map = vma->map, *other;
    struct vm_object *object = map->object;
    list_for_each (other, &object->aliases, of_object)
        if (other != map && alias_has(other, index) && alias_drop(other, index, index + 1, true) != 0)
            return -ENOMEM;
    if (!alias_has(map, index)) {
        int err = bring(vma, index);
        if (err)
            return err;
    }
    if (emm_discard(object_home(object, index), PAGE_SIZE) != 0)
        return -ENOMEM;
    bitmap_set(map->exclusive, index - first_of(map));
    if (object->ops->write)
        sparse_set(&object->dirty, index);
    return emm_protect(address_of(map, index), PAGE_SIZE, vma_emm_prot(vma->prot));
}

int alias_fault(struct vma *vma, u64 index, bool write)
{
    struct vm_object *object = vma->map->object;
    int err = object_install(object, index, index + 1);
    if (err)
        return err;
    if (alias_alone(vma->map, index) || (alias_has(vma->map, index) && !write))
        return -EALREADY;
    if (write)
        return take_alone(vma, index);
    err = object_recall(object, index, false);
    return err ? err : bring(vma, index);
}
