// SPDX-License-Identifier: BSD-3-Clause
// prctl(2): what a process is told of itself, it is told back.
#include <linux/prctl.h>

#include "base/string.h"
#include "libos/process/prctl_caps.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { DEFAULT_SLACK_NS = 50000 };

static long set_name(const char __user *user)
{
    char name[sizeof(current->name)] = { 0 };
    for (size_t i = 0; i < sizeof(name) - 1; i++) {
        if (copy_from_user(&name[i], user + i, 1))
            return -EFAULT;
        if (!name[i])
            break;
    }
    memcpy(current->name, name, sizeof(name));
    return 0;
}

static long set_death_signal(u64 signo)
{
    if (signo > SIGNALS)
        return -EINVAL;
    mutex_lock(&process_lock);
    current_process()->death_signal = (int)signo;
    mutex_unlock(&process_lock);
    return 0;
}

static long set_flag(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_RELAXED);
    return 0;
}

static long put_int(int value, u64 address) { return put_user(value, (int __user *)address) ? -EFAULT : 0; }

static long set(int option, u64 a, bool alone)
{
    struct process *self = current_process();

    switch (option) {
    case PR_SET_NAME:
        return set_name((const char __user *)a);
    case PR_SET_PDEATHSIG:
        return set_death_signal(a);
    case PR_SET_CHILD_SUBREAPER:
        return set_flag(&self->subreaper, a != 0);
    case PR_SET_DUMPABLE:
        return a > 1 ? -EINVAL : set_flag(&self->undumpable, a == 0);
    case PR_SET_NO_NEW_PRIVS:
        return a == 1 && alone ? set_flag(&self->no_new_privs, true) : -EINVAL;
    case PR_SET_TIMERSLACK:
        __atomic_store_n(&self->timer_slack, a, __ATOMIC_RELAXED);
        return 0;
    case PR_SET_TIMING:
        return a == PR_TIMING_STATISTICAL ? 0 : -EINVAL;
    case PR_SET_THP_DISABLE:
    case PR_SET_PTRACER:
        return 0;
    default:
        return -EINVAL;
    }
}

long sys_prctl(int option, u64 a, u64 b, u64 c, u64 d)
{
    struct process *self = current_process();
    long result;

    switch (option) {
    case PR_GET_NAME:
        return copy_to_user((void __user *)a, current->name, sizeof(current->name)) ? -EFAULT : 0;
    case PR_GET_PDEATHSIG:
        return put_int(self->death_signal, a);
    case PR_GET_CHILD_SUBREAPER:
        return put_int(self->subreaper, a);
    case PR_GET_DUMPABLE:
        return !self->undumpable;
    case PR_GET_NO_NEW_PRIVS:
        return a || b || c || d ? -EINVAL : self->no_new_privs;
    case PR_GET_SECCOMP:
    case PR_GET_TIMING: // PR_TIMING_STATISTICAL, the only one
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
        return 0;
    case PR_GET_THP_DISABLE:
        return a || b || c || d ? -EINVAL : 0;
    case PR_GET_TSC:
        return put_int(PR_TSC_ENABLE, a);
    case PR_GET_TID_ADDRESS:
        return put_user(current->clear_child_tid, (u64 __user *)a) ? -EFAULT : 0;
    case PR_GET_TIMERSLACK:
        return (long)(self->timer_slack ? self->timer_slack : DEFAULT_SLACK_NS);
    default:
        if (prctl_caps(option, (u64[]){ a, b, c, d }, &result))
            return result;
        return set(option, a, !b && !c && !d);
    }
}
