// SPDX-License-Identifier: BSD-3-Clause
// host_events level|edge|poll|thread: waits for standard input, says how much came. thread: another thread sleeps in an
// epoll of its own meanwhile, and each input is passed on to it.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

static int passed, taken;

static void *helper(void *unused)
{
    int epoll = epoll_create1(0);
    struct epoll_event event = { EPOLLIN }, got;
    epoll_ctl(epoll, EPOLL_CTL_ADD, passed, &event);
    for (;;) {
        uint64_t value;
        if (epoll_wait(epoll, &got, 1, -1) != 1 || read(passed, &value, 8) != 8)
            _exit(3);
        eventfd_write(taken, 1);
    }
    return NULL;
}

static int wait_epoll(int epoll)
{
    struct epoll_event got;
    int n;
    do
        n = epoll_wait(epoll, &got, 1, -1);
    while (n == 1 && got.data.fd != 0);
    return n == 1;
}

static int wait_poll(int unused)
{
    struct pollfd fd = { 0, POLLIN };
    return poll(&fd, 1, -1) == 1;
}

int main(int argc, char **argv)
{
    int use_poll = !strcmp(argv[1], "poll"), epoll = epoll_create1(0), timer = timerfd_create(CLOCK_MONOTONIC, 0);
    struct epoll_event event = { strcmp(argv[1], "edge") ? EPOLLIN : EPOLLIN | EPOLLET, { .fd = 0 } };
    struct epoll_event timer_event = { EPOLLIN, { .fd = timer } };
    struct itimerspec far = { .it_value = { 3600, 0 } };
    char data[64];
    pthread_t thread;

    timerfd_settime(timer, 0, &far, NULL);
    passed = eventfd(0, 0), taken = eventfd(0, 0);
    if (!strcmp(argv[1], "thread"))
        pthread_create(&thread, NULL, helper, NULL);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, 0, &event) || epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &timer_event))
        return 1;
    puts("ready");
    fflush(stdout);
    while ((use_poll ? wait_poll : wait_epoll)(epoll)) {
        int n = (int)read(0, data, sizeof(data));
        if (!strcmp(argv[1], "thread")) {
            uint64_t value;
            eventfd_write(passed, 1);
            if (read(taken, &value, 8) != 8)
                return 2;
        }
        printf("%d %s\n", n, n ? "in" : "end");
        fflush(stdout);
        if (n <= 0)
            return 0;
    }
    return 4;
}
