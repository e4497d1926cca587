// SPDX-License-Identifier: BSD-3-Clause
// setitimer(2) and alarm(2), and the one LibOS thread that fires all timers: made when a program first sets one, it
// sleeps until the next deadline.
#include "base/string.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/signal/posix_timer.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

static struct wait_queue changed = WAIT_QUEUE_INIT(changed);
static bool started;

// Fires what is due; returns the next deadline.
static s64 fire(s64 now)
{
    struct process *process;
    s64 next = WAIT_FOREVER;

    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all) {
        struct process_signals *signals = &process->signals;
        if (process->zombie)
            continue;
        next = MIN(next, posix_timers_fire(process, now));
        next = MIN(next, cpu_timers_fire(process, now));
        if (!signals->timer_deadline)
            continue;
        if (signals->timer_deadline <= now) {
            signals->timer_deadline = signals->timer_interval ? now + signals->timer_interval : 0;
            signal_send(process, NULL, SIGALRM, NULL);
        }
        if (signals->timer_deadline)
            next = MIN(next, signals->timer_deadline);
    }
    mutex_unlock(&process_lock);
    return next;
}

static void timer_thread(void *arg)
{
    struct waiter waiter;

    (void)arg;
    waiter_init(&waiter);
    wait_add(&changed, &waiter);
    for (;;)
        waiter_sleep_uninterruptible(&waiter, fire(time_monotonic_ns()));
}

int timer_thread_start(void)
{
    struct thread *thread;

    if (__atomic_exchange_n(&started, true, __ATOMIC_SEQ_CST))
        return 0;
    int err = thread_create(&thread);
    if (!err) {
        err = thread_start_kernel(thread, timer_thread, NULL);
        if (err)
            thread_discard(thread);
    }
    if (err)
        __atomic_store_n(&started, false, __ATOMIC_SEQ_CST);
    return err;
}

void timer_thread_wake(void) { wake_up_all(&changed); }

// Saturates at about 292 years.
static s64 timeval_ns(const struct __kernel_old_timeval *tv)
{
    return timespec_to_ns(&(struct __kernel_timespec){ tv->tv_sec, tv->tv_usec * 1000 });
}

static struct __kernel_old_timeval ns_timeval(s64 ns)
{
    return (struct __kernel_old_timeval){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000 };
}

// Called with process_lock.
static struct __kernel_old_itimerval read_timer(const struct process_signals *signals)
{
    s64 left = signals->timer_deadline ? MAX(signals->timer_deadline - time_monotonic_ns(), (s64)1000) : 0;
    return (struct __kernel_old_itimerval){ ns_timeval(signals->timer_interval), ns_timeval(left) };
}

// Sets the timer and tells, of the same moment, what it was.
static int exchange_real(s64 value, s64 interval, struct __kernel_old_itimerval *ret_previous)
{
    struct process_signals *signals = &current_process()->signals;
    int err = value ? timer_thread_start() : 0;
    if (err)
        return err;
    mutex_lock(&process_lock);
    *ret_previous = read_timer(signals);
    signals->timer_deadline = value ? time_deadline_ns(value) : 0;
    signals->timer_interval = interval;
    mutex_unlock(&process_lock);
    timer_thread_wake();
    return 0;
}

// Sets (new NULL: no) and tells any of the three.
static int exchange(int which, const struct __kernel_old_itimerval *new, struct __kernel_old_itimerval *ret_previous)
{
    struct cpu_timer value = { 0 };

    if (which != ITIMER_REAL && which != ITIMER_VIRTUAL && which != ITIMER_PROF)
        return -EINVAL;
    if (new)
        value = (struct cpu_timer){ timeval_ns(&new->it_value), timeval_ns(&new->it_interval) };
    if (which == ITIMER_REAL) {
        if (new)
            return exchange_real(value.deadline, value.interval, ret_previous);
        mutex_lock(&process_lock);
        *ret_previous = read_timer(&current_process()->signals);
        mutex_unlock(&process_lock);
        return 0;
    }
    int err = value.deadline ? timer_thread_start() : 0;
    if (err)
        return err;
    struct cpu_timer previous = cpu_timer_exchange(which, new ? &value : NULL);
    *ret_previous = (struct __kernel_old_itimerval){ ns_timeval(previous.interval), ns_timeval(previous.deadline) };
    if (value.deadline)
        timer_thread_wake();
    return 0;
}

long sys_getitimer(int which, struct __kernel_old_itimerval __user *value)
{
    struct __kernel_old_itimerval now;
    int err = exchange(which, NULL, &now);
    if (err)
        return err;
    return copy_to_user(value, &now, sizeof(now)) ? -EFAULT : 0;
}

static bool timeval_ok(const struct __kernel_old_timeval *tv)
{
    return tv->tv_sec >= 0 && tv->tv_usec >= 0 && tv->tv_usec < 1000000;
}

long sys_setitimer(int which, const struct __kernel_old_itimerval __user *new,
                   struct __kernel_old_itimerval __user *old)
{
    struct __kernel_old_itimerval value = { 0 }, previous;

    if (new != NULL && copy_from_user(&value, new, sizeof(value)))
        return -EFAULT;
    if (!timeval_ok(&value.it_value) || !timeval_ok(&value.it_interval))
        return -EINVAL;
    int err = exchange(which, &value, &previous);
    if (err)
        return err;
    return old && copy_to_user(old, &previous, sizeof(previous)) ? -EFAULT : 0;
}

long sys_alarm(u32 seconds)
{
    struct __kernel_old_itimerval previous = { 0 };
    if (exchange_real((s64)seconds * NSEC_PER_SEC, 0, &previous) != 0)
        return 0; // alarm(2) never fails
    return (long)(previous.it_value.tv_sec +
                  (previous.it_value.tv_usec >= 500000 || (!previous.it_value.tv_sec && previous.it_value.tv_usec)));
}
