// SPDX-License-Identifier: BSD-3-Clause
// System calls on actions and masks.
#include "base/string.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

// What Linux keeps of sa_flags; SA_EXPOSE_TAGBITS among them, which means nothing here.
#define FLAGS_KNOWN                                                                                           \
    (SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | 0x800u | SA_RESTORER | SA_ONSTACK | SA_RESTART | SA_NODEFER | \
     SA_RESETHAND)

static bool valid(int signo) { return signo >= 1 && signo <= SIGNALS; }

long sys_rt_sigaction(int signo, const struct signal_action __user *new, struct signal_action __user *old, size_t size)
{
    struct process_signals *signals = &current_process()->signals;
    struct signal_action action = { 0 }, previous;

    if (size != sizeof(u64) || !valid(signo) || (new != NULL && (SIGMASK(signo) & SIGMASK_UNBLOCKABLE)))
        return -EINVAL;
    if (new != NULL && copy_from_user(&action, new, sizeof(action)))
        return -EFAULT;
    action.mask &= ~SIGMASK_UNBLOCKABLE;
    action.flags &= FLAGS_KNOWN; // a program asks so which flags there are (SA_UNSUPPORTED)
    spin_lock(&signals->lock);
    previous = signals->actions[signo - 1];
    if (new)
        signals->actions[signo - 1] = action;
    spin_unlock(&signals->lock);
    if (new &&action.handler <= (u64)SIG_IGN)
        signal_forget_ignored(signo);
    return old && copy_to_user(old, &previous, sizeof(previous)) ? -EFAULT : 0;
}

long sys_rt_sigprocmask(int how, const u64 __user *set, u64 __user *old, size_t size)
{
    u64 mask = 0, previous = current->blocked;

    if (size != sizeof(u64))
        return -EINVAL;
    if (set && get_user(mask, set))
        return -EFAULT;
    if (set) {
        switch (how) {
        case SIG_BLOCK:
            mask |= previous;
            break;
        case SIG_UNBLOCK:
            mask = previous & ~mask;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        signal_set_blocked(mask);
    }
    return old && put_user(previous, old) ? -EFAULT : 0;
}

long sys_rt_sigpending(u64 __user *set, size_t size)
{
    struct process_signals *signals = &current_process()->signals;
    if (size > sizeof(u64))
        return -EINVAL;
    spin_lock(&signals->lock);
    u64 pending = (((struct signal_queue *)current->queue)->pending | signals->queue.pending) & current->blocked;
    spin_unlock(&signals->lock);
    return copy_to_user(set, &pending, size) ? -EFAULT : 0;
}

static long suspend(u64 mask)
{
    struct waiter waiter;

    signal_borrow_mask(mask);
    waiter_init(&waiter);
    while (waiter_sleep(&waiter, WAIT_FOREVER) != -EINTR)
        ;
    return -ERESTARTNOHAND;
}

long sys_rt_sigsuspend(const u64 __user *set, size_t size)
{
    u64 mask;
    if (size != sizeof(u64))
        return -EINVAL;
    return get_user(mask, set) ? -EFAULT : suspend(mask);
}

long sys_pause(void)
{
    struct waiter waiter;
    waiter_init(&waiter);
    while (waiter_sleep(&waiter, WAIT_FOREVER) != -EINTR)
        ;
    return -ERESTARTNOHAND;
}

// Takes a signal of mask, sleeping until there is one. Meanwhile the thread does not block them, so that senders wake
// it; the mask comes back before the program runs, and no handler sees it.
static int take_or_sleep(u64 mask, s64 deadline, siginfo_t *ret_info)
{
    struct process_signals *signals = &current_process()->signals;
    struct waiter waiter;
    int signo, err = 0;

    waiter_init(&waiter);
    spin_lock(&signals->lock);
    current->saved_blocked = current->blocked;
    current->restore_blocked = true;
    WRITE_ONCE(current->blocked, current->blocked & ~mask);
    while (!(signo = signal_dequeue(current, mask, ret_info)) && !err) {
        bool other = signal_deliverable(current);
        if (!other)
            thread_take_pending(current, THREAD_SIGNAL);
        spin_unlock(&signals->lock);
        err = other ? -EINTR : waiter_sleep(&waiter, deadline);
        if (!other && err == -EINTR && !(thread_pending(current) & ~(u32)(THREAD_SIGNAL | THREAD_YIELD | THREAD_AWAY)))
            err = 0; // look which signal it was
        spin_lock(&signals->lock);
    }
    spin_unlock(&signals->lock);
    signal_set_blocked(current->saved_blocked);
    return signo ? signo : err == -ETIMEDOUT ? -EAGAIN : err;
}

long sys_rt_sigtimedwait(const u64 __user *set, siginfo_t __user *info, const struct __kernel_timespec __user *timeout,
                         size_t size)
{
    struct __kernel_timespec ts;
    s64 deadline = WAIT_FOREVER;
    siginfo_t taken;
    u64 mask;

    if (size != sizeof(u64))
        return -EINVAL;
    if (get_user(mask, set) || (timeout && copy_from_user(&ts, timeout, sizeof(ts))))
        return -EFAULT;
    if (timeout && !timespec_valid(&ts))
        return -EINVAL;
    if (timeout)
        deadline = time_deadline_ns(timespec_to_ns(&ts));
    int signo = take_or_sleep(mask & ~SIGMASK_UNBLOCKABLE, deadline, &taken);
    if (signo < 0)
        return signo;
    return info && copy_to_user(info, &taken, sizeof(taken)) ? -EFAULT : signo;
}
