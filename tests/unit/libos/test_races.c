// SPDX-License-Identifier: BSD-3-Clause
// Files that end while others wait for them, watch them or open them. Built twice: for AddressSanitizer, which sees
// what is used after it was freed, and for ThreadSanitizer, which sees what nothing orders.
#include "test.h"

#include <linux/eventpoll.h>

#include "fake_kernel.h"
#include "libos/ipc/epoll_instance.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"

enum { ROUNDS = 400, READER = 0, WRITER = 1 };

static void close_one(void *arg) { (void)!sys_close(*(int *)arg); }

TEST(pipe_both_ends_close_at_once)
{
    int fds[2];
    fake_boot(NULL, 0);
    s64 blocks = fake_blocks();
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(sys_pipe2(fds, 0), 0);
        struct fake_thread *other = fake_thread_start(close_one, &fds[READER]);
        sys_close(fds[WRITER]);
        fake_thread_join(other);
    }
    CHECK_EQ(fake_blocks(), blocks);
    fake_shutdown();
}

static void open_and_close(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        long fd = sys_open("/fifo", O_RDWR | O_NONBLOCK, 0);
        (void)!sys_write((int)fd, "x", 1);
        (void)!sys_close((int)fd);
    }
}

TEST(fifo_opens_while_it_is_closed)
{
    fake_boot(NULL, 0);
    CHECK_EQ(sys_mknod("/fifo", S_IFIFO | 0600, 0), 0);
    struct fake_thread *other = fake_thread_start(open_and_close, NULL);
    open_and_close(NULL);
    fake_thread_join(other);
    fake_shutdown();
}

static long add_watch(int epfd, int fd, u32 events)
{
    struct epoll_event event = { .events = events, .data = (u32)fd };
    return sys_epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

static long wait_once(int epfd, int ms)
{
    struct epoll_event events[8];
    return sys_epoll_wait(epfd, events, 8, ms);
}

struct epoll_race {
    int epfd, outer;
    bool stop;
};

static void wait_all_the_time(void *arg)
{
    struct epoll_race *race = arg;
    while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
        wait_once(race->epfd, 1);
        wait_once(race->outer, 0);
    }
}

// One watches, writes and closes; another waits. The end of a file takes its watch out whatever the other does.
TEST(epoll_watched_files_end_while_others_wait)
{
    struct epoll_race race = { .stop = false };
    int fds[2];
    fake_boot(NULL, 0);
    race.epfd = (int)sys_epoll_create1(0);
    race.outer = (int)sys_epoll_create1(0);
    CHECK_EQ(add_watch(race.outer, race.epfd, EPOLLIN), 0);
    struct fake_thread *other = fake_thread_start(wait_all_the_time, &race);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK_EQ(sys_pipe2(fds, O_NONBLOCK), 0);
        CHECK_EQ(add_watch(race.epfd, fds[READER], i % 2 ? EPOLLIN : EPOLLIN | EPOLLET), 0);
        CHECK_EQ(sys_write(fds[WRITER], "x", 1), 1);
        sys_close(fds[i % 2]);
        sys_close(fds[!(i % 2)]);
    }
    __atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
    fake_thread_join(other);
    fake_shutdown();
}

// The instance and the file it watches end at once: each removes the watch.
TEST(epoll_instance_ends_with_its_file)
{
    fake_boot(NULL, 0);
    s64 blocks = fake_blocks();
    for (int i = 0; i < ROUNDS; i++) {
        int epfd = (int)sys_epoll_create1(0), fd = (int)sys_eventfd2(0, 0);
        CHECK_EQ(add_watch(epfd, fd, EPOLLIN), 0);
        struct fake_thread *other = fake_thread_start(close_one, &fd);
        sys_close(epfd);
        fake_thread_join(other);
    }
    CHECK_EQ(fake_blocks(), blocks);
    fake_shutdown();
}

static void replace_all_the_time(void *arg)
{
    struct epoll_race *race = arg;
    while (!__atomic_load_n(&race->stop, __ATOMIC_ACQUIRE)) {
        int fds[2];
        CHECK_EQ(sys_pipe2(fds, 0), 0);
        sys_dup2(fds[READER], race->epfd);
        sys_close(fds[READER]);
        sys_close(fds[WRITER]);
    }
}

TEST(poll_of_a_descriptor_that_is_replaced)
{
    struct epoll_race race = { .stop = false };
    fake_boot(NULL, 0);
    race.epfd = (int)sys_eventfd2(0, 0);
    struct fake_thread *other = fake_thread_start(replace_all_the_time, &race);
    for (int i = 0; i < ROUNDS; i++) {
        struct pollfd fd = { .fd = race.epfd, .events = POLLIN };
        sys_poll(&fd, 1, 1);
    }
    __atomic_store_n(&race.stop, true, __ATOMIC_RELEASE);
    fake_thread_join(other);
    fake_shutdown();
}

// Poll of an instance sleeps for a timer it does not hold itself.
TEST(poll_of_an_epoll_whose_timer_is_closed)
{
    fake_boot(NULL, 0);
    for (int i = 0; i < 50; i++) {
        int epfd = (int)sys_epoll_create1(0), timer = (int)sys_timerfd_create(CLOCK_MONOTONIC, 0);
        struct __kernel_itimerspec soon = { .it_value = { 0, 2000000 } };
        CHECK_EQ(add_watch(epfd, timer, EPOLLIN), 0);
        CHECK_EQ(sys_timerfd_settime(timer, 0, &soon, NULL), 0);
        struct pollfd fd = { .fd = epfd, .events = POLLIN };
        struct fake_thread *other = fake_thread_start(close_one, &timer);
        sys_poll(&fd, 1, 3);
        fake_thread_join(other);
        sys_close(epfd);
    }
    fake_shutdown();
}

TEST(epoll_chains_have_a_limit_from_either_end)
{
    int fds[12];
    fake_boot(NULL, 0);
    for (int i = 0; i < 12; i++)
        fds[i] = (int)sys_epoll_create1(0);
    // From the top down: the last one that may be added is the fifth.
    for (int i = 0; i < EPOLL_NESTING_MAX; i++)
        CHECK_EQ(add_watch(fds[i], fds[i + 1], EPOLLIN), 0);
    CHECK_EQ(add_watch(fds[EPOLL_NESTING_MAX], fds[EPOLL_NESTING_MAX + 1], EPOLLIN), -ELOOP);
    CHECK_EQ(add_watch(fds[EPOLL_NESTING_MAX], fds[0], EPOLLIN), -ELOOP);
    // From the bottom up.
    for (int i = 7; i < 11; i++)
        CHECK_EQ(add_watch(fds[i + 1], fds[i], EPOLLIN), 0);
    CHECK_EQ(add_watch(fds[6], fds[11], EPOLLIN), -ELOOP);
    // An event at the bottom is seen at the top.
    int event = (int)sys_eventfd2(0, 0);
    u64 one = 1;
    CHECK_EQ(add_watch(fds[7], event, EPOLLIN), 0);
    CHECK_EQ(wait_once(fds[11], 0), 0);
    CHECK_EQ(sys_write(event, &one, 8), 8);
    CHECK_EQ(wait_once(fds[11], 0), 1);
    for (int i = 0; i < 12; i++)
        CHECK_EQ(sys_close(fds[i]), 0);
    fake_shutdown();
}

static void wait_for_one(void *arg)
{
    int *fds = arg; // the instance; how many were woken
    if (wait_once(fds[0], 300) == 1)
        __atomic_fetch_add(&fds[1], 1, __ATOMIC_SEQ_CST);
}

TEST(epoll_exclusive_wakes_one_instance)
{
    struct fake_thread *threads[3];
    int instances[3][2];
    u64 one = 1;
    fake_boot(NULL, 0);
    int event = (int)sys_eventfd2(0, 0);
    for (int i = 0; i < 3; i++) {
        instances[i][0] = (int)sys_epoll_create1(0);
        instances[i][1] = 0;
        CHECK_EQ(add_watch(instances[i][0], event, EPOLLIN | EPOLLET | EPOLLEXCLUSIVE), 0);
        threads[i] = fake_thread_start(wait_for_one, instances[i]);
    }
    fake_sleep_ms(100);
    CHECK_EQ(sys_write(event, &one, 8), 8);
    for (int i = 0; i < 3; i++)
        fake_thread_join(threads[i]);
    CHECK_EQ(instances[0][1] + instances[1][1] + instances[2][1], 1);
    fake_shutdown();
}
