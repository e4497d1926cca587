// SPDX-License-Identifier: BSD-3-Clause
// Readiness of host descriptors. Runs with the program's %fs: see threads.h.
#include "loader/host_poll.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include "loader/host_ahead.h"
#include "loader/ocall_handlers.h"
#include "loader/threads.h"
#include "platform/raw.h"

enum { EPOLL_PWAIT2 = 441, AHEAD_LEAST = 512, AHEAD_MOST = 16 << 10 };
// epoll.data of the event descriptor that ends a wait: no cookie of the enclave looks so.
#define WAKE_COOKIE UINT64_MAX

static int epoll = -1, wake = -1;

int host_poll_init(void)
{
    struct epoll_event event = { .events = EPOLLIN, .data.u64 = WAKE_COOKIE };
    int err = host_ahead_init();
    if (err)
        return err;
    epoll = (int)RAW(SYS_epoll_create1, EPOLL_CLOEXEC);
    wake = (int)RAW(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (epoll < 0 || wake < 0)
        return epoll < 0 ? epoll : wake;
    return (int)RAW(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, wake, &event);
}

void host_poll_wake(void)
{
    const u64 one = 1;
    RAW(SYS_write, wake, &one, sizeof(one)); // fails at the counter's maximum: it is readable anyway
}

s64 host_poll_arm(int fd, u64 cookie)
{
    struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET, .data.u64 = cookie };
    s64 err = RAW(SYS_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event);
    return err == -EEXIST ? RAW(SYS_epoll_ctl, epoll, EPOLL_CTL_MOD, fd, &event) : err;
}

s64 host_poll_register(struct host_thread *self, int fd, u64 cookie)
{
    struct pollfd now = { .fd = fd, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };
    s64 err = host_poll_arm(fd, cookie);
    if (err)
        return err;
    err = RAW(SYS_poll, &now, 1, 0);
    return err < 0 ? err : now.revents;
}

static s64 wait_ns(struct epoll_event *events, int n, s64 timeout_ns)
{
    struct timespec timeout = { timeout_ns / 1000000000, timeout_ns % 1000000000 };
    // epoll_pwait2 is of Linux 5.11. Before, a wait ends at the next millisecond after the time.
    s64 got = RAW(EPOLL_PWAIT2, epoll, events, n, timeout_ns < 0 ? NULL : &timeout, NULL, 0);
    if (got != -ENOSYS)
        return got;
    s64 ms = timeout_ns < 0 ? -1 : (timeout_ns + 999999) / 1000000;
    return RAW(SYS_epoll_pwait, epoll, events, n, ms < INT32_MAX ? (int)ms : INT32_MAX, NULL, 0);
}

// A batch that is being written.
struct batch {
    u8 *at, *end;
    s64 left; // events that are to come, which need their room
};

// Room for data of the next event, in whole words; 0: too little.
static size_t room_for_data(const struct batch *batch)
{
    size_t needed = (size_t)batch->left * sizeof(struct host_event), room = (size_t)(batch->end - batch->at);
    room = room > needed ? (room - needed) & ~(size_t)7 : 0;
    if (room < AHEAD_LEAST)
        return 0;
    return room < AHEAD_MOST ? room : AHEAD_MOST;
}

static void put_event(struct batch *batch, const struct epoll_event *from)
{
    struct host_event *event = (struct host_event *)batch->at;

    *event = (struct host_event){ .cookie = from->data.u64, .events = from->events };
    batch->at += sizeof(*event);
    host_ahead_read(event, batch->at, room_for_data(batch));
    if (event->got > 0)
        batch->at += ((size_t)event->got + 7) & ~(size_t)7;
}

// The events without the wake-up, which is the sleeper's to take. Returns the size of the batch.
static s64 take_events(const struct epoll_event *from, s64 n, void *to, size_t len, bool sleeper)
{
    struct batch batch = { to, (u8 *)to + len, n };

    if (n < 0)
        return n;
    for (s64 i = 0; i < n; i++) {
        u64 ignored;
        batch.left--;
        if (from[i].data.u64 != WAKE_COOKIE)
            put_event(&batch, &from[i]);
        else if (sleeper)
            RAW(SYS_read, wake, &ignored, sizeof(ignored));
    }
    return batch.at - (u8 *)to;
}

s64 host_poll_wait(struct host_thread *self, void *batch, size_t len, s64 timeout_ns)
{
    struct epoll_event got[HOST_EVENTS_MAX];
    size_t most = len / sizeof(struct host_event);
    int room = most < HOST_EVENTS_MAX ? (int)most : HOST_EVENTS_MAX;

    // A look without waiting is nobody's sleep: a token stays for the sleep it is meant for.
    if (timeout_ns == 0)
        return take_events(got, wait_ns(got, room, 0), batch, len, false);
    bool sleep = threads_poll_begin(self);
    s64 count = wait_ns(got, room, sleep ? timeout_ns : 0);
    threads_poll_end(self);
    return take_events(got, count, batch, len, true);
}
