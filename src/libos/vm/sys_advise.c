// SPDX-License-Identifier: BSD-3-Clause
// madvise, msync, mincore and the mlock family.
#include "base/bitmap.h"
#include "base/checked.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/family.h"
#include "libos/vm/object.h"
#include "libos/vm/user.h"
#include "trusted/emm.h"

long sys_madvise(u64 addr, u64 len, int advice) { return vm_advise(current->mm, addr, len, advice); }
long sys_msync(u64 addr, u64 len, int flags) { return vm_sync(current->mm, addr, len, flags); }

static bool file_resident(const struct vma *vma, u64 page)
{
    return vma->map->shared ? shared_resident(vma, page)
                            : bitmap_test(vma->map->present, filemap_index(vma->map, page));
}

// Residency of `count` pages of one VMA. What is added beside a touched page (windows of faults) counts.
static void vma_residency(const struct vma *vma, u64 addr, u8 *vec, u64 count)
{
    bool asked = !vma->map && (vma->flags & VMA_BACKED) && emm_contents(addr, count, vec) == 0;
    for (u64 i = 0; i < count; i++)
        if (vma->map)
            vec[i] = file_resident(vma, addr + i * PAGE_SIZE);
        else
            vec[i] = asked ? vec[i] != 0 : (vma->flags & VMA_BACKED) != 0;
}

// Residency of `count` pages from addr. -ENOMEM for a hole.
static int residency(struct mm *mm, u64 addr, u8 *vec, u64 count)
{
    int err = 0;
    mm_lock(mm);
    for (u64 done = 0, run; !err && done < count; done += run) {
        u64 page = addr + done * PAGE_SIZE;
        const struct vma *vma = vma_find(mm, page);
        run = 1;
        if (!vma || vma->start > page) {
            err = -ENOMEM;
        } else {
            run = MIN(count - done, (vma->end - page) / PAGE_SIZE);
            vma_residency(vma, page, vec + done, run);
        }
    }
    mm_unlock(mm);
    return err;
}

long sys_mincore(u64 addr, u64 len, u8 __user *vec)
{
    u8 chunk[256];
    u64 end;
    if (!IS_ALIGNED(addr, PAGE_SIZE))
        return -EINVAL;
    if (add_overflow_u64(addr, len, &end))
        return -ENOMEM;
    for (u64 pages = DIV_ROUND_UP(len, PAGE_SIZE), done = 0; done < pages;) {
        u64 count = MIN(pages - done, sizeof(chunk));
        int err = residency(current->mm, addr + done * PAGE_SIZE, chunk, count);
        if (!err)
            err = copy_to_user(vec + done, chunk, count);
        if (err)
            return err;
        done += count;
    }
    return 0;
}

int vm_mapped(struct mm *mm, u64 addr, u64 len)
{
    u64 end;
    int err = 0;
    if (len > UINT64_MAX - 2 * PAGE_MASK) // as Linux, which rounds it up to 0
        return 0;
    if (add_overflow_u64(addr & ~PAGE_MASK, len + (addr & PAGE_MASK), &end))
        return -EINVAL;
    mm_lock(mm);
    for (addr &= ~PAGE_MASK; !err && addr < end;) {
        struct vma *vma = vma_find(mm, addr);
        if (!vma || vma->start > addr)
            err = -ENOMEM;
        else
            addr = vma->end;
    }
    mm_unlock(mm);
    return err;
}

// Enclave memory is never paged by us, so there is nothing to lock.
long sys_mlock(u64 addr, u64 len)
{
    int err = vm_mapped(current->mm, addr, len);
    if (!err && len && len <= UINT64_MAX - 2 * PAGE_MASK)
        vm_populate(current->mm, addr & ~PAGE_MASK, ALIGN_UP(len + (addr & PAGE_MASK), PAGE_SIZE));
    return err;
}

long sys_mlock2(u64 addr, u64 len, int flags)
{
    if (flags & ~MLOCK_ONFAULT)
        return -EINVAL;
    return flags ? vm_mapped(current->mm, addr, len) : sys_mlock(addr, len);
}

long sys_munlock(u64 addr, u64 len) { return vm_mapped(current->mm, addr, len); }

long sys_mlockall(int flags)
{
    bool bad = flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || !(flags & (MCL_CURRENT | MCL_FUTURE));
    return bad ? -EINVAL : 0;
}

long sys_munlockall(void) { return 0; }
