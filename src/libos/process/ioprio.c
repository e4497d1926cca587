// SPDX-License-Identifier: BSD-3-Clause
// ioprio_set(2), ioprio_get(2): the order of requests to devices is the host's; what is set is checked and told back.
#include <linux/ioprio.h>
#include <linux/resource.h>

#include "libos/process/process.h"
#include "libos/process/sched.h"
#include "libos/syscall/prototypes.h"

enum { IDLE_LEVELS = 8 };

// 0, or what is wrong with a priority that the caller wants to give.
static long check(int priority)
{
    int level = IOPRIO_PRIO_LEVEL(priority);

    switch (IOPRIO_PRIO_CLASS(priority)) {
    case IOPRIO_CLASS_RT:
        if (!capable(CAP_SYS_ADMIN) && !capable(CAP_SYS_NICE))
            return -EPERM;
        return level < IDLE_LEVELS ? 0 : -EINVAL;
    case IOPRIO_CLASS_BE:
        return level < IDLE_LEVELS ? 0 : -EINVAL;
    case IOPRIO_CLASS_IDLE:
        return 0;
    case IOPRIO_CLASS_NONE:
        return level ? -EINVAL : 0;
    default:
        return -EINVAL;
    }
}

static long set(struct thread *thread, int *priority)
{
    const struct cred *own = current_cred(), *theirs = thread_cred(thread);
    bool may = theirs->uid == own->euid || theirs->uid == own->uid || cred_capable(own, CAP_SYS_NICE);

    cred_unref(theirs);
    if (!may)
        return -EPERM;
    thread->io_priority = (u16)*priority;
    return 0;
}

static long get_one(struct thread *thread, int *ret_priority)
{
    *ret_priority = thread->io_priority;
    return 0;
}

// The best of several: a lower class, then a lower level; what was not set counts as best effort.
static long get_best(struct thread *thread, int *best)
{
    int one = thread->io_priority;

    if (IOPRIO_PRIO_CLASS(one) == IOPRIO_CLASS_NONE)
        one = IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_BE_NORM);
    if (*best < 0 || one < *best)
        *best = one;
    return 0;
}

long sys_ioprio_set(int which, int who, int priority)
{
    long err = check(priority);
    if (err)
        return err;
    return for_priority(which - IOPRIO_WHO_PROCESS + PRIO_PROCESS, who, set, &priority);
}

long sys_ioprio_get(int which, int who)
{
    int priority = -1;
    long err = for_priority(which - IOPRIO_WHO_PROCESS + PRIO_PROCESS, who,
                            which == IOPRIO_WHO_PROCESS ? get_one : get_best, &priority);
    return err ? err : priority;
}
