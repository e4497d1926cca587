// SPDX-License-Identifier: BSD-3-Clause
// epoll_create, epoll_ctl, epoll_wait and their kin.
#include "libos/fs/signal_mask.h"
#include "libos/ipc/epoll_instance.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum { BATCH = 64 }; // events taken at once

long sys_epoll_create1(int flags)
{
    struct file *file;
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    int err = epoll_create_file(&file);
    if (err)
        return err;
    int fd = files_install(file, 0, flags & EPOLL_CLOEXEC);
    if (fd < 0)
        file_unref(file);
    return fd;
}

long sys_epoll_create(int size) { return size <= 0 ? -EINVAL : sys_epoll_create1(0); }

static int check(struct file *epoll_file, struct file *file, int operation, struct epoll_event *event)
{
    if (!file->ops->poll)
        return -EPERM; // regular files and directories
    if (epoll_file == file || !epoll_of(epoll_file))
        return -EINVAL;
    if (operation == EPOLL_CTL_ADD && (event->events & EPOLLEXCLUSIVE) &&
        ((event->events & ~(u32)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE)) ||
         epoll_of(file)))
        return -EINVAL;
    return 0;
}

long sys_epoll_ctl(int epfd, int operation, int fd, struct epoll_event __user *user)
{
    struct epoll_event event = { 0 };

    if (operation != EPOLL_CTL_ADD && operation != EPOLL_CTL_MOD && operation != EPOLL_CTL_DEL)
        return -EINVAL;
    if (operation != EPOLL_CTL_DEL && copy_from_user(&event, user, sizeof(event)))
        return -EFAULT;
    struct file *epoll_file = files_get(epfd), *file = files_get(fd);
    int err = epoll_file && file ? check(epoll_file, file, operation, &event) : -EBADF;
    if (!err)
        err = epoll_control(epoll_of(epoll_file), operation, file, fd, &event);
    if (file)
        file_unref(file);
    if (epoll_file)
        file_unref(epoll_file);
    return err;
}

// Sleeps until something may be ready.
static int sleep_for_events(struct file *file, struct epoll *epoll, s64 deadline)
{
    struct poll_table table;
    int err = 0;

    poll_table_init(&table);
    table.wanted = POLLIN;
    if (!file_poll(file, &table))
        err = poll_sleep(&table, deadline);
    poll_table_done(&table);
    return err;
}

static long wait_for_events(struct file *file, struct epoll_event __user *user, int max, s64 deadline)
{
    struct epoll *epoll = epoll_of(file);
    struct epoll_event events[BATCH];
    int count, err = 0;

    while (!(count = epoll_collect(epoll, events, MIN(max, (int)BATCH))) && !err)
        err = sleep_for_events(file, epoll, deadline);
    if (count)
        return copy_to_user(user, events, (size_t)count * sizeof(events[0])) ? -EFAULT : count;
    return err == -ETIMEDOUT ? 0 : err == -EINTR ? -ERESTARTNOHAND : err;
}

static long do_wait(int epfd, struct epoll_event __user *user, int max, s64 deadline, const u64 __user *mask,
                    size_t size)
{
    if (max <= 0 || max > INT32_MAX / (int)sizeof(struct epoll_event))
        return -EINVAL;
    struct file *file = files_get(epfd);
    if (!file)
        return -EBADF;
    long result = epoll_of(file) ? signal_mask_swap(mask, size) : -EINVAL;
    if (!result)
        result = signal_mask_done(wait_for_events(file, user, max, deadline));
    file_unref(file);
    return result;
}

static s64 deadline_of_ms(int timeout) { return timeout < 0 ? WAIT_FOREVER : time_deadline_ns((s64)timeout * 1000000); }

long sys_epoll_wait(int epfd, struct epoll_event __user *events, int max, int timeout)
{
    return do_wait(epfd, events, max, deadline_of_ms(timeout), NULL, 0);
}

long sys_epoll_pwait(int epfd, struct epoll_event __user *events, int max, int timeout, const u64 __user *mask,
                     size_t size)
{
    return do_wait(epfd, events, max, deadline_of_ms(timeout), mask, size);
}

long sys_epoll_pwait2(int epfd, struct epoll_event __user *events, int max,
                      const struct __kernel_timespec __user *timeout, const u64 __user *mask, size_t size)
{
    struct __kernel_timespec ts;
    s64 deadline = WAIT_FOREVER;

    if (timeout) {
        if (copy_from_user(&ts, timeout, sizeof(ts)))
            return -EFAULT;
        if (!timespec_valid(&ts))
            return -EINVAL;
        deadline = time_deadline_ns(timespec_to_ns(&ts));
    }
    return do_wait(epfd, events, max, deadline, mask, size);
}
