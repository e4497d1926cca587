// SPDX-License-Identifier: BSD-3-Clause
// Clocks and sleeping.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

// The CPU clocks are wall time since the start of the process or thread: the enclave cannot see when the host runs it.
static int read_clock(int id, struct __kernel_timespec *ret_ts)
{
    s64 ns;
    if (id != CLOCK_PROCESS_CPUTIME_ID && id != CLOCK_THREAD_CPUTIME_ID)
        return time_get(id, ret_ts);
    ns = time_monotonic_ns() - (id == CLOCK_THREAD_CPUTIME_ID ? (s64)current->start_ns : current_process()->start_ns);
    *ret_ts = (struct __kernel_timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
    return 0;
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

long sys_clock_settime(int id, const struct __kernel_timespec __user *user) { return -EPERM; }

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
    struct __kernel_timespec ts;
    if (copy_from_user(&ts, request, sizeof(ts)))
        return -EFAULT;
    return timespec_valid(&ts) ? sleep_for(timespec_to_ns(&ts), remain) : -EINVAL;
}

long sys_clock_nanosleep(int id, int flags, const struct __kernel_timespec __user *request,
                         struct __kernel_timespec __user *remain)
{
    struct __kernel_timespec ts, now;

    if (copy_from_user(&ts, request, sizeof(ts)))
        return -EFAULT;
    if (!timespec_valid(&ts) || id == CLOCK_THREAD_CPUTIME_ID || read_clock(id, &now))
        return -EINVAL;
    if (!(flags & TIMER_ABSTIME))
        return sleep_for(timespec_to_ns(&ts), remain);
    s64 left = timespec_to_ns(&ts) - timespec_to_ns(&now);
    return left <= 0 ? 0 : sleep_for(left, NULL);
}

long sys_times(struct tms __user *user)
{
    s64 ticks = (time_monotonic_ns() - current_process()->start_ns) / (NSEC_PER_SEC / 100);
    struct tms times = { .tms_utime = ticks };
    if (user && copy_to_user(user, &times, sizeof(times)))
        return -EFAULT;
    return time_monotonic_ns() / (NSEC_PER_SEC / 100);
}

long sys_getrusage(int who, struct rusage __user *user)
{
    struct rusage usage;
    s64 ns = time_monotonic_ns() - current_process()->start_ns;

    if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
        return -EINVAL;
    memset(&usage, 0, sizeof(usage));
    if (who != RUSAGE_CHILDREN) {
        u64 mapped, count;
        mm_get_usage(current->mm, &mapped, &count);
        usage.ru_utime.tv_sec = ns / NSEC_PER_SEC;
        usage.ru_utime.tv_usec = ns % NSEC_PER_SEC / 1000;
        usage.ru_maxrss = (long)(mapped / 1024);
    }
    return copy_to_user(user, &usage, sizeof(usage)) ? -EFAULT : 0;
}
