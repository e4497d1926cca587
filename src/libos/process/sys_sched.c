// SPDX-License-Identifier: BSD-3-Clause
// Scheduling is the host's. Policies and priorities are accepted where an ordinary program may set them.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/ocall.h"

enum { SCHED_POLICY_MAX = 7 };

long sys_sched_yield(void)
{
    ocall_yield();
    return 0;
}

static bool thread_exists(int tid)
{
    if (tid == 0 || (u32)tid == current->tid)
        return true;
    mutex_lock(&process_lock);
    bool found = process_find_thread((u32)tid);
    mutex_unlock(&process_lock);
    return found;
}

long sys_sched_getaffinity(int tid, size_t size, u64 __user *user)
{
    u8 mask[HOST_CPU_MASK_BYTES] = { 0 };

    if (!thread_exists(tid))
        return -ESRCH;
    if (size < 8 || size % 8)
        return -EINVAL;
    s64 n = ocall_get_affinity(mask, sizeof(mask));
    size_t used = 0;
    for (s64 i = 0; i < n; i++)
        if (mask[i])
            used = (size_t)i + 1;
    if (!used) // a thread runs somewhere, whatever the host says
        mask[0] = 1, used = 1;
    size_t len = ALIGN_UP(used, 8); // as on a kernel with no more processors than that
    if (len > size)
        return -EINVAL;
    return copy_to_user(user, mask, len) ? -EFAULT : (long)len;
}

long sys_sched_setaffinity(int tid, size_t size, const u64 __user *user) { return thread_exists(tid) ? 0 : -ESRCH; }
long sys_sched_getscheduler(int tid) { return thread_exists(tid) ? 0 : -ESRCH; }

long sys_sched_getparam(int tid, int __user *user)
{
    int priority = 0;
    return !thread_exists(tid) ? -ESRCH : put_user(priority, user) ? -EFAULT : 0;
}

long sys_sched_setscheduler(int tid, int policy, const int __user *user)
{
    int priority;
    if (!thread_exists(tid))
        return -ESRCH;
    if (get_user(priority, user))
        return -EFAULT;
    if (policy < 0 || policy > SCHED_POLICY_MAX)
        return -EINVAL;
    return policy == 0 || policy == 3 || policy == 5 ? (priority == 0 ? 0 : -EINVAL) : -EPERM;
}

long sys_sched_setparam(int tid, const int __user *user)
{
    int priority;
    return get_user(priority, user) ? -EFAULT : priority == 0 ? 0 : -EINVAL;
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
    return !thread_exists(tid) ? -ESRCH : copy_to_user(user, &slice, sizeof(slice)) ? -EFAULT : 0;
}

long sys_getpriority(int which, int who) { return which < 0 || which > 2 ? -EINVAL : 20; }
long sys_setpriority(int which, int who, int value) { return which < 0 || which > 2 ? -EINVAL : 0; }

long sys_getcpu(u32 __user *cpu, u32 __user *node, void __user *cache)
{
    s64 n = ocall_getcpu();
    u32 number = n >= 0 && n < HOST_CPU_MASK_BYTES * 8 ? (u32)n : 0, zero = 0;
    return (cpu && put_user(number, cpu)) || (node && put_user(zero, node)) ? -EFAULT : 0;
}
