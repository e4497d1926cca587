// SPDX-License-Identifier: BSD-3-Clause
// Policies and real-time priorities (sched(7)). Scheduling is the host's: what is set is checked and told back as by
// Linux, and has no effect.
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/sched/types.h>

#include "base/string.h"
#include "libos/process/process.h"
#include "libos/process/sched.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum {
    AS_IT_IS = -1, // of sched_setparam: the policy stays
    PRIORITY_MOST = 99,
    DEADLINE_LEAST_NS = 1024,
    RR_SLICE_NS = 100000000,
    FAIR_SLICE_NS = 4000000,
    UTIL_CLAMP = SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX,
};

struct wish {
    int policy;
    u64 flags; // SCHED_FLAG_*
    u32 priority;
    int nice;
    bool sets_nice;
    u64 runtime, deadline, period;
};

static bool realtime(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }
static bool fair(int policy) { return policy == SCHED_NORMAL || policy == SCHED_BATCH; }

static bool deadline_ok(const struct wish *wish)
{
    u64 period = wish->period ? wish->period : wish->deadline;
    return wish->deadline && wish->runtime >= DEADLINE_LEAST_NS && !((wish->deadline | period) >> 63) &&
           wish->deadline <= period && wish->runtime <= wish->deadline;
}

// Could anybody have it?
static bool wish_ok(const struct wish *wish)
{
    int policy = wish->policy;

    if (!fair(policy) && !realtime(policy) && policy != SCHED_IDLE && policy != SCHED_DEADLINE)
        return false;
    if ((wish->flags & ~(u64)SCHED_FLAG_ALL) || wish->priority > PRIORITY_MOST)
        return false;
    return (policy != SCHED_DEADLINE || deadline_ok(wish)) && realtime(policy) == (wish->priority != 0);
}

// May the caller give it to the thread (sched_setscheduler(2), "Privileges and resource limits")?
static bool wish_allowed(const struct wish *wish, struct thread *thread)
{
    u64 limit = thread->process->limits[RLIMIT_RTPRIO].rlim_cur;

    if (capable(CAP_SYS_NICE))
        return true;
    if (!may_schedule(thread) || (thread->reset_on_fork && !(wish->flags & SCHED_FLAG_RESET_ON_FORK)))
        return false;
    if (fair(wish->policy) && wish->sets_nice && wish->nice < thread->nice && !may_be_nice(thread, wish->nice))
        return false;
    if (realtime(wish->policy) && ((wish->policy != thread->policy && !limit) ||
                                   (wish->priority > thread->rt_priority && wish->priority > limit)))
        return false;
    return thread->policy != SCHED_IDLE || wish->policy == SCHED_IDLE || may_be_nice(thread, thread->nice);
}

static long grant(struct thread *thread, void *arg)
{
    struct wish *wish = arg;

    if (wish->policy == AS_IT_IS) {
        wish->policy = thread->policy;
        wish->flags |= thread->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0;
    }
    if (!wish_ok(wish))
        return -EINVAL;
    if (!wish_allowed(wish, thread) || wish->policy == SCHED_DEADLINE) // bandwidth is the host's to give
        return -EPERM;
    thread->policy = (u8)wish->policy;
    thread->rt_priority = (u8)wish->priority;
    thread->reset_on_fork = wish->flags & SCHED_FLAG_RESET_ON_FORK;
    if (fair(wish->policy) && wish->sets_nice)
        thread->nice = (s8)wish->nice;
    return 0;
}

static long set_by_param(int tid, int policy, const int __user *user)
{
    struct wish wish = { .policy = policy };

    if (!user || tid < 0)
        return -EINVAL;
    if (get_user(wish.priority, (const u32 __user *)user))
        return -EFAULT;
    if (policy != AS_IT_IS && (policy & SCHED_RESET_ON_FORK)) {
        wish.policy &= ~SCHED_RESET_ON_FORK;
        wish.flags = SCHED_FLAG_RESET_ON_FORK;
    }
    return with_thread(tid, grant, &wish);
}

long sys_sched_setscheduler(int tid, int policy, const int __user *user)
{
    return policy < 0 ? -EINVAL : set_by_param(tid, policy, user);
}

long sys_sched_setparam(int tid, const int __user *user) { return set_by_param(tid, AS_IT_IS, user); }

static long read_thread(struct thread *thread, void *arg)
{
    struct wish *wish = arg;
    *wish = (struct wish){ .policy = thread->policy,
                           .flags = thread->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
                           .priority = thread->rt_priority,
                           .nice = thread->nice };
    return 0;
}

long sys_sched_getscheduler(int tid)
{
    struct wish now;
    long err = tid < 0 ? -EINVAL : with_thread(tid, read_thread, &now);
    return err ? err : now.policy | (now.flags ? SCHED_RESET_ON_FORK : 0);
}

long sys_sched_getparam(int tid, int __user *user)
{
    struct wish now;
    long err = !user || tid < 0 ? -EINVAL : with_thread(tid, read_thread, &now);
    return err ? err : put_user(now.priority, (u32 __user *)user) ? -EFAULT : 0;
}

long sys_sched_rr_get_interval(int tid, struct __kernel_timespec __user *user)
{
    struct wish now;
    long err = tid < 0 ? -EINVAL : with_thread(tid, read_thread, &now);
    if (err)
        return err;
    s64 ns = now.policy == SCHED_RR ? RR_SLICE_NS : now.policy == SCHED_FIFO ? 0 : FAIR_SLICE_NS;
    struct __kernel_timespec slice = { 0, ns };
    return copy_to_user(user, &slice, sizeof(slice)) ? -EFAULT : 0;
}

// Both ends of the priorities of a policy; -EINVAL: there is no such policy.
static long priority_of(int policy, int of_realtime)
{
    if (realtime(policy))
        return of_realtime;
    return fair(policy) || policy == SCHED_IDLE || policy == SCHED_DEADLINE ? 0 : -EINVAL;
}

long sys_sched_get_priority_max(int policy) { return priority_of(policy, PRIORITY_MOST); }
long sys_sched_get_priority_min(int policy) { return priority_of(policy, 1); }

// struct sched_attr of any version; a size that is not known is answered with the one that is.
static long attr_from_user(struct sched_attr *attr, struct sched_attr __user *user)
{
    u32 size, own = sizeof(*attr);

    memset(attr, 0, sizeof(*attr));
    if (get_user(size, &user->size))
        return -EFAULT;
    if (!size)
        size = SCHED_ATTR_SIZE_VER0;
    long err = size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE ? -E2BIG : 0;
    for (u32 at = own; at < size && !err; at++) {
        u8 byte;
        if (copy_from_user(&byte, (const u8 __user *)user + at, 1))
            return -EFAULT;
        err = byte ? -E2BIG : 0;
    }
    if (err)
        return put_user(own, &user->size) ? -EFAULT : err;
    if (copy_from_user(attr, user, MIN(size, own)))
        return -EFAULT;
    return (attr->sched_flags & UTIL_CLAMP) && size < SCHED_ATTR_SIZE_VER1 ? -EINVAL : 0;
}

long sys_sched_setattr(int tid, struct sched_attr __user *user, u32 flags)
{
    struct sched_attr attr;

    if (!user || tid < 0 || flags)
        return -EINVAL;
    long err = attr_from_user(&attr, user);
    if (err)
        return err;
    if ((int)attr.sched_policy < 0)
        return -EINVAL;
    struct wish wish = { .policy = attr.sched_flags & SCHED_FLAG_KEEP_POLICY ? AS_IT_IS : (int)attr.sched_policy,
                         .flags = attr.sched_flags,
                         .priority = attr.sched_priority,
                         .nice = MIN(MAX(attr.sched_nice, -20), 19),
                         .sets_nice = !(attr.sched_flags & SCHED_FLAG_KEEP_PARAMS),
                         .runtime = attr.sched_runtime,
                         .deadline = attr.sched_deadline,
                         .period = attr.sched_period };
    return with_thread(tid, grant, &wish);
}

long sys_sched_getattr(int tid, struct sched_attr __user *user, u32 size, u32 flags)
{
    struct wish now;

    if (!user || tid < 0 || size > PAGE_SIZE || size < SCHED_ATTR_SIZE_VER0 || flags)
        return -EINVAL;
    long err = with_thread(tid, read_thread, &now);
    if (err)
        return err;
    struct sched_attr attr = { .size = MIN(size, (u32)sizeof(attr)),
                               .sched_policy = (u32)now.policy,
                               .sched_flags = now.flags,
                               .sched_priority = now.priority,
                               .sched_nice = realtime(now.policy) ? 0 : now.nice };
    return copy_to_user(user, &attr, attr.size) ? -EFAULT : 0;
}

void sched_inherit(struct thread *child, const struct thread *parent)
{
    bool reset = parent->reset_on_fork;

    child->nice = reset && parent->nice < 0 ? 0 : parent->nice;
    child->policy = reset && realtime(parent->policy) ? SCHED_NORMAL : parent->policy;
    child->rt_priority = reset ? 0 : parent->rt_priority;
    child->io_priority = parent->io_priority;
    child->mempolicy = parent->mempolicy;
    child->pinned = parent->pinned;
    memcpy(child->cpus, parent->cpus, sizeof(child->cpus));
}
