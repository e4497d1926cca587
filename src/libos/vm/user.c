// SPDX-License-Identifier: BSD-3-Clause
// Copies to and from program memory. The raw routines stop at a fault and say how far they came; the page at fault is
// brought in and the copy goes on from there. Where the LibOS sees no faults (SGX1) the mappings are checked first.
#include "libos/vm/user.h"

#include "base/checked.h"
#include "libos/thread/thread.h"
#include "libos/vm/vma.h"
#include "trusted/emm.h"
#include "trusted/layout.h"
#include "trusted/usercopy.h"

static bool in_user_range(u64 addr, u64 size)
{
    return range_within(addr, size, enclave_layout.user_start, enclave_layout.user_end);
}

static u64 address(const void __user *ptr) { return (u64)(uintptr_t)ptr; }
static void *raw(u64 addr) { return (void *)(uintptr_t)addr; }

// Without faults: is all of [addr, addr+size) mapped with the access?
static int check(u64 addr, u64 size, u32 access)
{
    if (!in_user_range(addr, size))
        return -EFAULT;
    if (likely(emm_caps()->faults) || size == 0)
        return 0;
    struct mm *mm = current->mm;
    u64 end = addr + size;
    int err = 0;
    mutex_lock(&mm->lock);
    while (!err && addr < end) {
        struct vma *vma = vma_find(mm, addr);
        bool ok =
            vma && vma->start <= addr && (access & VM_WRITE ? (vma->prot & PROT_WRITE) != 0 : vma->prot != PROT_NONE);
        if (!ok)
            err = -EFAULT;
        else
            addr = vma->end;
    }
    mutex_unlock(&mm->lock);
    return err;
}

// How often one page may fault before it counts as bad: others may discard it between our fault and the retry.
#define FAULTS_MAX 64

struct fault_guard {
    u64 addr;
    u32 count;
};

static int resolve(struct fault_guard *guard, u64 addr, u32 access)
{
    guard->count = addr == guard->addr ? guard->count + 1 : 0;
    guard->addr = addr;
    if (guard->count > FAULTS_MAX || !emm_caps()->faults || !current->mm)
        return -EFAULT;
    return vm_fault(current->mm, addr, access) == 0 ? 0 : -EFAULT;
}

int copy_from_user(void *dst, const void __user *src, size_t size)
{
    u64 addr = address(src);
    struct fault_guard guard = { 0 };
    int err = check(addr, size, VM_READ);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - usercopy_raw((u8 *)dst + done, raw(addr + done), size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_READ);
    }
    return err;
}

int copy_to_user(void __user *dst, const void *src, size_t size)
{
    u64 addr = address(dst);
    struct fault_guard guard = { 0 };
    int err = check(addr, size, VM_WRITE);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - usercopy_raw(raw(addr + done), (const u8 *)src + done, size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_WRITE);
    }
    return err;
}

int clear_user(void __user *dst, size_t size)
{
    u64 addr = address(dst);
    struct fault_guard guard = { 0 };
    int err = check(addr, size, VM_WRITE);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - userclear_raw(raw(addr + done), size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_WRITE);
    }
    return err;
}

// Page by page, because where the string ends is not known before.
long strncpy_from_user(char *dst, const char __user *src, size_t size)
{
    u64 addr = address(src);
    struct fault_guard guard = { 0 };
    size_t done = 0;
    while (done < size) {
        u64 at = addr + done;
        if (!in_user_range(at, 1))
            return -EFAULT;
        size_t step = MIN(size - done, PAGE_SIZE - (at & PAGE_MASK));
        if (!emm_caps()->faults && check(at, 1, VM_READ) != 0)
            return -EFAULT;
        long n = userstr_raw(dst + done, raw(at), step);
        if (n < 0) {
            done += (size_t)(-1 - n);
            if (resolve(&guard, addr + done, VM_READ) != 0)
                return -EFAULT;
            continue;
        }
        if (n > 0 && dst[done + (size_t)n - 1] == '\0')
            return (long)(done + (size_t)n - 1);
        done += step;
    }
    return -ENAMETOOLONG;
}
