// SPDX-License-Identifier: BSD-3-Clause
// pipe, eventfd, poll, select: readiness, time-outs, hang-up, non-blocking errors.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <unistd.h>

int main(void)
{
    int ends[2], events = eventfd(0, EFD_NONBLOCK);
    pipe2(ends, O_NONBLOCK);
    char c;
    printf("empty: %s\n", read(ends[0], &c, 1) < 0 && errno == EAGAIN ? "EAGAIN" : "?");
    struct pollfd set[2] = { { .fd = ends[0], .events = POLLIN }, { .fd = events, .events = POLLIN | POLLOUT } };
    printf("poll: %d %x %x\n", poll(set, 2, 50), set[0].revents, set[1].revents);
    uint64_t value = 5;
    write(events, &value, 8);
    write(ends[1], "z", 1);
    printf("poll: %d %x %x\n", poll(set, 2, 50), set[0].revents, set[1].revents);
    value = 0;
    read(events, &value, 8);
    printf("eventfd: %d\n", (int)value);
    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(ends[0], &reading);
    struct timeval wait = { 0, 50000 };
    printf("select: %d\n", select(ends[0] + 1, &reading, NULL, NULL, &wait));
    read(ends[0], &c, 1);
    close(ends[1]);
    set[0].revents = 0;
    printf("hang up: %d %x\n", poll(set, 1, 50), set[0].revents);
    printf("end: %d\n", (int)read(ends[0], &c, 1));
    return 0;
}
