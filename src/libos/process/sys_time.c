// SPDX-License-Identifier: BSD-3-Clause
// Clocks and sleeping.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

static int cpu_clock(int id, s64 *ret_ns)
{
    int clock = cpu_clock_own(id);

    mutex_lock(&process_lock);
    // Threads are counted for their own process only.
    struct thread *thread = clock & CPUCLOCK_THREAD ? process_find_thread(~(u32)(clock >> CPUCLOCK_SHIFT)) : NULL;
    int err = thread && thread->process != current_process() ? -EINVAL : cpu_clock_ns(clock, ret_ns);
    mutex_unlock(&process_lock);
    return err;
}

static int read_clock(int id, struct __kernel_timespec *ret_ts)
{
    s64 ns;

    if (id >= 0 && id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID)
        return time_get(id, ret_ts);
    int err = cpu_clock(id, &ns);
    if (!err)
        *ret_ts = (struct __kernel_timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
    return err;
}

long sys_clock_gettime(int id, struct __kernel_timespec __user *user)
{
    struct __kernel_timespec ts;
    int err = read_clock(id, &ts);
    return err ? err : copy_to_user(user, &ts, sizeof(ts)) ? -EFAULT : 0;
}

long sys_clock_getres(int id, struct __kernel_timespec __user *user)
{
    struct __kernel_timespec ts, resolution = { 0, 1 };
    int err = read_clock(id, &ts);
    return err ? err : user && copy_to_user(user, &resolution, sizeof(resolution)) ? -EFAULT : 0;
}

long sys_gettimeofday(struct __kernel_old_timeval __user *tv, struct timezone __user *tz)
{
    s64 now = time_realtime_ns();
    struct __kernel_old_timeval value = { now / NSEC_PER_SEC, now % NSEC_PER_SEC / 1000 };
    struct timezone zone = { 0, 0 };
    if (tv && copy_to_user(tv, &value, sizeof(value)))
        return -EFAULT;
    return tz && copy_to_user(tz, &zone, sizeof(zone)) ? -EFAULT : 0;
}

long sys_time(s64 __user *user)
{
    s64 now = time_realtime_ns() / NSEC_PER_SEC;
    return user && put_user(now, user) ? -EFAULT : now;
}

// A sleep that a signal without a handler interrupted (a stop, say) goes on to its first deadline.
static long sleep_for(s64 duration, struct __kernel_timespec __user *remain)
{
    struct waiter waiter;
    s64 deadline = thread_restarted_deadline(time_deadline_ns(duration));
    int err;

    waiter_init(&waiter);
    do {
        err = waiter_sleep(&waiter, deadline);
    } while (!err);
    if (err == -ETIMEDOUT)
        return 0;
    s64 left = MAX(deadline - time_monotonic_ns(), (s64)0);
    struct __kernel_timespec ts = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };
    if (remain && copy_to_user(remain, &ts, sizeof(ts)))
        return -EFAULT;
    current->restart_deadline = deadline;
    return -ERESTART_RESTARTBLOCK;
}

long sys_nanosleep(const struct __kernel_timespec __user *request, struct __kernel_timespec __user *remain)
{
    s64 ns;
    int err = timespec_from_user(request, &ns);

    return err ? err : sleep_for(ns, remain);
}

long sys_clock_nanosleep(int id, int flags, const struct __kernel_timespec __user *request,
                         struct __kernel_timespec __user *remain)
{
    struct __kernel_timespec ts, now;

    if (copy_from_user(&ts, request, sizeof(ts)))
        return -EFAULT;
    if (read_clock(id, &now))
        return -EINVAL;
    if (id == CLOCK_THREAD_CPUTIME_ID || time_only_read(id))
        return -EOPNOTSUPP;
    if (!timespec_valid(&ts))
        return -EINVAL;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(timespec_to_ns(&ts), remain);
    s64 left = timespec_to_ns(&ts) - timespec_to_ns(&now);
    return left <= 0 ? 0 : sleep_for(left, NULL);
}

static s64 ticks(s64 ns) { return ns / (NSEC_PER_SEC / 100); }

long sys_times(struct tms __user *user)
{
    struct process *self = current_process();

    mutex_lock(&process_lock);
    struct cpu_usage own = process_usage(self), children = self->ended_children;
    mutex_unlock(&process_lock);
    struct tms times = { .tms_utime = ticks(own.user_ns),
                         .tms_stime = ticks(own.system_ns),
                         .tms_cutime = ticks(children.user_ns),
                         .tms_cstime = ticks(children.system_ns) };
    if (user && copy_to_user(user, &times, sizeof(times)))
        return -EFAULT;
    return ticks(time_monotonic_ns());
}

long sys_getrusage(int who, struct rusage __user *user)
{
    struct process *self = current_process();
    struct cpu_usage used;
    struct vm_rss rss;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    mm_get_rss(current->mm, &rss);
    mutex_lock(&process_lock);
    self->peak = MAX(self->peak, rss.peak);
    used = who == RUSAGE_CHILDREN ? self->ended_children : process_usage(self);
    if (who == RUSAGE_THREAD)
        used = thread_usage(current);
    struct rusage usage = usage_rusage(&used, who == RUSAGE_CHILDREN ? self->children_peak : self->peak);
    mutex_unlock(&process_lock);
    return copy_to_user(user, &usage, sizeof(usage)) ? -EFAULT : 0;
}
