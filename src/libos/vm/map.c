// SPDX-License-Identifier: BSD-3-Clause
// mmap(2) and munmap(2).
#include "base/checked.h"
#include "libos/mem/account.h"
#include "libos/mem/range.h"
#include "libos/vm/filemap.h"
#include "libos/vm/gatemap.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/log.h"

int vm_take_gaps(struct mm *mm, u64 start, u64 end)
{
    mutex_assert_held(&mm->lock);
    u64 addr = start;
    while (addr < end) {
        struct vma *vma = vma_find(mm, addr);
        u64 gap_end = vma ? MIN(MAX(vma->start, addr), end) : end;
        if (gap_end > addr && mm_take_range(mm, addr, gap_end - addr) != 0) {
            vm_release_gaps(mm, start, addr);
            return -ENOMEM;
        }
        addr = vma ? vma->end : end;
    }
    return 0;
}

void vm_release_gaps(struct mm *mm, u64 start, u64 end)
{
    mutex_assert_held(&mm->lock);
    while (start < end) {
        struct vma *vma = vma_find(mm, start);
        u64 gap_end = vma ? MIN(MAX(vma->start, start), end) : end;
        if (gap_end > start)
            mm_release_range(mm, start, gap_end - start);
        start = vma ? vma->end : end;
    }
}

// Makes the pages of all VMAs in [start, end) inaccessible and empty, with as few calls of the emm as can be.
static int discard_pages(struct mm *mm, u64 start, u64 end)
{
    u64 run_start = 0, run_end = 0;
    for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
        if (vma->map && vma->map->shared)
            continue;
        bool content = vma->map ? filemap_any_present(vma->map, vma->start, vma->end) : vma->flags & VMA_BACKED;
        if (!content)
            continue;
        if (run_end != vma->start) {
            if (run_end && emm_discard(run_start, run_end - run_start) != 0)
                return -ENOMEM;
            run_start = vma->start;
        }
        run_end = vma->end;
    }
    if (run_end && emm_discard(run_start, run_end - run_start) != 0)
        return -ENOMEM;
    for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma))
        if (vma->map && vma->map->shared && shared_leave(vma) != 0)
            return -ENOMEM;
    return 0;
}

static void forget_pages(struct vma *vma)
{
    if (vma->map && vma->map->shared)
        return;
    if (vma->map)
        filemap_forget(vma->map, vma->start, vma->end);
    else if (vma->flags & VMA_BACKED)
        account_uncharge(vma_len(vma) / PAGE_SIZE);
}

int vm_unmap_locked(struct mm *mm, u64 start, u64 end, bool keep)
{
    mutex_assert_held(&mm->lock);
    if (vma_split_at(mm, start) != 0 || vma_split_at(mm, end) != 0)
        return -ENOMEM;
    if (!mm->family && discard_pages(mm, start, end) != 0)
        return -ENOMEM;
    struct vma *next;
    for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = next) {
        next = vma_next(vma);
        if (unlikely(mm->family)) {
            if (family_drop_area(mm, vma, keep) != 0)
                return -ENOMEM;
        } else {
            forget_pages(vma);
            if (!keep && !(vma->flags & VMA_HOME))
                range_release(vma->start, vma_len(vma));
        }
        vma_erase(mm, vma);
        vma_free(vma);
    }
    return 0;
}

int vm_unmap(struct mm *mm, u64 addr, u64 len)
{
    u64 end;
    if (!IS_ALIGNED(addr, PAGE_SIZE) || len == 0 || add_overflow_u64(addr, len, &end) || end > enclave_layout.user_end)
        return -EINVAL;
    mm_note_peak(mm, len);
    mm_lock(mm);
    int err = vm_unmap_locked(mm, addr, ALIGN_UP(end, PAGE_SIZE), false);
    mm_unlock(mm);
    return err;
}

bool vma_any_home(const struct mm *mm, u64 start, u64 end)
{
    for (struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma))
        if (vma->flags & VMA_HOME)
            return true;
    return false;
}

// Decides where the mapping goes and takes the addresses. With MAP_FIXED those of mm's own VMAs stay theirs until
// the VMAs are removed.
static s64 take_place(struct mm *mm, u64 addr, u64 len, u32 flags, bool initial)
{
    u64 start;
    struct vma *next = vma_find(mm, addr);
    if ((flags & MAP_FIXED_NOREPLACE) && next && next->start < addr + len)
        return -EEXIST;
    if ((flags & MAP_FIXED) && unlikely(mm->family) && family_shares(mm, addr, addr + len))
        return -ENOMEM;
    if (flags & MAP_FIXED_NOREPLACE)
        return mm_take_range(mm, addr, len) == 0 ? (s64)addr : -EEXIST;
    if ((flags & MAP_FIXED) && vma_any_home(mm, addr, addr + len)) {
        log_info("mmap: the addresses at %#lx belong to a file that is mapped shared there", addr);
        return -ENOMEM;
    }
    if (flags & MAP_FIXED)
        return vm_take_gaps(mm, addr, addr + len) == 0 ? (s64)addr : -ENOMEM;
    if (addr >= enclave_layout.user_start && range_within(addr, len, 0, enclave_layout.user_end) &&
        range_take(addr, len) == 0)
        return (s64)addr;
    if (initial && vm_place_initial(len, &start))
        return (s64)start;
    return vm_place(len, flags & MAP_32BIT, &start) ? (s64)start : -ENOMEM;
}

// Memory that a program will write as it comes: pages added at load can serve it.
static bool suits_initial(const struct vm_map_args *args)
{
    return !args->file && (args->prot & PROT_WRITE) && !(args->prot & PROT_EXEC) && !(args->flags & MAP_32BIT);
}

// Makes anonymous memory usable and charges it.
static int back(struct vma *vma)
{
    u64 pages = vma_len(vma) / PAGE_SIZE;
    if (account_charge(pages) != 0)
        return -ENOMEM;
    if (emm_map(vma->start, vma_len(vma), vma_emm_prot(vma->prot)) != 0) {
        account_uncharge(pages);
        return -ENOMEM;
    }
    vma->flags |= VMA_BACKED;
    return 0;
}

// Gives a new VMA its contents: anonymous memory, or a filemap with all that comes with it.
static int populate(struct mm *mm, struct vma *vma, const struct vm_map_args *args)
{
    if (!args->file)
        return vma->prot == PROT_NONE ? 0 : back(vma);
    int err = filemap_new(mm, args, vma->start, false, &vma->map);
    if (!err && (vma->prot & PROT_EXEC))
        err = gatemap_attach(mm, vma->map, vma->start, vma->end);
    if (!err && !emm_caps()->absent) {
        err = filemap_fill(mm, vma, vma->start, vma->end, vma->start);
        if (err == -EIO)
            err = 0; // beyond the end of the file: Linux maps it too
    }
    return err;
}

static int discard_vma(struct vma *vma)
{
    if (emm_discard(vma->start, vma_len(vma)) != 0)
        return -ENOMEM;
    forget_pages(vma);
    return 0;
}

s64 vm_map_locked(struct mm *mm, const struct vm_map_args *args, u32 vma_flags)
{
    mutex_assert_held(&mm->lock);
    if (args->file && (args->flags & MAP_TYPE) != MAP_PRIVATE)
        return shared_map(mm, args, vma_flags);
    struct vma *vma = vma_new();
    if (!vma)
        return -ENOMEM;
    s64 addr = take_place(mm, args->addr, args->len, args->flags, suits_initial(args));
    if (addr < 0) {
        vma_free(vma);
        return addr;
    }
    vma->start = (u64)addr;
    vma->end = vma->start + args->len;
    vma->prot = args->prot;
    vma->flags = vma_flags;
    if ((args->flags & MAP_FIXED) && vm_unmap_locked(mm, vma->start, vma->end, true) != 0) {
        vm_release_gaps(mm, vma->start, vma->end);
        vma_free(vma);
        return -ENOMEM;
    }
    int err = mm->family ? family_claim(mm, vma->start, vma->end, true) : 0;
    if (!err)
        err = populate(mm, vma, args);
    if (err) {
        if (vma->map && filemap_any_present(vma->map, vma->start, vma->end) && discard_vma(vma) != 0)
            return -ENOMEM; // the addresses stay taken: their pages could not be taken away
        mm_release_range(mm, vma->start, vma_len(vma));
        vma_free(vma);
        return err;
    }
    vma_insert(mm, vma);
    vma_merge_range(mm, (u64)addr, (u64)addr + args->len);
    return addr;
}

static int check_args(struct vm_map_args *args)
{
    u32 type = args->flags & MAP_TYPE;
    if (type != MAP_SHARED && type != MAP_PRIVATE && (type != MAP_SHARED_VALIDATE || !args->file))
        return -EINVAL;
    if (args->len == 0)
        return -EINVAL;
    u64 space = enclave_layout.user_end - enclave_layout.user_start;
    // Runtimes that reserve as much as they can get (GHC) would leave no addresses to anything else, themselves
    // included.
    bool greedy = args->prot == PROT_NONE && (args->flags & MAP_NORESERVE) &&
                  !(args->flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && args->len > GIB(8);
    if (args->len > (greedy ? space / 2 + space / 64 : space))
        return -ENOMEM;
    args->len = ALIGN_UP(args->len, PAGE_SIZE);
    u64 file_end;
    if (args->file && (!IS_ALIGNED(args->offset, PAGE_SIZE)))
        return -EINVAL;
    if (args->file && add_overflow_u64(args->offset, args->len, &file_end))
        return -EOVERFLOW;
    if (args->flags & MAP_HUGETLB)
        return -ENOMEM; // as a system without a huge page pool
    if (args->flags & MAP_FIXED_NOREPLACE)
        args->flags |= MAP_FIXED;
    args->prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
    if (!(args->flags & MAP_FIXED)) {
        args->addr = args->addr <= UINT64_MAX - PAGE_MASK ? ALIGN_UP(args->addr, PAGE_SIZE) : 0;
        return 0;
    }
    if (!IS_ALIGNED(args->addr, PAGE_SIZE))
        return -EINVAL;
    if (!range_within(args->addr, args->len, 0, enclave_layout.user_end))
        return -ENOMEM;
    return args->addr < enclave_layout.user_start ? -EPERM : 0;
}

static s64 map_once(struct mm *mm, const struct vm_map_args *args)
{
    u32 vma_flags = (args->flags & MAP_TYPE) != MAP_PRIVATE ? VMA_SHARED : 0u;
    // What process/ maps for the main stack grows down in Linux; threads' stacks are plain memory to it.
    if ((args->flags & (MAP_GROWSDOWN | MAP_STACK)) == (MAP_GROWSDOWN | MAP_STACK))
        vma_flags |= VMA_STACK;
    mm_lock(mm);
    s64 addr = vm_map_locked(mm, args, vma_flags);
    mm_unlock(mm);
    return addr;
}

// Anonymous memory that processes share is a file without a name.
static int attach_memory(struct vm_map_args *args)
{
    void *file = vm_shared_memory ? vm_shared_memory(args->len, &args->ops) : err_ptr(-ENOMEM);
    if (is_err(file))
        return (int)ptr_err(file);
    args->file = file;
    args->offset = 0;
    args->may_write = true;
    return 0;
}

s64 vm_map(struct mm *mm, const struct vm_map_args *user_args)
{
    struct vm_map_args args = *user_args;
    int err = check_args(&args);
    if (err)
        return err;
    bool fixed = (args.flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) == MAP_FIXED;
    bool data = (args.prot & PROT_WRITE) && (args.flags & MAP_TYPE) == MAP_PRIVATE && !(args.flags & MAP_GROWSDOWN);
    err = vm_may_grow(mm, args.len, data, args.addr, fixed ? args.addr + args.len : args.addr);
    if (err)
        return err;
    bool own = !args.file && (args.flags & MAP_TYPE) == MAP_SHARED;
    if (own && (err = attach_memory(&args)) != 0)
        return err;
    s64 addr = vm_retry(map_once(mm, &args), args.len / PAGE_SIZE);
    if (own)
        args.ops->put(args.file); // the mapping holds its own reference
    if (addr >= 0 && (args.flags & (MAP_POPULATE | MAP_LOCKED)) && args.prot != PROT_NONE)
        vm_populate(mm, (u64)addr, args.len);
    return addr;
}
