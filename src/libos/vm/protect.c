// SPDX-License-Identifier: BSD-3-Clause
// mprotect(2).
#include "base/checked.h"
#include "libos/mem/account.h"
#include "libos/vm/family.h"
#include "libos/vm/gatemap.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

static int protect_anonymous(struct vma *vma, u32 prot)
{
    u64 pages = vma_len(vma) / PAGE_SIZE;
    if (vma->flags & VMA_BACKED)
        return emm_protect(vma->start, vma_len(vma), vma_emm_prot(prot));
    if (prot == PROT_NONE)
        return 0;
    if (account_charge(pages) != 0)
        return -ENOMEM;
    if (emm_map(vma->start, vma_len(vma), vma_emm_prot(prot)) != 0) {
        account_uncharge(pages);
        return -ENOMEM;
    }
    vma->flags |= VMA_BACKED;
    return 0;
}

// A private mapping that becomes executable is patched now; its present pages keep what the program wrote to them,
// for only original bytes are replaced.
static int make_executable(struct mm *mm, struct vma *vma)
{
    struct vm_filemap *map = vma->map;
    int err = gatemap_attach(mm, map, vma->start, vma->end);
    if (err || !map->gate)
        return err;
    for (u64 addr = vma->start; addr < vma->end;) {
        u64 next = filemap_run_end(map, addr, vma->end);
        if (filemap_any_present(map, addr, addr + PAGE_SIZE)) {
            if (emm_protect(addr, next - addr, EMM_READ | EMM_WRITE) != 0)
                return -ENOMEM;
            gatemap_apply(map, addr, next, (u8 *)addr);
        }
        addr = next;
    }
    return 0;
}

static int protect_file(struct mm *mm, struct vma *vma, u32 prot)
{
    if (vma->map->shared)
        return shared_protect(mm, vma, prot);
    if ((prot & PROT_EXEC) && !(vma->prot & PROT_EXEC)) {
        int err = make_executable(mm, vma);
        if (err)
            return err;
    }
    return filemap_protect(vma, vma->start, vma->end, prot);
}

// What becomes writable, or gets pages, is no longer what relatives have there.
static int part_from_relatives(struct mm *mm, struct vma *vma, u32 prot)
{
    bool writable = (prot & PROT_WRITE) && !(vma->prot & PROT_WRITE) && !(vma->flags & VMA_SHARED);
    bool gets_pages = !vma->map && !(vma->flags & VMA_BACKED);
    bool patched = vma->map && !vma->map->shared && (prot & PROT_EXEC) && !(vma->prot & PROT_EXEC);
    return writable || gets_pages || patched ? family_claim(mm, vma->start, vma->end, false) : 0;
}

// Works from the start upwards and stops at the first hole or failure, as Linux does.
int vm_protect_locked(struct mm *mm, u64 start, u64 end, u32 prot)
{
    mutex_assert_held(&mm->lock);
    if (vma_split_at(mm, start) != 0 || vma_split_at(mm, end) != 0)
        return -ENOMEM;
    u64 addr = start;
    int err = 0;
    struct vma *vma = vma_find(mm, start);
    while (!err && addr < end) {
        if (!vma || vma->start != addr) {
            err = -ENOMEM;
            break;
        }
        if ((prot & PROT_EXEC) && vma->map && vma->map->no_exec)
            err = -EACCES;
        if (!err && unlikely(mm->family) && vma->prot != prot)
            err = part_from_relatives(mm, vma, prot);
        if (!err && vma->prot != prot)
            err = vma->map ? protect_file(mm, vma, prot) : protect_anonymous(vma, prot);
        if (!err && vma->prot != prot) {
            vma->prot = prot;
            mm_changed(mm);
        }
        addr = vma->end;
        vma = vma_next(vma);
    }
    vma_merge_range(mm, start, end);
    return err;
}

static int protect_once(struct mm *mm, u64 start, u64 end, u32 prot)
{
    mm_lock(mm);
    int err = vm_protect_locked(mm, start, end, prot);
    mm_unlock(mm);
    return err;
}

int vm_protect(struct mm *mm, u64 addr, u64 len, u32 prot)
{
    u64 end;
    if (!IS_ALIGNED(addr, PAGE_SIZE) || (prot & ~(u32)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)))
        return -EINVAL;
    if (len == 0)
        return 0;
    if (add_overflow_u64(addr, len, &end) || end > enclave_layout.user_end)
        return -ENOMEM;
    prot &= PROT_READ | PROT_WRITE | PROT_EXEC;
    return vm_retry(protect_once(mm, addr, ALIGN_UP(end, PAGE_SIZE), prot), DIV_ROUND_UP(len, PAGE_SIZE));
}
