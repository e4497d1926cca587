// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/family.h"
#include "libos/vm/fork.h"
#include "libos/vm/object.h"
#include "trusted/emm.h"
#include "trusted/layout.h"

// Most that one fault of anonymous memory commits, and what it commits in a new area. The room of the program break is
// used in order, as a rule.
#define WINDOW_MAX MIB(2)
#define WINDOW_FIRST KIB(16)
#define WINDOW_BREAK KIB(64)
#define NEAR KIB(256)

// So many faults of a thread, one after the other, on a page that is in order, and the host has taken it away.
#define IDLE_FAULTS_MAX 1000
#define IDLE_FAULT_PAUSE_NS 100000000

static bool allows(u32 prot, u32 access)
{
    if (access & VM_EXEC)
        return prot & PROT_EXEC;
    if (access & VM_WRITE)
        return prot & PROT_WRITE;
    return prot != PROT_NONE;
}

// Is the page close to the last window? What is touched all over a large area is not.
static bool is_near(const struct vma *vma, u64 page)
{
    return page + NEAR >= vma->window_start && page < vma->window_end + NEAR;
}

// How much lies in use without a gap beside `page`, below it or above; as far as WINDOW_MAX.
static u64 run_beside(const struct vma *vma, u64 page, bool above)
{
    u64 len = 0;
    if (above)
        while (len < WINDOW_MAX && page + PAGE_SIZE + len < vma->end && emm_accessible(page + PAGE_SIZE + len, 0))
            len += PAGE_SIZE;
    else
        while (len < WINDOW_MAX && page - len > vma->start && emm_accessible(page - len - PAGE_SIZE, 0))
            len += PAGE_SIZE;
    return len;
}

// Half as much again as lies in use up to here, where touches go on upwards or (stacks) downwards; else a few pages in
// a new area or near the last window, and one page far from it. Memory that was added at load costs nothing more.
static void choose_window(struct vma *vma, u64 page)
{
    bool fresh = vma->window_end == vma->window_start || is_near(vma, page);
    u64 first = vma->flags & VMA_BRK ? WINDOW_BREAK : fresh ? WINDOW_FIRST : PAGE_SIZE;
    u64 below = run_beside(vma, page, false), above = run_beside(vma, page, true);
    u64 up = above ? PAGE_SIZE : MAX(first, ALIGN_UP(below / 2, PAGE_SIZE)), down = 0;

    if (above && !below)
        down = MIN(MAX(first - PAGE_SIZE, ALIGN_UP(above / 2, PAGE_SIZE)), page - vma->start);
    if (page < enclave_layout.user_committed_end)
        up = MAX(up, MIN(WINDOW_MAX, enclave_layout.user_committed_end - page));
    vma->window_start = page - down;
    vma->window_end = MIN(page + up, vma->end);
}

static int commit_anonymous(const struct vma *vma, u64 start, u64 end)
{
    u32 prot = vma_emm_prot(vma->prot);
    if (emm_commit(start, end - start) != 0)
        return -ENOMEM;
    return prot == (EMM_READ | EMM_WRITE) ? 0 : emm_protect(start, end - start, prot);
}

// A page that is there and allows the access needs nothing: another thread was faster. A thread to which this happens
// over and over without a pause has a page that is not what it was: -ESTALE.
static int already_there(struct thread *thread, u64 page)
{
    s64 now = time_monotonic_ns();
    bool again = page == thread->idle_fault_page && now - thread->idle_fault_ns < IDLE_FAULT_PAUSE_NS;
    thread->idle_faults = again ? thread->idle_faults + 1 : 1;
    thread->idle_fault_page = page;
    thread->idle_fault_ns = now;
    return thread->idle_faults > IDLE_FAULTS_MAX ? -ESTALE : 0;
}

static int fault_anonymous(struct vma *vma, u64 page)
{
    if (!emm_caps()->lazy_anon || emm_accessible(page, vma_emm_prot(vma->prot)))
        return -EALREADY;
    choose_window(vma, page);
    int err = commit_anonymous(vma, vma->window_start, vma->window_end);
    return err ? commit_anonymous(vma, page, page + PAGE_SIZE) : 0;
}

static int fault_once(struct mm *mm, u64 addr, u32 access)
{
    int err;
    mm_lock(mm);
    struct vma *vma = vma_find(mm, addr);
    if (!vma || vma->start > addr)
        err = -EFAULT;
    else if (!allows(vma->prot, access))
        err = -EACCES;
    else if (vma->map && vma->map->shared)
        err = shared_fault(vma, ALIGN_DOWN(addr, PAGE_SIZE), access & VM_WRITE);
    else if (vma->map)
        err = filemap_fault(mm, vma, ALIGN_DOWN(addr, PAGE_SIZE));
    else
        err = fault_anonymous(vma, ALIGN_DOWN(addr, PAGE_SIZE));
    mm_unlock(mm);
    if (err == -EALREADY)
        return already_there(current, ALIGN_DOWN(addr, PAGE_SIZE));
    current->idle_faults = 0;
    return err;
}

int vm_fault(struct mm *mm, u64 addr, u32 access)
{
    int err = vm_retry(fault_once(mm, addr, access), KIB(64) / PAGE_SIZE);
    if (mm == current->mm)
        vm_come_back(); // it may have slept
    return err == 0 || err == -EFAULT || err == -EACCES || err == -ENOMEM || err == -ESTALE ? err : -EIO;
}

// One step of vm_populate; returns where it stopped, or `end` when nothing more can be had.
static u64 populate_step(struct mm *mm, u64 addr, u64 end)
{
    struct vma *vma = vma_find(mm, addr);
    if (!vma)
        return end;
    u64 next = MIN(vma->end, end);
    if (vma->start > addr || vma->prot == PROT_NONE)
        return MIN(vma->start > addr ? vma->start : next, end);
    if (vma->map && vma->map->shared)
        return shared_populate(vma, addr, next) == 0 ? next : end;
    if (vma->map) {
        next = filemap_run_end(vma->map, addr, next);
        return filemap_populate(mm, vma, addr, next) == 0 ? next : end;
    }
    if (!emm_caps()->lazy_anon)
        return next;
    next = MIN(next, addr + WINDOW_MAX);
    if (emm_accessible(addr, 0)) {
        while (addr < next && emm_accessible(addr, 0))
            addr += PAGE_SIZE;
        return addr;
    }
    choose_window(vma, addr);
    return commit_anonymous(vma, MIN(addr, vma->window_start), MAX(next, vma->window_end)) == 0 ? next : end;
}

void vm_populate(struct mm *mm, u64 addr, u64 len)
{
    for (u64 end = addr + len; addr < end;) {
        mm_lock(mm);
        addr = populate_step(mm, addr, end);
        mm_unlock(mm);
    }
}
