// SPDX-License-Identifier: BSD-3-Clause
// Scheduling is the host's. Policies and priorities are accepted where an ordinary program may set them.
#include <linux/resource.h>
#include <linux/sched.h>

#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/ocall.h"

enum { SCHED_POLICY_MAX = 7, CPU_WORDS = HOST_CPU_MASK_BYTES / 8 };

long sys_sched_yield(void)
{
    thread_yield();
    return 0;
}

// Runs step on a thread (0: the caller) under process_lock. Its result, or -ESRCH.
static long with_thread(int tid, long (*step)(struct thread *thread, void *arg), void *arg)
{
    mutex_lock(&process_lock);
    struct thread *thread = tid ? process_find_thread((u32)tid) : current;
    long result = thread ? step(thread, arg) : -ESRCH;
    mutex_unlock(&process_lock);
    return result;
}

static long nothing(struct thread *thread, void *arg) { return 0; }

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

// May the caller change how the thread is scheduled (sched(7))?
static bool may_schedule(struct thread *thread)
{
    const struct cred *own = current_cred(), *theirs = thread_cred(thread);
    bool may = own->euid == theirs->euid || own->euid == theirs->uid || cred_capable(own, CAP_SYS_NICE);
    cred_unref(theirs);
    return may;
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

static long get_policy(struct thread *thread, void *arg) { return thread->policy; }
long sys_sched_getscheduler(int tid) { return tid < 0 ? -EINVAL : with_thread(tid, get_policy, NULL); }

long sys_sched_getparam(int tid, int __user *user)
{
    int priority = 0;
    long err = with_thread(tid, nothing, NULL);
    return err ? err : put_user(priority, user) ? -EFAULT : 0;
}

static long set_policy(struct thread *thread, void *arg)
{
    if (!may_schedule(thread))
        return -EPERM;
    thread->policy = *(const u8 *)arg;
    return 0;
}

long sys_sched_setscheduler(int tid, int policy, const int __user *user)
{
    u8 kept = (u8)policy;
    int priority;
    if (get_user(priority, user))
        return -EFAULT;
    if (tid < 0 || policy < 0 || policy > SCHED_POLICY_MAX)
        return -EINVAL;
    if (policy != SCHED_NORMAL && policy != SCHED_BATCH && policy != SCHED_IDLE)
        return -EPERM; // real time is the host's to give
    return priority ? -EINVAL : with_thread(tid, set_policy, &kept);
}

long sys_sched_setparam(int tid, const int __user *user)
{
    int priority;
    return get_user(priority, user) ? -EFAULT : priority == 0 ? with_thread(tid, nothing, NULL) : -EINVAL;
}

static bool realtime(int policy) { return policy == 1 || policy == 2; }
long sys_sched_get_priority_max(int policy)
{
    return policy < 0 || policy > SCHED_POLICY_MAX ? -EINVAL : realtime(policy) ? 99 : 0;
}
long sys_sched_get_priority_min(int policy)
{
    return policy < 0 || policy > SCHED_POLICY_MAX ? -EINVAL : realtime(policy) ? 1 : 0;
}

long sys_sched_rr_get_interval(int tid, struct __kernel_timespec __user *user)
{
    struct __kernel_timespec slice = { 0, 4000000 };
    long err = with_thread(tid, nothing, NULL);
    return err ? err : copy_to_user(user, &slice, sizeof(slice)) ? -EFAULT : 0;
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

// Calls step for the threads that `which` and `who` (0: the caller's) name: one, a group's, a user's. Its last error
// (0: of none), -ESRCH if there are none.
static long for_priority(int which, int who, long (*step)(struct thread *thread, int *value), int *value)
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
    u64 limit = thread->process->limits[RLIMIT_NICE].rlim_cur; // 20 - the lowest nice that is allowed

    if (!may_schedule(thread))
        return -EPERM;
    if (*value < thread->nice && (u64)(20 - *value) > limit && !capable(CAP_SYS_NICE))
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
