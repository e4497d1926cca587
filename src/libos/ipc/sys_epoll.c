// SPDX-License-Identifier: BSD-3-Clause
// epoll_create, epoll_ctl, epoll_wait and their kin.
#include "libos/fs/hostpoll.h"
#include "libos/fs/signal_mask.h"
#include "libos/ipc/epoll_instance.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

enum { BATCH = 64, LARGE_BATCH = 65536 }; // events taken at once

long sys_epoll_create1(int flags)
{
    struct file *file;
    if (flags & ~EPOLL_CLOEXEC)
        return -EINVAL;
    int err = epoll_create_file(&file);
    if (err)
        return err;
    return files_give(file, 0, flags & EPOLL_CLOEXEC);
}

long sys_epoll_create(int size) { return size <= 0 ? -EINVAL : sys_epoll_create1(0); }

// What may come with EPOLLEXCLUSIVE.
enum { WITH_EXCLUSIVE = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP };

static int check(struct file *epoll_file, struct file *file, int operation, struct epoll_event *event)
{
    if (!file->ops->poll)
        return -EPERM; // regular files and directories
    if (epoll_file == file || !epoll_of(epoll_file))
        return -EINVAL;
    if (operation == EPOLL_CTL_DEL || !(event->events & EPOLLEXCLUSIVE))
        return 0;
    u32 other = event->events & ~((u32)WITH_EXCLUSIVE | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE);
    return operation == EPOLL_CTL_MOD || other || epoll_of(file) ? -EINVAL : 0;
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

// Sleeps until something may be ready: 0, -EINTR, -ETIMEDOUT.
static int sleep_for_events(struct epoll *epoll, s64 deadline)
{
    struct waiter waiter;
    int err = 0;

    waiter_init(&waiter);
    wait_add(&epoll->waiters, &waiter);
    s64 until = epoll_refresh(epoll);
    if (!epoll_ready(epoll)) {
        if (thread_interrupted(current))
            err = -EINTR;
        else if (deadline != WAIT_FOREVER && time_monotonic_ns() >= deadline)
            err = -ETIMEDOUT;
        else if (!__atomic_load_n(&waiter.woken, __ATOMIC_ACQUIRE))
            hostpoll_sleep(MIN(deadline, until));
    }
    wait_remove(&epoll->waiters, &waiter);
    return err;
}

// Where events are gathered: on the stack, unless more are ready than fit there.
struct batch {
    struct epoll_event small[BATCH];
    struct epoll_event *events;
    int room;
};

static int collect(struct epoll *epoll, struct batch *batch, int max)
{
    if (max > BATCH && batch->events == batch->small) {
        int ready = epoll_ready_count(epoll, MIN(max, (int)LARGE_BATCH));
        struct epoll_event *large = ready > BATCH ? kmalloc((size_t)ready * sizeof(*large)) : NULL;
        if (large) {
            batch->events = large;
            batch->room = ready;
        }
    }
    return epoll_collect(epoll, batch->events, MIN(max, batch->room));
}

static int collect_or_sleep(struct epoll *epoll, struct batch *batch, int max, s64 deadline)
{
    int count, err = 0;

    while (!(count = collect(epoll, batch, max)) && !err)
        err = sleep_for_events(epoll, deadline);
    return count ? count : err;
}

static int collect_now(struct epoll *epoll, struct batch *batch, int max)
{
    epoll_refresh(epoll);
    int count = collect(epoll, batch, max);
    if (count)
        return count;
    hostpoll_refresh();
    return collect(epoll, batch, max);
}

static long wait_for_events(struct epoll *epoll, struct epoll_event __user *user, int max, s64 deadline)
{
    struct batch batch;
    int count;

    batch.events = batch.small; // which is not cleared: it is large
    batch.room = BATCH;
    if (deadline == 0) {
        count = collect_now(epoll, &batch, max);
    } else {
        count = collect_or_sleep(epoll, &batch, max, deadline);
        hostpoll_leave();
    }
    epoll_pass_on(epoll);
    if (count > 0 && copy_to_user(user, batch.events, (size_t)count * sizeof(batch.small[0])))
        count = -EFAULT;
    if (batch.events != batch.small)
        kfree(batch.events);
    if (count == -EINTR)
        return -ERESTARTNOHAND;
    return count == -ETIMEDOUT ? 0 : count;
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
        result = signal_mask_done(wait_for_events(epoll_of(file), user, max, deadline));
    file_unref(file);
    return result;
}

// 0: only look.
static s64 deadline_of_ns(s64 timeout) { return timeout ? time_deadline_ns(timeout) : 0; }

static s64 deadline_of_ms(int timeout) { return timeout < 0 ? WAIT_FOREVER : deadline_of_ns((s64)timeout * 1000000); }

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
    s64 ns, deadline = WAIT_FOREVER;

    if (timeout) {
        int err = timespec_from_user(timeout, &ns);
        if (err)
            return err;
        deadline = deadline_of_ns(ns);
    }
    return do_wait(epfd, events, max, deadline, mask, size);
}
