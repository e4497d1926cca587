// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/filemap.h"
#include "trusted/emm.h"

// Fault-around of anonymous memory that is committed on demand.
#define ANON_WINDOW KIB(64)

static bool allows(u32 prot, u32 access)
{
    if (access & VM_EXEC)
        return prot & PROT_EXEC;
    if (access & VM_WRITE)
        return prot & PROT_WRITE;
    return prot != PROT_NONE;
}

static int fault_anonymous(struct vma *vma, u64 page)
{
    if (!emm_caps()->lazy_anon)
        return 0; // usable all along: another thread changed the protection since the fault
    u64 start = MAX(ALIGN_DOWN(page, ANON_WINDOW), vma->start);
    u64 end = MIN(ALIGN_DOWN(page, ANON_WINDOW) + ANON_WINDOW, vma->end);
    if (emm_commit(start, end - start) != 0)
        return -ENOMEM;
    u32 prot = vma_emm_prot(vma->prot);
    return prot == (EMM_READ | EMM_WRITE) ? 0 : emm_protect(start, end - start, prot);
}

static int fault_once(struct mm *mm, u64 addr, u32 access)
{
    int err;
    mutex_lock(&mm->lock);
    struct vma *vma = vma_find(mm, addr);
    if (!vma || vma->start > addr)
        err = -EFAULT;
    else if (!allows(vma->prot, access))
        err = -EACCES;
    else if (vma->map)
        err = filemap_fault(mm, vma, ALIGN_DOWN(addr, PAGE_SIZE), access);
    else
        err = fault_anonymous(vma, ALIGN_DOWN(addr, PAGE_SIZE));
    mutex_unlock(&mm->lock);
    return err;
}

int vm_fault(struct mm *mm, u64 addr, u32 access)
{
    int err = vm_retry(fault_once(mm, addr, access), KIB(64) / PAGE_SIZE);
    return err == 0 || err == -EFAULT || err == -EACCES || err == -ENOMEM ? err : -EIO;
}

void vm_populate(struct mm *mm, u64 addr, u64 len)
{
    u64 end = addr + len;
    while (addr < end) {
        mutex_lock(&mm->lock);
        struct vma *vma = vma_find(mm, addr);
        bool absent = vma && vma->start <= addr && vma->prot != PROT_NONE && (vma->map || emm_caps()->lazy_anon);
        u64 vma_end = vma ? vma->end : end, next = MIN(vma_end, end);
        if (absent && vma->map) {
            next = filemap_run_end(vma->map, addr, next);
            if (filemap_fill(mm, vma, addr, next, addr) != 0)
                absent = false;
        }
        mutex_unlock(&mm->lock);
        if (absent && !vma->map)
            for (u64 page = addr; page < next; page += ANON_WINDOW)
                if (vm_fault(mm, page, VM_READ) != 0)
                    return;
        addr = next;
    }
}
