// SPDX-License-Identifier: BSD-3-Clause
// fork: a second mm with the same areas. The child takes over the pages in place; what it may write is kept for the
// parent.
#include "libos/vm/fork.h"
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/mem/heap.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "libos/vm/gatemap.h"

// A shared mapping of the same pages.
static struct vm_filemap *join_shared(struct mm *child, const struct vm_filemap *map)
{
    struct vm_map_args args = {
        .len = map->pages * PAGE_SIZE,
        .flags = MAP_SHARED,
        .file = map->file,
        .ops = map->ops,
        .offset = map->offset,
        .may_write = map->may_write,
        .no_exec = map->no_exec,
    };
    struct vm_filemap *copy;
    return filemap_new(child, &args, map->addr, map->home, &copy) == 0 ? copy : NULL;
}

// The child's filemap for an area of the parent, referenced; NULL when there is no memory for it.
static struct vm_filemap *filemap_for(struct mm *child, struct vm_filemap *map)
{
    if (map->copy)
        return filemap_ref(map->copy);
    map->copy = map->shared ? join_shared(child, map) : filemap_copy(child, map);
    return map->copy;
}

static int copy_area(struct mm *child, const struct vma *from)
{
    struct vma *vma = vma_new();
    bool backed = !from->map && (from->flags & VMA_BACKED);

    if (!vma)
        return -ENOMEM;
    vma->start = from->start;
    vma->end = from->end;
    vma->prot = from->prot;
    vma->flags = from->flags;
    if (from->map && !(vma->map = filemap_for(child, from->map))) {
        vma_free(vma);
        return -ENOMEM;
    }
    if (backed && account_charge(vma_len(vma) / PAGE_SIZE) != 0) {
        vma_free(vma);
        return -ENOMEM;
    }
    if (vma->flags & VMA_HOME)
        vma_join_home(vma);
    vma_insert(child, vma);
    return 0;
}

static int copy_areas(struct mm *parent, struct mm *child)
{
    int err = family_withdraw(parent);
    for (struct vma *vma = vma_find(parent, 0); vma; vma = vma_next(vma))
        if (vma->map)
            vma->map->copy = NULL;
    for (struct vma *vma = vma_find(parent, 0); vma && !err; vma = vma_next(vma))
        err = copy_area(child, vma);
    return err;
}

// All that the child may write.
static int keep_for_parent(struct mm *parent, u32 stamp)
{
    int err = 0;
    for (struct vma *vma = vma_find(parent, 0); vma && !err; vma = vma_next(vma))
        if ((vma->prot & PROT_WRITE) && !(vma->flags & VMA_SHARED))
            err = kept_add(parent, vma->start, vma->end, stamp);
    return err;
}

static int fork_locked(struct mm *parent, struct mm *child)
{
    u32 stamp = kept_stamp();
    int err = copy_areas(parent, child);
    if (!err)
        err = keep_for_parent(parent, stamp);
    if (err)
        kept_undo(parent->family, stamp);
    return err;
}

int vm_fork(struct mm *parent, struct mm **ret_child)
{
    struct mm *child;
    int err = mm_create(&child);
    if (err)
        return err;
    err = family_begin_alone(parent);
    if (err) {
        mm_unref(child);
        return err;
    }
    mm_lock(parent);
    child->brk_start = parent->brk_start;
    child->brk_end = parent->brk_end;
    child->brk_limit = parent->brk_limit;
    child->family = parent->family;
    list_add_tail(&child->relatives, &parent->family->members);
    err = fork_locked(parent, child);
    mm_unlock(parent);
    if (err) {
        mm_unref(child);
        family_end_alone(parent, NULL);
        return -ENOMEM;
    }
    *ret_child = child;
    return 0;
}

void vm_fork_done(struct mm *parent, struct mm *child) { family_end_alone(parent, child); }
