// SPDX-License-Identifier: BSD-3-Clause
// Copies to and from program memory. The caller's areas are asked first; then the raw routines stop at a fault and say
// how far they came, the page at fault is brought in and the copy goes on from there.
#include "libos/vm/user.h"

#include "libos/thread/thread.h"
#include "libos/vm/family.h"
#include "libos/vm/fork.h"
#include "libos/vm/vma.h"
#include "trusted/lock_class.h"
#include "trusted/emm.h"
#include "trusted/usercopy.h"

static u64 address(const void __user *ptr) { return (u64)(uintptr_t)ptr; }
static void *raw(u64 addr) { return (void *)(uintptr_t)addr; }

static struct user_area *remembered(struct thread *thread, u64 generation, u64 addr)
{
    for (size_t i = 0; i < ARRAY_SIZE(thread->areas); i++) {
        struct user_area *area = &thread->areas[i];
        if (area->generation == generation && addr - area->start < area->end - area->start)
            return area;
    }
    return NULL;
}

// The caller's area that holds addr, or NULL: there is none, or (without wait) mm->lock is not free to look.
static struct user_area *area_of(u64 addr, bool wait)
{
    struct thread *thread = current;
    struct mm *mm = thread->mm;
    if (!mm)
        return NULL;
    if (unlikely(thread->away)) {
        if (!wait)
            return NULL;
        vm_come_back();
    }
    struct user_area *area = remembered(thread, __atomic_load_n(&mm->generation, __ATOMIC_ACQUIRE), addr);
    if (likely(area))
        return area;
    if (wait)
        mm_lock(mm); // the memory is in place when it is dropped, too
    else if (!mutex_trylock(&mm->lock))
        return NULL;
    struct vma *vma = vma_find(mm, addr);
    if (vma && vma->start <= addr) {
        area = &thread->areas[thread->next_area++ % ARRAY_SIZE(thread->areas)];
        *area = (struct user_area){ vma->start, vma->end, mm->generation, vma->prot };
    }
    if (wait)
        mm_unlock(mm);
    else
        mutex_unlock(&mm->lock);
    return area;
}

static bool allows(u32 prot, u32 access) { return access & VM_WRITE ? prot & PROT_WRITE : prot != PROT_NONE; }

// How many bytes from addr on the caller's areas allow to be accessed, at most size.
static size_t permitted(u64 addr, size_t size, u32 access, bool wait)
{
    size_t done = 0;
    while (done < size) {
        const struct user_area *area = area_of(addr + done, wait);
        if (!area || !allows(area->prot, access))
            break;
        done = (size_t)MIN((u64)size, area->end - addr);
    }
    return done;
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

// What a copy is about to touch all of comes at once, and without the exceptions by which programs ask for it: on SGX
// each of those is an exit of the enclave. What cannot be had is left to resolve.
static void bring_in(u64 addr, size_t size)
{
    u64 end = ALIGN_UP(addr + size, PAGE_SIZE);
    if (!emm_caps()->lazy_anon || !current->mm)
        return;
    for (u64 page = ALIGN_DOWN(addr, PAGE_SIZE); page < end; page += PAGE_SIZE) {
        if (emm_accessible(page, 0))
            continue;
        vm_populate(current->mm, page, end - page);
        return;
    }
}

int copy_from_user(void *dst, const void __user *src, size_t size)
{
    lock_check_user_copy();
    u64 addr = address(src);
    struct fault_guard guard = { 0 };
    int err = permitted(addr, size, VM_READ, true) < size ? -EFAULT : 0;
    if (!err)
        bring_in(addr, size);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - usercopy_raw((u8 *)dst + done, raw(addr + done), size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_READ);
    }
    return err;
}

int copy_to_user(void __user *dst, const void *src, size_t size)
{
    lock_check_user_copy();
    u64 addr = address(dst);
    struct fault_guard guard = { 0 };
    int err = permitted(addr, size, VM_WRITE, true) < size ? -EFAULT : 0;
    if (!err)
        bring_in(addr, size);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - usercopy_raw(raw(addr + done), (const u8 *)src + done, size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_WRITE);
    }
    return err;
}

int clear_user(void __user *dst, size_t size)
{
    lock_check_user_copy();
    u64 addr = address(dst);
    struct fault_guard guard = { 0 };
    int err = permitted(addr, size, VM_WRITE, true) < size ? -EFAULT : 0;
    if (!err)
        bring_in(addr, size);
    for (size_t done = 0; !err && done < size;) {
        done += size - done - userclear_raw(raw(addr + done), size - done);
        if (done < size)
            err = resolve(&guard, addr + done, VM_WRITE);
    }
    return err;
}

// How many bytes from addr on lie in pages that are there, at most size: the others need no exception to be missed.
static size_t present(u64 addr, size_t size)
{
    u64 end = addr + size;
    if (!emm_caps()->lazy_anon)
        return size;
    for (u64 page = ALIGN_DOWN(addr, PAGE_SIZE); page < end; page += PAGE_SIZE)
        if (!emm_accessible(page, 0))
            return page > addr ? page - addr : 0;
    return size;
}

size_t copy_from_user_nofault(void *dst, const void __user *src, size_t size)
{
    size_t can = present(address(src), permitted(address(src), size, VM_READ, false));
    return can - usercopy_raw(dst, raw(address(src)), can);
}

size_t copy_to_user_nofault(void __user *dst, const void *src, size_t size)
{
    size_t can = present(address(dst), permitted(address(dst), size, VM_WRITE, false));
    return can - usercopy_raw(raw(address(dst)), src, can);
}

size_t clear_user_nofault(void __user *dst, size_t size)
{
    size_t can = present(address(dst), permitted(address(dst), size, VM_WRITE, false));
    return can - userclear_raw(raw(address(dst)), can);
}

// Does the page of addr take the access now? The exchange of a word for itself changes nothing and faults as a write.
static bool probe(u64 addr, bool write)
{
    u8 byte;
    u32 same = 0, fault = 0;
    if (!write)
        return usercopy_raw(&byte, raw(addr), 1) == 0;
    (void)usercmpxchg_raw(raw(ALIGN_DOWN(addr, 4)), &same, 0, &fault);
    return !fault;
}

int fault_in_user(const void __user *ptr, size_t size, bool write)
{
    u64 start = address(ptr), addr = start;
    struct fault_guard guard = { 0 };
    size_t can = permitted(start, size, write ? VM_WRITE : VM_READ, true);
    bring_in(start, can);
    while (addr < start + can) {
        if (probe(addr, write))
            addr = ALIGN_DOWN(addr, PAGE_SIZE) + PAGE_SIZE;
        else if (resolve(&guard, addr, write ? VM_WRITE : VM_READ) != 0)
            break;
    }
    return addr > start || size == 0 ? 0 : -EFAULT;
}

// Page by page, because where the string ends is not known before.
long strncpy_from_user(char *dst, const char __user *src, size_t size)
{
    lock_check_user_copy();
    u64 addr = address(src);
    struct fault_guard guard = { 0 };
    size_t done = 0;
    while (done < size) {
        u64 at = addr + done;
        size_t step = permitted(at, MIN(size - done, PAGE_SIZE - (at & PAGE_MASK)), VM_READ, true);
        if (!step)
            return -EFAULT;
        bring_in(at, step);
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
