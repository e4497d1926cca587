// SPDX-License-Identifier: BSD-3-Clause
#include "loader/host_poll.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "loader/ocall_handlers.h"
#include "loader/threads.h"

enum { BATCH_MAX = 64 };
// epoll.events of the event descriptor that ends a wait: no cookie of the enclave looks so.
#define WAKE_COOKIE UINT64_MAX

static int epoll = -1, wake = -1;

int host_poll_init(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_COOKIE };
    epoll = epoll_create1(EPOLL_CLOEXEC);
    wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return epoll < 0 || wake < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) != 0 ? -errno : 0;
}

void host_poll_wake(void)
{
    u64 one = 1;
    if (write(wake, &one, sizeof(one)) != sizeof(one))
        return; // the counter is at its maximum: it is readable anyway
}

s64 host_poll_register(int fd, u64 cookie)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET, .data.u64 = cookie };
    struct pollfd now = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
        if (errno != EEXIST)
            return -errno;
        if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0)
            return -errno;
    }
    return poll(&now, 1, 0) < 0 ? -errno : now.revents;
}

static int wait_ns(struct epoll_event *events, int n, s64 timeout_ns)
{
    struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    // SYS_epoll_pwait2 is of Linux 5.11. Before, a wait ends at the next millisecond after the time.
    int got = (int)syscall(SYS_epoll_pwait2, epoll, events, n, timeout_ns < 0 ? NULL : &timeout, NULL, 0);
    if (got >= 0 || errno != ENOSYS)
        return got;
    s64 ms = (timeout_ns + 999999) / 1000000;
    int limit = ms < INT32_MAX ? (int)ms : INT32_MAX;
    return epoll_wait(epoll, events, n, timeout_ns < 0 ? -1 : limit);
}

// The events without the wake-up, which is the sleeper's to take.
static s64 take_events(const struct epoll_event *from, int n, struct host_event *events, bool sleeper)
{
    s64 count = 0;
    for (int i = 0; i < n; i++) {
        u64 ignored;
        if (from[i].data.u64 != WAKE_COOKIE)
            events[count++] = (struct host_event){ .cookie = from[i].data.u64, .events = from[i].events };
        else if (sleeper && read(wake, &ignored, sizeof(ignored)) < 0)
            continue; // it was taken
    }
    return count;
}

s64 host_poll_wait(struct host_event *events, size_t n, s64 timeout_ns)
{
    struct epoll_event got[BATCH_MAX];
    int room = n < BATCH_MAX ? (int)n : BATCH_MAX;

    // A look without waiting is nobody's sleep: a token stays for the sleep it is meant for.
    if (timeout_ns == 0) {
        int count = wait_ns(got, room, 0);
        return count < 0 ? -errno : take_events(got, count, events, false);
    }
    bool sleep = threads_poll_begin();
    int count = wait_ns(got, room, sleep ? timeout_ns : 0), err = errno;
    threads_poll_end();
    return count < 0 ? -err : take_events(got, count, events, true);
}
