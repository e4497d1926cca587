// SPDX-License-Identifier: BSD-3-Clause
// madvise(2) and msync(2): walks over the mappings of a range that report holes with -ENOMEM, but do the rest.
#include "base/checked.h"
#include "libos/mem/account.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

// Calls visit for the part of each VMA in [start, end). The first error of visit is remembered and ends the walk.
static int walk(struct mm *mm, u64 start, u64 end,
                int (*visit)(struct mm *mm, struct vma *vma, u64 from, u64 to, int arg), int arg)
{
    bool hole = false;
    int err = 0;
    mm_lock(mm);
    for (u64 addr = start; !err && addr < end;) {
        struct vma *vma = vma_find(mm, addr);
        if (!vma || vma->start > addr)
            hole = true;
        if (!vma || vma->start >= end)
            break;
        u64 from = MAX(addr, vma->start), to = MIN(end, vma->end);
        err = visit(mm, vma, from, to, arg);
        addr = to;
    }
    mm_unlock(mm);
    return err ? err : hole ? -ENOMEM : 0;
}

// Drops the contents: anonymous memory reads as zeros afterwards, file pages come from the file again. Shared
// mappings keep theirs, for they are what other users of the file or the memory would still see.
static int drop(struct mm *mm, struct vma *vma, u64 from, u64 to, int arg)
{
    struct vm_filemap *map = vma->map;
    if (unlikely(mm->family) && !(vma->flags & VMA_SHARED) && family_claim(mm, from, to, false) != 0)
        return -ENOMEM;
    if (map) {
        if (map->shared)
            return 0;
        if (!filemap_any_present(map, from, to) || !emm_caps()->absent)
            return 0;
        if (emm_discard(from, to - from) != 0)
            return -ENOMEM;
        filemap_forget(map, from, to);
        return 0;
    }
    if (!(vma->flags & VMA_BACKED) || vma->flags & VMA_SHARED)
        return 0;
    return emm_zero(from, to - from, vma_emm_prot(vma->prot));
}

static int nothing(struct mm *mm, struct vma *vma, u64 from, u64 to, int arg) { return 0; }

// Rounds a range up to whole pages. Returns false for one that is not page aligned or wraps.
static bool page_range(u64 addr, u64 len, u64 *ret_end)
{
    u64 end;
    if (!IS_ALIGNED(addr, PAGE_SIZE) || add_overflow_u64(addr, len, &end) || end > UINT64_MAX - PAGE_MASK)
        return false;
    *ret_end = ALIGN_UP(end, PAGE_SIZE);
    return true;
}

// MADV_FREE is of anonymous memory only.
static int free_lazily(struct mm *mm, struct vma *vma, u64 from, u64 to, int arg)
{
    return vma->map || (vma->flags & VMA_SHARED) ? -EINVAL : drop(mm, vma, from, to, arg);
}

// What is to be populated must be accessible so (arg: the advice).
static int may_populate(struct mm *mm, struct vma *vma, u64 from, u64 to, int arg)
{
    u32 needed = arg == MADV_POPULATE_WRITE ? PROT_WRITE : PROT_READ | PROT_WRITE | PROT_EXEC;
    return vma->prot & needed ? 0 : -EINVAL;
}

struct to_remove {
    void *file;
    const struct vm_file_ops *ops;
    u64 offset, len;
};

// The part of [*addr, end) in one mapping, whose file is referenced, or -errno.
static int next_to_remove(struct mm *mm, u64 *addr, u64 end, struct to_remove *ret)
{
    int err = 0;

    mm_lock(mm);
    struct vma *vma = vma_find(mm, *addr);
    if (!vma || vma->start > *addr)
        err = -ENOMEM;
    else if (!vma->map)
        err = -EINVAL;
    else if (!vma->map->shared || !(vma->prot & PROT_WRITE))
        err = -EACCES;
    if (!err) {
        u64 from = *addr;
        *addr = MIN(end, vma->end);
        *ret = (struct to_remove){ vma->map->file, vma->map->ops, vma->map->offset + (from - vma->map->addr),
                                   *addr - from };
        ret->ops->get(ret->file);
    }
    mm_unlock(mm);
    return err;
}

// MADV_REMOVE: a hole in the files below.
static int remove_range(struct mm *mm, u64 addr, u64 end)
{
    struct to_remove next;
    int err = 0;

    while (!err && addr < end) {
        err = next_to_remove(mm, &addr, end, &next);
        if (err)
            break;
        err = next.ops->punch ? next.ops->punch(next.file, next.offset, next.len) : -EOPNOTSUPP;
        next.ops->put(next.file);
    }
    return err;
}

int vm_advise(struct mm *mm, u64 addr, u64 len, int advice)
{
    u64 end;
    bool drops = false, populates = false;
    switch (advice) {
    case MADV_DONTNEED:
    case MADV_FREE:
        drops = true;
        break;
    case MADV_REMOVE:
        if (!page_range(addr, len, &end))
            return -EINVAL;
        return remove_range(mm, addr, end);
    case MADV_WILLNEED:
    case MADV_POPULATE_READ:
    case MADV_POPULATE_WRITE:
        populates = true;
        break;
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
        break;
    default:
        return -EINVAL;
    }
    if (!page_range(addr, len, &end))
        return -EINVAL;
    if (addr == end)
        return 0;
    if (drops)
        mm_note_peak(mm, end - addr);
    int (*visit)(struct mm *, struct vma *, u64, u64, int) = drops ? drop : nothing;
    if (advice == MADV_FREE)
        visit = free_lazily;
    else if (advice == MADV_POPULATE_READ || advice == MADV_POPULATE_WRITE)
        visit = may_populate;
    int err = walk(mm, addr, end, visit, advice);
    if (!err && populates)
        vm_populate(mm, addr, end - addr);
    return err;
}

struct to_sync {
    void *file;
    const struct vm_file_ops *ops;
    u64 offset, len;
};

// Finds the next shared mapping in [*addr, end) and brings what it changed into the file's own pages. Its file, to be
// synced, is referenced. False: there is none left.
static bool next_to_sync(struct mm *mm, u64 *addr, u64 end, struct to_sync *ret, bool *hole, int *err)
{
    bool found = false;
    mm_lock(mm);
    while (!found && *addr < end) {
        struct vma *vma = vma_find(mm, *addr);
        *hole |= !vma || vma->start > *addr;
        if (!vma || vma->start >= end)
            break;
        u64 from = MAX(*addr, vma->start);
        *addr = MIN(end, vma->end);
        found = vma->map && vma->map->shared;
        if (!found)
            continue;
        *err = shared_give(vma, from, *addr);
        *ret =
            (struct to_sync){ vma->map->file, vma->map->ops, vma->map->offset + (from - vma->map->addr), *addr - from };
        ret->ops->get(ret->file);
    }
    mm_unlock(mm);
    return found;
}

// What is to be written is found under mm->lock, and written after it: a fault must never wait for a file.
static int sync_range(struct mm *mm, u64 addr, u64 end)
{
    struct to_sync next;
    bool hole = false;
    int result = 0, err = 0;
    while (next_to_sync(mm, &addr, end, &next, &hole, &err)) {
        if (!err && next.ops->sync)
            err = next.ops->sync(next.file, next.offset, next.len);
        next.ops->put(next.file);
        result = result ? result : err;
    }
    return result ? result : hole ? -ENOMEM : 0;
}

int vm_sync(struct mm *mm, u64 addr, u64 len, int flags)
{
    u64 end;
    if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || (flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
        return -EINVAL;
    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (len > UINT64_MAX - PAGE_MASK) // as Linux, which rounds it up to 0
        return 0;
    if (!page_range(addr, len, &end))
        return -ENOMEM;
    if (addr == end)
        return 0;
    return flags & MS_SYNC ? sync_range(mm, addr, end) : walk(mm, addr, end, nothing, 0);
}
