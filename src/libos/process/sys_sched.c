// SPDX-License-Identifier: BSD-3-Clause
// Scheduling is the host's. Nice values and processors are kept and told back.
#include <linux/resource.h>
#include <linux/sched.h>

#include "base/string.h"
#include "libos/process/process.h"
#include "libos/process/sched.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/ocall.h"

enum { CPU_WORDS = HOST_CPU_MASK_BYTES / 8 };

long sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

long with_thread(int tid, long (*step)(struct thread *thread, void *arg), void *arg)
{
    mutex_lock(&process_lock);
    struct thread *thread = tid ? process_find_thread((u32)tid) : current;
    long result = thread ? step(thread, arg) : -ESRCH;
    mutex_unlock(&process_lock);
    return result;
}

// The processors that the host lets programs use.
static void host_cpus(u64 mask[CPU_WORDS])
{
    memset(mask, 0, HOST_CPU_MASK_BYTES);
    if (ocall_get_affinity((u8 *)mask, HOST_CPU_MASK_BYTES) <= 0)
        mask[0] = 1;
}

void thread_cpus(const struct thread *thread, u64 *mask)
{
    if (thread->pinned)
        memcpy(mask, thread->cpus, HOST_CPU_MASK_BYTES);
    else
        host_cpus(mask);
}

static_assert(sizeof(((struct thread *)0)->cpus) == HOST_CPU_MASK_BYTES);

static long get_cpus(struct thread *thread, void *arg)
{
    if (thread->pinned)
        memcpy(arg, thread->cpus, HOST_CPU_MASK_BYTES);
    return thread->pinned;
}

long sys_sched_getaffinity(int tid, size_t size, u64 __user *user)
{
    u64 mask[CPU_WORDS];

    long pinned = with_thread(tid, get_cpus, mask);
    if (pinned < 0)
        return pinned;
    if (size < 8 || size % 8)
        return -EINVAL;
    if (!pinned)
        host_cpus(mask);
    size_t len = 8;
    for (size_t i = 0; i < ARRAY_SIZE(mask); i++)
        if (mask[i])
            len = MAX(len, (i + 1) * 8);
    if (len > size)
        return -EINVAL;
    return copy_to_user(user, mask, len) ? -EFAULT : (long)len;
}

bool may_schedule(struct thread *thread)
{
    const struct cred *own = current_cred(), *theirs = thread_cred(thread);
    bool may = own->euid == theirs->euid || own->euid == theirs->uid || cred_capable(own, CAP_SYS_NICE);
    cred_unref(theirs);
    return may;
}

bool may_be_nice(const struct thread *thread, int nice)
{
    return (u64)(20 - nice) <= thread->process->limits[RLIMIT_NICE].rlim_cur || capable(CAP_SYS_NICE);
}

static long set_cpus(struct thread *thread, void *arg)
{
    if (!may_schedule(thread))
        return -EPERM;
    memcpy(thread->cpus, arg, HOST_CPU_MASK_BYTES);
    thread->pinned = true;
    return 0;
}

// Where a thread runs is the host's choice: the mask is kept and told back.
long sys_sched_setaffinity(int tid, size_t size, const u64 __user *user)
{
    u64 mask[CPU_WORDS], wanted, any = 0;

    host_cpus(mask);
    for (size_t i = 0; i < CPU_WORDS; i++) {
        wanted = 0;
        if (i * 8 < size && copy_from_user(&wanted, user + i, MIN(size - i * 8, sizeof(wanted))))
            return -EFAULT;
        any |= mask[i] &= wanted;
    }
    return any ? with_thread(tid, set_cpus, mask) : -EINVAL;
}

// Does `which` with id mean the thread? With process_lock held.
static bool is_meant(int which, u32 id, struct thread *thread)
{
    if (which == PRIO_PROCESS)
        return thread->tid == id;
    if (which == PRIO_PGRP)
        return thread->process->pgid == id;
    const struct cred *cred = thread_cred(thread);
    bool meant = cred->uid == id;
    cred_unref(cred);
    return meant;
}

long for_priority(int which, int who, long (*step)(struct thread *thread, int *value), int *value)
{
    struct process *process;
    struct thread *thread;
    long result = -ESRCH;

    if (which < PRIO_PROCESS || which > PRIO_USER)
        return -EINVAL;
    mutex_lock(&process_lock);
    u32 ids[] = {
        [PRIO_PROCESS] = current->tid, [PRIO_PGRP] = current_process()->pgid, [PRIO_USER] = current_cred()->uid
    };
    u32 id = who ? (u32)who : ids[which];
    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings) {
            if (!is_meant(which, id, thread))
                continue;
            long err = step(thread, value);
            if (err || result == -ESRCH)
                result = err;
        }
    }
    mutex_unlock(&process_lock);
    return result;
}

static long read_nice(struct thread *thread, int *value)
{
    *value = MIN(*value, (int)thread->nice);
    return 0;
}

static long write_nice(struct thread *thread, int *value)
{
    if (!may_schedule(thread))
        return -EPERM;
    if (*value < thread->nice && !may_be_nice(thread, *value))
        return -EACCES;
    thread->nice = (s8)*value;
    return 0;
}

// The kernel's answer is 20 - nice, so that it is never negative (getpriority(2)).
long sys_getpriority(int which, int who)
{
    int lowest = 19;
    long err = for_priority(which, who, read_nice, &lowest);
    return err ? err : 20 - lowest;
}

long sys_setpriority(int which, int who, int value)
{
    value = MIN(MAX(value, -20), 19);
    return for_priority(which, who, write_nice, &value);
}

long sys_getcpu(u32 __user *cpu, u32 __user *node, void __user *cache)
{
    s64 n = ocall_getcpu();
    u32 number = n >= 0 && n < HOST_CPU_MASK_BYTES * 8 ? (u32)n : 0, zero = 0;
    return (cpu && put_user(number, cpu)) || (node && put_user(zero, node)) ? -EFAULT : 0;
}
