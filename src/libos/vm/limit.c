// SPDX-License-Identifier: BSD-3-Clause
// RLIMIT_AS and RLIMIT_DATA (setrlimit(2)): how far an address space may grow.
#include "libos/thread/thread.h"
#include "libos/vm/family.h"

void (*vm_rlimits)(u64 *ret_address_space, u64 *ret_data);

// Bytes that the program has in [start, end), and its private memory that can be written there. Room for the break is
// no mapping to a program.
static void count(struct mm *mm, u64 start, u64 end, u64 *ret_all, u64 *ret_data)
{
    *ret_all = *ret_data = 0;
    for (const struct vma *vma = vma_find(mm, start); vma && vma->start < end; vma = vma_next(vma)) {
        u64 bytes = MIN(vma->end, end) - MAX(vma->start, start);
        bool room = (vma->flags & VMA_BRK) && vma->prot == PROT_NONE;
        *ret_all += room ? 0 : bytes;
        if ((vma->prot & PROT_WRITE) && !(vma->flags & (VMA_SHARED | VMA_STACK)))
            *ret_data += bytes;
    }
}

int vm_may_grow(struct mm *mm, u64 grow, bool data, u64 replaced_start, u64 replaced_end)
{
    u64 most = RLIM64_INFINITY, most_data = RLIM64_INFINITY, all, written, gone, gone_data;

    if (mm != current->mm || !vm_rlimits)
        return 0;
    vm_rlimits(&most, &most_data);
    if (likely(most == RLIM64_INFINITY && (!data || most_data == RLIM64_INFINITY)))
        return 0;
    mm_look(mm);
    count(mm, 0, UINT64_MAX, &all, &written);
    count(mm, replaced_start, replaced_end, &gone, &gone_data);
    mm_unlock(mm);
    all -= gone;
    written -= gone_data;
    if (all > most || grow > most - all)
        return -ENOMEM;
    return data && (written > most_data || grow > most_data - written) ? -ENOMEM : 0;
}
