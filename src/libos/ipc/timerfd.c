// SPDX-License-Identifier: BSD-3-Clause
// timerfd_create(2). No thread keeps time: whoever waits on a timer sleeps no longer than until it expires.
#include <linux/timerfd.h>

#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

struct timerfd {
    struct spinlock lock;
    s64 expires, interval; // CLOCK_MONOTONIC ns, guarded by lock; expires 0: disarmed, interval 0: once
    bool fired;            // it was noticed that `expires` has passed, and told; guarded by lock
    bool realtime;         // CLOCK_REALTIME: absolute times are converted when they are set
    struct wait_queue changed;
};

// Expirations up to now that nobody has read. The first look after it expired wakes all others: that is the edge, of
// which there is one until somebody reads or sets the timer.
static u64 expirations(struct timerfd *timer, bool take)
{
    s64 now = time_monotonic_ns(); // may ask the host: not under the lock
    u64 count = 0;
    bool edge = false;

    spin_lock(&timer->lock);
    if (timer->expires && now >= timer->expires) {
        count = timer->interval ? 1 + (u64)((now - timer->expires) / timer->interval) : 1;
        edge = !timer->fired;
        timer->fired = !take;
        if (take)
            timer->expires = timer->interval ? timer->expires + (s64)count * timer->interval : 0;
    }
    spin_unlock(&timer->lock);
    if (edge && !take)
        wake_up_all(&timer->changed);
    return count;
}

// WAIT_FOREVER: not by the time alone, because it is disarmed or has expired already.
static s64 next_expiry(struct timerfd *timer)
{
    spin_lock(&timer->lock);
    s64 expires = timer->expires && !timer->fired ? timer->expires : WAIT_FOREVER;
    spin_unlock(&timer->lock);
    return expires;
}

static long timer_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct timerfd *timer = file->private;
    struct waiter waiter;
    u64 count;
    int err = 0;

    if (uio->left < sizeof(count))
        return -EINVAL;
    waiter_init(&waiter);
    wait_add(&timer->changed, &waiter);
    while (!(count = expirations(timer, true)) && !err) {
        err = file->flags & O_NONBLOCK ? -EAGAIN : waiter_sleep(&waiter, next_expiry(timer));
        if (err == -ETIMEDOUT)
            err = 0;
    }
    wait_remove(&timer->changed, &waiter);
    if (!count)
        return err == -EINTR ? -ERESTARTSYS : err;
    return uio_put(uio, &count, sizeof(count)) ? -EFAULT : (long)sizeof(count);
}

static u32 timer_poll(struct file *file, struct poll_table *table)
{
    struct timerfd *timer = file->private;
    poll_wait(table, &timer->changed);
    bool expired = expirations(timer, false);
    poll_wait_until(table, next_expiry(timer));
    return expired ? POLLIN | POLLRDNORM : 0;
}

static void release(struct file *file) { kfree(file->private); }

static const struct file_ops timer_ops = {
    .read = timer_read, .poll = timer_poll, .release = release, .timed = true, .stream = true, .unmoved = true
};

long sys_timerfd_create(int clock, int flags)
{
    struct file *file;

    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK))
        return -EINVAL;
    if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME)
        return -EINVAL;
    struct timerfd *timer = kzalloc(sizeof(*timer));
    int err = timer ? file_alloc(NULL, O_RDWR | ((u32)flags & O_NONBLOCK), &file) : -ENOMEM;
    if (err) {
        kfree(timer);
        return err;
    }
    timer->realtime = clock == CLOCK_REALTIME;
    spin_init(&timer->lock, LOCK_EVENT);
    wait_queue_init(&timer->changed);
    file->private = timer;
    file->ops = &timer_ops;
    file->path = kstrdup("anon_inode:[timerfd]");
    return files_give(file, 0, flags & TFD_CLOEXEC);
}

static struct file *timer_get(int fd, long *ret_err)
{
    struct file *file = files_get(fd);
    *ret_err = !file ? -EBADF : file->ops != &timer_ops ? -EINVAL : 0;
    if (file && *ret_err)
        file_unref(file);
    return *ret_err ? NULL : file;
}

static struct __kernel_timespec to_timespec(s64 ns)
{
    return (struct __kernel_timespec){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC };
}

// The setting as timerfd_gettime shows it: time left, and interval. Lock held.
static struct __kernel_itimerspec describe(const struct timerfd *timer, s64 now)
{
    s64 left = 0;
    if (timer->expires > now)
        left = timer->expires - now;
    else if (timer->expires && timer->interval)
        left = timer->interval - (now - timer->expires) % timer->interval;
    return (struct __kernel_itimerspec){ .it_interval = to_timespec(timer->interval), .it_value = to_timespec(left) };
}

// When the timer is to expire first, CLOCK_MONOTONIC; 0: never.
static s64 first_expiry(const struct timerfd *timer, const struct __kernel_timespec *value, bool absolute)
{
    s64 ns = timespec_to_ns(value);
    if (!ns)
        return 0;
    if (!absolute)
        return time_deadline_ns(ns);
    if (timer->realtime && ns != INT64_MAX)
        ns -= time_realtime_ns() - time_monotonic_ns();
    return MAX(ns, (s64)1);
}

long sys_timerfd_settime(int fd, int flags, const struct __kernel_itimerspec __user *user,
                         struct __kernel_itimerspec __user *old)
{
    struct __kernel_itimerspec new, before;
    long err;

    if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
        return -EINVAL;
    if (copy_from_user(&new, user, sizeof(new)))
        return -EFAULT;
    if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
        return -EINVAL;
    struct file *file = timer_get(fd, &err);
    if (!file)
        return err;
    struct timerfd *timer = file->private;
    s64 expires = first_expiry(timer, &new.it_value, flags & TFD_TIMER_ABSTIME), now = time_monotonic_ns();
    spin_lock(&timer->lock);
    before = describe(timer, now);
    timer->expires = expires;
    timer->interval = timespec_to_ns(&new.it_interval);
    timer->fired = false;
    spin_unlock(&timer->lock);
    wake_up_all(&timer->changed);
    file_unref(file);
    return old && copy_to_user(old, &before, sizeof(before)) ? -EFAULT : 0;
}

long sys_timerfd_gettime(int fd, struct __kernel_itimerspec __user *user)
{
    struct __kernel_itimerspec now;
    long err;
    struct file *file = timer_get(fd, &err);
    if (!file)
        return err;
    struct timerfd *timer = file->private;
    s64 time = time_monotonic_ns();
    spin_lock(&timer->lock);
    now = describe(timer, time);
    spin_unlock(&timer->lock);
    file_unref(file);
    return copy_to_user(user, &now, sizeof(now)) ? -EFAULT : 0;
}
