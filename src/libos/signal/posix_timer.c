// SPDX-License-Identifier: BSD-3-Clause
// The clocks of the wall go at one pace, so a time on any of them is a deadline on CLOCK_MONOTONIC from the moment it
// is set. CPU clocks keep theirs; the timer thread looks when it can have come at the earliest, as in cpu_timer.c.
#include "libos/signal/posix_timer.h"

#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/tree/process.h"
#include "libos/signal/signal_queue.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum {
    TIMERS_MAX = 1024,
    LOOK_NS = 1000000, // not more often at a CPU clock, or at a timer whose signal waits: its overruns are counted then
};

struct posix_timer {
    struct list_head link; // process_signals.timers
    int id, clock, notify, signo;
    int overrun, counting; // of the last signal that was taken; of the one that waits
    u32 tid;               // SIGEV_THREAD_ID
    sigval_t value;
    s64 deadline, interval; // ns on CLOCK_MONOTONIC, or the CPU clock that the timer has; deadline 0: disarmed
};

static struct process_signals *own(void) { return &current_process()->signals; }

// With process_lock held.
static struct posix_timer *find(int id)
{
    mutex_assert_held(&process_lock);
    struct posix_timer *timer;
    list_for_each (timer, &own()->timers, link)
        if (timer->id == id)
            return timer;
    return NULL;
}

// Where the timer's deadlines lie. CPU clocks of who has ended stand still. With process_lock held.
static s64 clock_now(const struct posix_timer *timer, s64 monotonic)
{
    s64 ns;
    if (timer->clock >= 0)
        return monotonic;
    return cpu_clock_ns(timer->clock, &ns) ? 0 : ns;
}

// Whether the last signal of the timer still waits; it has expired `more` times since. With process_lock held.
static bool signal_waits(struct process *process, struct posix_timer *timer, s64 more)
{
    spin_lock(&process->signals.lock);
    int overrun = signal_timer_overrun(process, timer->id, more);
    spin_unlock(&process->signals.lock);
    if (overrun >= 0)
        timer->counting = overrun;
    else
        timer->overrun = timer->counting;
    return overrun >= 0;
}

// A signal of the timer, unless one still waits: a timer has one at a time, which counts (timer_getoverrun(2)).
// Whether one waits now.
static bool send(struct process *process, struct posix_timer *timer, s64 missed)
{
    struct thread *thread = timer->notify & SIGEV_THREAD_ID ? process_find_thread(timer->tid) : NULL;
    siginfo_t info;

    if (timer->notify == SIGEV_NONE || (timer->notify & SIGEV_THREAD_ID && (!thread || thread->process != process)))
        return false;
    if (signal_waits(process, timer, missed + 1))
        return true;
    timer->counting = (int)MIN(missed, (s64)INT32_MAX);
    memset(&info, 0, sizeof(info));
    info.si_code = SI_TIMER;
    info.si_tid = timer->id;
    info.si_overrun = timer->counting;
    info.si_value = timer->value;
    signal_send(process, thread, timer->signo, &info);
    return false;
}

// Fires the timer if it is due; returns when to look again (CLOCK_MONOTONIC ns).
static s64 fire(struct process *process, struct posix_timer *timer, s64 monotonic)
{
    s64 now = clock_now(timer, monotonic);
    bool waits = false;

    if (timer->deadline && timer->deadline <= now) {
        s64 missed = timer->interval ? (now - timer->deadline) / timer->interval : 0;
        timer->deadline = timer->interval ? timer->deadline + (missed + 1) * timer->interval : 0;
        waits = send(process, timer, missed);
    }
    if (!timer->deadline)
        return WAIT_FOREVER;
    if (timer->clock < 0)
        return monotonic + MAX((timer->deadline - now) / MAX(process->live_count, 1u), (s64)LOOK_NS);
    return waits ? MAX(timer->deadline, monotonic + LOOK_NS) : timer->deadline;
}

s64 posix_timers_fire(struct process *process, s64 now)
{
    mutex_assert_held(&process_lock);
    struct posix_timer *timer;
    s64 next = WAIT_FOREVER;

    list_for_each (timer, &process->signals.timers, link)
        next = MIN(next, fire(process, timer, now));
    return next;
}

void posix_timers_free(struct process_signals *signals)
{
    struct posix_timer *timer, *next;
    list_for_each_safe (timer, next, &signals->timers, link) {
        list_del(&timer->link);
        kfree(timer);
    }
    signals->timer_count = 0;
}

// What the program asks for. The default (user NULL) is SIGALRM to the process, with the timer's id as value.
static int read_event(const struct sigevent __user *user, struct posix_timer *timer)
{
    struct sigevent event;

    timer->notify = SIGEV_SIGNAL;
    timer->signo = SIGALRM;
    if (!user)
        return 0;
    if (copy_from_user(&event, user, sizeof(event)))
        return -EFAULT;
    bool to_thread = event.sigev_notify == (SIGEV_SIGNAL | SIGEV_THREAD_ID);
    if (!to_thread && event.sigev_notify != SIGEV_SIGNAL && event.sigev_notify != SIGEV_NONE &&
        event.sigev_notify != SIGEV_THREAD)
        return -EINVAL;
    if (event.sigev_notify != SIGEV_NONE && (event.sigev_signo < 1 || event.sigev_signo > SIGNALS))
        return -EINVAL;
    timer->notify = event.sigev_notify;
    timer->signo = event.sigev_signo;
    timer->value = event.sigev_value;
    timer->tid = to_thread ? (u32)event._sigev_un._tid : 0;
    return 0;
}

// With process_lock held.
static int add(struct posix_timer *timer, bool id_is_value)
{
    mutex_assert_held(&process_lock);
    struct process_signals *signals = own();
    bool to_thread = timer->notify & SIGEV_THREAD_ID;
    struct thread *thread = to_thread ? process_find_thread(timer->tid) : NULL;

    if (to_thread && (!thread || thread->process != current_process()))
        return -EINVAL;
    if (signals->timer_count >= TIMERS_MAX)
        return -EAGAIN;
    timer->id = signals->timer_next_id;
    if (id_is_value)
        timer->value.sival_int = timer->id;
    signals->timer_next_id = (signals->timer_next_id + 1) & INT32_MAX;
    signals->timer_count++;
    list_add_tail(&timer->link, &signals->timers);
    return 0;
}

// 0 for a clock that timers can have; *clock becomes the caller's own where it means it.
static int check_clock(int *clock)
{
    struct __kernel_timespec now;
    s64 ns;

    if (*clock == CLOCK_REALTIME_ALARM || *clock == CLOCK_BOOTTIME_ALARM)
        return -EPERM;
    *clock = cpu_clock_own(*clock);
    if (*clock >= 0)
        return time_get(*clock, &now) ? -EINVAL : time_only_read(*clock) ? -EOPNOTSUPP : 0;
    mutex_lock(&process_lock);
    int err = cpu_clock_ns(*clock, &ns);
    mutex_unlock(&process_lock);
    return err;
}

long sys_timer_create(int clock, const struct sigevent __user *event, int __user *ret_id)
{
    int err = check_clock(&clock);
    if (err)
        return err;
    err = timer_thread_start();
    struct posix_timer *timer = err ? NULL : kzalloc(sizeof(*timer));
    if (!timer)
        return -EAGAIN;
    timer->clock = clock;
    err = read_event(event, timer);
    int id = 0;
    if (!err) {
        mutex_lock(&process_lock);
        err = add(timer, !event);
        id = timer->id;
        mutex_unlock(&process_lock);
    }
    if (err) {
        kfree(timer);
        return err;
    }
    // From here on another thread may delete it.
    if (put_user(id, ret_id)) {
        (void)sys_timer_delete(id);
        return -EFAULT;
    }
    return 0;
}

static struct __kernel_timespec ns_timespec(s64 ns)
{
    return (struct __kernel_timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
}

static struct __kernel_itimerspec read_timer(const struct posix_timer *timer)
{
    s64 left = timer->deadline ? MAX(timer->deadline - clock_now(timer, time_monotonic_ns()), (s64)1) : 0;
    return (struct __kernel_itimerspec){ ns_timespec(timer->interval), ns_timespec(left) };
}

static s64 deadline_of(const struct posix_timer *timer, const struct __kernel_timespec *value, bool absolute)
{
    struct __kernel_timespec now;
    s64 ns = timespec_to_ns(value);

    if (!ns)
        return 0;
    if (timer->clock < 0)
        return absolute ? ns : clock_now(timer, 0) + MIN(ns, INT64_MAX / 2);
    if (absolute && time_get(timer->clock, &now) == 0)
        ns = MAX(ns - timespec_to_ns(&now), (s64)0); // what is past fires at once
    return time_deadline_ns(ns);
}

long sys_timer_settime(int id, int flags, const struct __kernel_itimerspec __user *new,
                       struct __kernel_itimerspec __user *old)
{
    struct __kernel_itimerspec value, previous = { 0 };

    if (!new || copy_from_user(&value, new, sizeof(value)))
        return new ? -EFAULT : -EINVAL;
    if (!timespec_valid(&value.it_value) || !timespec_valid(&value.it_interval))
        return -EINVAL;
    mutex_lock(&process_lock);
    struct posix_timer *timer = find(id);
    if (timer) {
        previous = read_timer(timer);
        timer->deadline = deadline_of(timer, &value.it_value, flags & TIMER_ABSTIME);
        timer->interval = timespec_to_ns(&value.it_interval);
        timer->overrun = timer->counting = 0;
    }
    mutex_unlock(&process_lock);
    timer_thread_wake();
    if (!timer)
        return -EINVAL;
    return old && copy_to_user(old, &previous, sizeof(previous)) ? -EFAULT : 0;
}

long sys_timer_gettime(int id, struct __kernel_itimerspec __user *value)
{
    struct __kernel_itimerspec now = { 0 };

    mutex_lock(&process_lock);
    struct posix_timer *timer = find(id);
    if (timer)
        now = read_timer(timer);
    mutex_unlock(&process_lock);
    if (!timer)
        return -EINVAL;
    return copy_to_user(value, &now, sizeof(now)) ? -EFAULT : 0;
}

long sys_timer_getoverrun(int id)
{
    mutex_lock(&process_lock);
    struct posix_timer *timer = find(id);
    if (timer)
        (void)signal_waits(current_process(), timer, 0);
    long overrun = timer ? timer->overrun : -EINVAL;
    mutex_unlock(&process_lock);
    return overrun;
}

long sys_timer_delete(int id)
{
    mutex_lock(&process_lock);
    struct posix_timer *timer = find(id);
    if (timer) {
        list_del(&timer->link);
        own()->timer_count--;
    }
    mutex_unlock(&process_lock);
    kfree(timer);
    return timer ? 0 : -EINVAL;
}
