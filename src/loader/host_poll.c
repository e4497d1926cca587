// SPDX-License-Identifier: BSD-3-Clause
// Waiting for host descriptors. Runs with the program's %fs: see threads.h.
#include <errno.h>
#include <poll.h>
#include <time.h>

#include "loader/ocall_handlers.h"
#include "loader/threads.h"
#include "platform/raw.h"

s64 host_poll(struct host_thread *self, const struct host_pollfd *fds, s16 *revents, size_t n, s64 timeout_ns)
{
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };
    struct pollfd *set = self->poll_set;

    if (n > LOADER_POLL_MAX)
        return -EINVAL;
    for (size_t i = 0; i < n; i++)
        set[i] = (struct pollfd){ .fd = fds[i].fd, .events = fds[i].events };
    int wake = threads_poll_begin(self);
    if (wake < 0)
        return wake;
    set[n] = (struct pollfd){ .fd = wake, .events = POLLIN };
    s64 ready = RAW(SYS_ppoll, set, n + 1, timeout_ns < 0 ? NULL : &timeout, NULL, 0);
    s64 ret = ready < 0 ? ready : 0;
    for (size_t i = 0; i < n && ready >= 0; i++) {
        revents[i] = set[i].revents;
        ret += set[i].revents != 0;
    }
    threads_poll_end(self);
    return ret;
}
