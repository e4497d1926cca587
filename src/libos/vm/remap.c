// SPDX-License-Identifier: BSD-3-Clause
// mremap(2): shrinks, grows in place, or moves by copying.
#include "base/bitmap.h"
#include "base/checked.h"
#include "base/string.h"
#include "libos/mem/account.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/usercopy.h"

struct remap {
    u64 old, old_len, new_len;
    u32 flags;
    u64 new_addr;
};

// What a mapping that continues or replaces vma from `from` on looks like.
static struct vm_map_args like(const struct vma *vma, u64 from, u64 addr, u64 len, u32 fixed)
{
    const struct vm_filemap *map = vma->map;
    struct vm_map_args args = {
        .addr = addr,
        .len = len,
        .prot = vma->prot,
        .flags = (vma->flags & VMA_SHARED ? MAP_SHARED : MAP_PRIVATE) | fixed,
    };
    if (map) {
        args.file = map->file;
        args.ops = map->ops;
        args.offset = map->offset + (from - map->addr);
        args.may_write = map->may_write;
        args.no_exec = map->no_exec;
    } else {
        args.flags |= MAP_ANONYMOUS;
    }
    return args;
}

// Pages that were never committed stay so.
static int copy_committed(struct vma *to, u64 old, u64 len)
{
    for (u64 done = 0; done < len;) {
        u64 run = 0;
        while (done + run < len && emm_accessible(old + done + run, EMM_READ))
            run += PAGE_SIZE;
        if (run)
            emm_prefetch(to->start + done, run);
        if (run && emm_copy(to->start + done, run, old + done, vma_emm_prot(to->prot)) != 0)
            return -ENOMEM;
        done += run + PAGE_SIZE;
    }
    return 0;
}

// Anonymous memory: both ranges are backed.
static int copy_anonymous(const struct vma *from, struct vma *to, u64 old, u64 len)
{
    u32 from_prot = vma_emm_prot(from->prot), to_prot = vma_emm_prot(to->prot);
    if (!(from_prot & EMM_READ) && emm_protect(old, len, EMM_READ) != 0)
        return -ENOMEM;
    if (emm_caps()->lazy_anon)
        return copy_committed(to, old, len);
    if (emm_protect(to->start, len, EMM_READ | EMM_WRITE) != 0)
        return -ENOMEM;
    for (u64 done = 0; done < len; done += PAGE_SIZE)
        (void)usercopy_raw((void *)(uintptr_t)(to->start + done), (const void *)(uintptr_t)(old + done), PAGE_SIZE);
    return to_prot == (EMM_READ | EMM_WRITE) ? 0 : emm_protect(to->start, len, to_prot);
}

// File pages that are present move with what the program wrote; code that was patched comes from the file again,
// because patches belong to their address.
static int copy_file(struct vma *from, struct vma *to, u64 old, u64 len)
{
    const struct vm_filemap *source = from->map;
    struct vm_filemap *map = to->map;
    if (source->shared || source->gate || map->gate)
        return 0; // the pages of a shared mapping are the file's
    if (!(vma_emm_prot(from->prot) & EMM_READ) && filemap_protect(from, old, old + len, PROT_READ) != 0)
        return -ENOMEM;
    for (u64 done = 0; done < len; done += PAGE_SIZE) {
        u64 index = filemap_index(source, old + done), new_index = done / PAGE_SIZE;
        if (!bitmap_test(source->present, index) || bitmap_test(map->present, new_index))
            continue;
        if (account_charge(1) != 0)
            return -ENOMEM;
        if (emm_commit(to->start + done, PAGE_SIZE) != 0) {
            account_uncharge(1);
            return -ENOMEM;
        }
        bitmap_set(map->present, new_index);
        if (usercopy_raw((void *)(uintptr_t)(to->start + done), (const void *)(uintptr_t)(old + done), PAGE_SIZE) != 0)
            return -EFAULT;
    }
    return filemap_protect(to, to->start, to->start + len, to->prot);
}

static s64 move(struct mm *mm, const struct remap *r)
{
    u32 fixed = r->flags & MREMAP_FIXED ? MAP_FIXED : 0u;
    u64 len = MIN(r->old_len, r->new_len);
    // The new mapping is made apart from its neighbours, with a flag no other has, until its pages are copied.
    struct vma *old = vma_find(mm, r->old);
    struct vm_map_args args = like(old, r->old, r->new_addr, r->new_len, fixed);
    s64 addr = vm_map_locked(mm, &args, (old->flags & VMA_SHARED) | VMA_MOVING);
    if (addr < 0)
        return addr;
    struct vma *new = vma_find(mm, (u64)addr);
    old = vma_find(mm, r->old);
    int err = 0;
    if (old->map)
        err = copy_file(old, new, r->old, len);
    else if ((old->flags & VMA_BACKED) && (new->flags &VMA_BACKED))
        err = copy_anonymous(old, new, r->old, len);
    new->flags &= ~(u32)VMA_MOVING;
    if (!err)
        err = vm_unmap_locked(mm, r->old, r->old + r->old_len, false);
    if (err) {
        int undo = vm_unmap_locked(mm, (u64)addr, (u64)addr + r->new_len, false);
        return undo ? undo : err;
    }
    vma_merge_range(mm, (u64)addr, (u64)addr + r->new_len);
    return addr;
}

// Of a length of 0: the shared mapping gets a second one of the same pages.
static s64 twin(struct mm *mm, struct vma *vma, const struct remap *r)
{
    if (!(vma->flags & VMA_SHARED))
        return -EINVAL;
    if (!(r->flags & MREMAP_MAYMOVE))
        return -ENOMEM;
    struct vm_map_args args = like(vma, r->old, r->new_addr, r->new_len, r->flags & MREMAP_FIXED ? MAP_FIXED : 0u);
    return vm_map_locked(mm, &args, VMA_SHARED);
}

static s64 remap_locked(struct mm *mm, const struct remap *r)
{
    struct vma *vma = vma_find(mm, r->old);
    if (!vma || vma->start > r->old || vma->end < r->old + r->old_len)
        return -EFAULT;
    if (!r->old_len)
        return twin(mm, vma, r);
    if (r->flags & MREMAP_FIXED)
        return move(mm, r);
    u64 end = r->old + r->old_len, new_end = r->old + r->new_len;
    if (new_end <= end) {
        int err = new_end == end ? 0 : vm_unmap_locked(mm, new_end, end, false);
        return err ? err : (s64)r->old;
    }
    if (vma->end == end && shared_grow(mm, vma, new_end))
        return (s64)r->old;
    if (vma->end == end && range_within(end, new_end - end, 0, enclave_layout.user_end)) {
        struct vm_map_args args = like(vma, end, end, new_end - end, MAP_FIXED | MAP_FIXED_NOREPLACE);
        s64 addr = vm_map_locked(mm, &args, vma->flags & VMA_SHARED);
        if (addr >= 0)
            return (s64)r->old;
        if (addr != -EEXIST)
            return addr;
    }
    return r->flags & MREMAP_MAYMOVE ? move(mm, r) : -ENOMEM;
}

static s64 remap_once(struct mm *mm, const struct remap *r)
{
    mm_lock(mm);
    s64 result = remap_locked(mm, r);
    mm_unlock(mm);
    return result;
}

s64 vm_remap(struct mm *mm, u64 old, u64 old_len, u64 new_len, u32 flags, u64 new_addr)
{
    u64 user_len = enclave_layout.user_end - enclave_layout.user_start;
    if (flags & ~(u32)(MREMAP_MAYMOVE | MREMAP_FIXED) || ((flags & MREMAP_FIXED) && !(flags & MREMAP_MAYMOVE)))
        return -EINVAL;
    if (!IS_ALIGNED(old, PAGE_SIZE) || new_len == 0)
        return -EINVAL;
    if (old_len > user_len || old > enclave_layout.user_end)
        return -EFAULT;
    if (new_len > user_len)
        return flags & MREMAP_FIXED ? -EINVAL : -ENOMEM;
    struct remap r = {
        .old = old,
        .old_len = ALIGN_UP(old_len, PAGE_SIZE),
        .new_len = ALIGN_UP(new_len, PAGE_SIZE),
        .flags = flags,
    };
    if (flags & MREMAP_FIXED) {
        r.new_addr = new_addr;
        bool overlap = new_addr < old + r.old_len && old < new_addr + r.new_len;
        if (!IS_ALIGNED(new_addr, PAGE_SIZE) || !range_is_user(new_addr, r.new_len) || overlap)
            return -EINVAL;
    }
    u64 grow = r.new_len > r.old_len ? r.new_len - r.old_len : 0;
    if (grow && vm_may_grow(mm, grow, false, 0, 0) != 0)
        return -ENOMEM;
    return vm_retry(remap_once(mm, &r), r.new_len / PAGE_SIZE);
}
