// SPDX-License-Identifier: BSD-3-Clause
// Pipes, eventfd, epoll, poll and locks, with threads that really wait.
#include "test.h"

#include "base/string.h"
#include "fake_kernel.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"

enum { READER, WRITER };

static bool pipe_new(int fds[2], int flags) { return sys_pipe2(fds, flags) == 0; }

TEST(pipe_keeps_order_and_ends)
{
    int fds[2];
    char buf[16];
    fake_boot(NULL, 0);
    CHECK(pipe_new(fds, O_NONBLOCK));
    CHECK_EQ(sys_read(fds[READER], buf, 4), -EAGAIN);
    CHECK_EQ(sys_write(fds[WRITER], "abcdef", 6), 6);
    CHECK_EQ(sys_read(fds[READER], buf, 4), 4);
    CHECK_EQ(memcmp(buf, "abcd", 4), 0);
    CHECK_EQ(sys_close(fds[WRITER]), 0);
    CHECK_EQ(sys_read(fds[READER], buf, 16), 2);
    CHECK_EQ(sys_read(fds[READER], buf, 16), 0);
    CHECK_EQ(sys_close(fds[READER]), 0);
    fake_shutdown();
}

TEST(pipe_without_reader_raises_sigpipe)
{
    int fds[2];
    fake_boot(NULL, 0);
    CHECK(pipe_new(fds, 0));
    sys_close(fds[READER]);
    fake_last_signal = 0;
    CHECK_EQ(sys_write(fds[WRITER], "x", 1), -EPIPE);
    CHECK_EQ(fake_last_signal, SIGPIPE);
    CHECK_EQ(sys_lseek(fds[WRITER], 0, SEEK_CUR), -ESPIPE);
    fake_shutdown();
}

TEST(pipe_writes_of_pipe_buf_are_whole)
{
    static u8 block[4096];
    int fds[2];
    fake_boot(NULL, 0);
    CHECK(pipe_new(fds, O_NONBLOCK));
    for (int i = 0; i < 16; i++)
        CHECK_EQ(sys_write(fds[WRITER], block, 4096), 4096);
    CHECK_EQ(sys_write(fds[WRITER], block, 1), -EAGAIN);
    CHECK_EQ(sys_read(fds[READER], block, 1000), 1000);
    CHECK_EQ(sys_write(fds[WRITER], block, 1001), -EAGAIN);
    CHECK_EQ(sys_write(fds[WRITER], block, 1000), 1000);
    fake_shutdown();
}

enum { STREAM = 1 << 20 };
static void write_stream(void *arg)
{
    static u8 block[5000];
    int fd = *(int *)arg;
    for (size_t done = 0; done < STREAM;) {
        size_t n = MIN(sizeof(block), STREAM - done);
        for (size_t i = 0; i < n; i++)
            block[i] = (u8)((done + i) * 7);
        if (sys_write(fd, block, n) != (long)n)
            return;
        done += n;
    }
    sys_close(fd);
}

TEST(pipe_carries_a_megabyte_between_threads)
{
    static u8 block[3000];
    int fds[2];
    size_t done = 0;
    long n;
    fake_boot(NULL, 0);
    CHECK(pipe_new(fds, 0));
    struct fake_thread *thread = fake_thread_start(write_stream, &fds[WRITER]);
    while ((n = sys_read(fds[READER], block, sizeof(block))) > 0)
        for (long i = 0; i < n; i++, done++)
            CHECK_EQ(block[i], (u8)(done * 7));
    CHECK_EQ(done, STREAM);
    fake_thread_join(thread);
    fake_shutdown();
}

static long fifo_fd;
static void open_fifo(void *arg) { fifo_fd = sys_open("/fifo", O_WRONLY, 0); }

TEST(fifo_open_waits_for_partner)
{
    char byte;
    fake_boot(NULL, 0);
    CHECK_EQ(sys_mknod("/fifo", S_IFIFO | 0600, 0), 0);
    CHECK_EQ(sys_open("/fifo", O_WRONLY | O_NONBLOCK, 0), -ENXIO);
    fifo_fd = -1;
    struct fake_thread *thread = fake_thread_start(open_fifo, NULL);
    long fd = sys_open("/fifo", O_RDONLY, 0);
    fake_thread_join(thread);
    CHECK(fd >= 0 && fifo_fd >= 0);
    CHECK_EQ(sys_write((int)fifo_fd, "x", 1), 1);
    CHECK_EQ(sys_read((int)fd, &byte, 1), 1);
    fake_shutdown();
}

TEST(eventfd_counts)
{
    u64 value = 3;
    fake_boot(NULL, 0);
    int fd = (int)sys_eventfd2(2, O_NONBLOCK);
    CHECK_EQ(sys_write(fd, &value, 8), 8);
    CHECK_EQ(sys_read(fd, &value, 4), -EINVAL);
    CHECK_EQ(sys_read(fd, &value, 8), 8);
    CHECK_EQ(value, 5);
    CHECK_EQ(sys_read(fd, &value, 8), -EAGAIN);
    value = UINT64_MAX;
    CHECK_EQ(sys_write(fd, &value, 8), -EINVAL);
    value = UINT64_MAX - 1;
    CHECK_EQ(sys_write(fd, &value, 8), 8);
    value = 1;
    CHECK_EQ(sys_write(fd, &value, 8), -EAGAIN);
    CHECK_EQ(sys_eventfd2(0, 2), -EINVAL);
    int semaphore = (int)sys_eventfd2(2, 1 | O_NONBLOCK);
    CHECK_EQ(sys_read(semaphore, &value, 8), 8);
    CHECK_EQ(value, 1);
    CHECK_EQ(sys_read(semaphore, &value, 8), 8);
    CHECK_EQ(sys_read(semaphore, &value, 8), -EAGAIN);
    fake_shutdown();
}

static void write_one_later(void *arg)
{
    u64 one = 1;
    fake_sleep_ms(30);
    sys_write(*(int *)arg, &one, 8);
}

TEST(poll_wakes_and_times_out)
{
    fake_boot(NULL, 0);
    int fd = (int)sys_eventfd2(0, 0);
    struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = 99, .events = POLLIN } };
    CHECK_EQ(sys_poll(fds, 1, 10), 0);
    CHECK_EQ(sys_poll(fds, 2, -1), 1);
    CHECK_EQ(fds[1].revents, POLLNVAL);
    struct fake_thread *thread = fake_thread_start(write_one_later, &fd);
    CHECK_EQ(sys_poll(fds, 1, 5000), 1);
    CHECK_EQ(fds[0].revents, POLLIN);
    fake_thread_join(thread);
    fake_shutdown();
}

static int watch(int epoll, int operation, int fd, u32 events)
{
    struct epoll_event event = { .events = events, .data = (u32)fd };
    return (int)sys_epoll_ctl(epoll, operation, fd, &event);
}

TEST(epoll_rules_of_control)
{
    int fds[2];
    fake_boot(NULL, 0);
    int epoll = (int)sys_epoll_create1(EPOLL_CLOEXEC), inner = (int)sys_epoll_create1(0);
    CHECK_EQ(sys_epoll_create1(1), -EINVAL);
    CHECK_EQ(sys_epoll_create(0), -EINVAL);
    CHECK(pipe_new(fds, 0));
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fds[READER], EPOLLIN), 0);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fds[READER], EPOLLIN), -EEXIST);
    CHECK_EQ(watch(epoll, EPOLL_CTL_MOD, fds[WRITER], EPOLLIN), -ENOENT);
    CHECK_EQ(watch(epoll, EPOLL_CTL_DEL, fds[WRITER], 0), -ENOENT);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, epoll, EPOLLIN), -EINVAL);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, 99, EPOLLIN), -EBADF);
    CHECK_EQ(watch(fds[READER], EPOLL_CTL_ADD, fds[WRITER], EPOLLIN), -EINVAL);
    int plain = (int)sys_open("/plain", O_RDWR | O_CREAT, 0600);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, plain, EPOLLIN), -EPERM);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, inner, EPOLLIN), 0);
    CHECK_EQ(watch(inner, EPOLL_CTL_ADD, epoll, EPOLLIN), -ELOOP);
    fake_shutdown();
}

TEST(epoll_level_edge_and_oneshot)
{
    struct epoll_event events[4];
    int fds[2];
    char byte;
    fake_boot(NULL, 0);
    int epoll = (int)sys_epoll_create1(0);
    CHECK(pipe_new(fds, 0));
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fds[READER], EPOLLIN), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 0);
    sys_write(fds[WRITER], "ab", 2);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    CHECK_EQ(events[0].events, EPOLLIN);
    CHECK_EQ(events[0].data, (u64)fds[READER]);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1); // still there
    CHECK_EQ(watch(epoll, EPOLL_CTL_MOD, fds[READER], EPOLLIN | EPOLLET), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 0); // nothing new
    sys_write(fds[WRITER], "c", 1);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    CHECK_EQ(watch(epoll, EPOLL_CTL_MOD, fds[READER], EPOLLIN | EPOLLONESHOT), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    sys_write(fds[WRITER], "d", 1);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 0);
    CHECK_EQ(watch(epoll, EPOLL_CTL_MOD, fds[READER], EPOLLIN), 0);
    for (int i = 0; i < 4; i++)
        sys_read(fds[READER], &byte, 1);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 0); // read empty: no longer ready
    sys_close(fds[WRITER]);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    CHECK_EQ(events[0].events, EPOLLHUP);
    fake_shutdown();
}

TEST(epoll_lets_closed_files_go)
{
    struct epoll_event events[4];
    int fds[2];
    char byte;
    s64 before = fake_blocks();
    fake_boot(NULL, 0);
    int epoll = (int)sys_epoll_create1(0);
    CHECK(pipe_new(fds, 0));
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fds[WRITER], EPOLLOUT), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 1);
    CHECK_EQ(sys_close(fds[WRITER]), 0); // the watch is no reference: the reader sees the end
    CHECK_EQ(sys_read(fds[READER], &byte, 1), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 4, 0), 0);
    fake_shutdown();
    CHECK_EQ(fake_blocks(), before + 1); // the file system's own block
}

TEST(epoll_wakes_nested_and_times_out)
{
    struct epoll_event events[4];
    fake_boot(NULL, 0);
    int outer = (int)sys_epoll_create1(0), inner = (int)sys_epoll_create1(0), event = (int)sys_eventfd2(0, 0);
    CHECK_EQ(watch(outer, EPOLL_CTL_ADD, inner, EPOLLIN), 0);
    CHECK_EQ(watch(inner, EPOLL_CTL_ADD, event, EPOLLIN), 0);
    s64 start = time_monotonic_ns();
    CHECK_EQ(sys_epoll_wait(outer, events, 4, 20), 0);
    CHECK(time_monotonic_ns() - start >= 20000000);
    struct fake_thread *thread = fake_thread_start(write_one_later, &event);
    CHECK_EQ(sys_epoll_wait(outer, events, 4, 5000), 1);
    CHECK_EQ(events[0].data, (u64)inner);
    CHECK_EQ(sys_epoll_wait(inner, events, 4, 0), 1);
    CHECK_EQ(events[0].data, (u64)event);
    fake_thread_join(thread);
    fake_shutdown();
}

TEST(epoll_reports_all_in_small_portions)
{
    struct epoll_event events[3];
    u64 seen = 0;
    fake_boot(NULL, 0);
    int epoll = (int)sys_epoll_create1(0), fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = (int)sys_eventfd2(1, 0);
        CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fds[i], EPOLLIN | EPOLLET), 0);
    }
    for (int n; (n = (int)sys_epoll_wait(epoll, events, 3, 0)) > 0;)
        for (int i = 0; i < n; i++)
            seen |= 1ull << events[i].data;
    for (int i = 0; i < 8; i++)
        CHECK(seen >> fds[i] & 1);
    fake_shutdown();
}

TEST(timerfd_expires_for_readers_and_waiters)
{
    struct __kernel_itimerspec once = { .it_value = { 0, 20000000 } }, often = { { 0, 5000000 }, { 0, 5000000 } }, left;
    struct epoll_event events[2];
    u64 count = 0;
    fake_boot(NULL, 0);
    int fd = (int)sys_timerfd_create(CLOCK_MONOTONIC, O_NONBLOCK), epoll = (int)sys_epoll_create1(0);
    struct pollfd poll = { .fd = fd, .events = POLLIN };
    CHECK_EQ(sys_timerfd_create(99, 0), -EINVAL);
    CHECK_EQ(sys_read(fd, &count, 8), -EAGAIN);
    s64 start = time_monotonic_ns();
    CHECK_EQ(sys_timerfd_settime(fd, 0, &once, NULL), 0);
    CHECK_EQ(sys_timerfd_gettime(fd, &left), 0);
    CHECK(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 20000000);
    CHECK_EQ(sys_poll(&poll, 1, 5000), 1);
    CHECK(time_monotonic_ns() - start >= 20000000);
    CHECK_EQ(sys_read(fd, &count, 8), 8);
    CHECK_EQ(count, 1);
    CHECK_EQ(sys_read(fd, &count, 8), -EAGAIN);
    CHECK_EQ(sys_timerfd_settime(fd, 0, &once, NULL), 0);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, fd, EPOLLIN), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 2, 0), 0);
    CHECK_EQ(sys_epoll_wait(epoll, events, 2, 5000), 1);
    CHECK_EQ(sys_timerfd_settime(fd, 0, &often, NULL), 0);
    fake_sleep_ms(22);
    CHECK_EQ(sys_read(fd, &count, 8), 8);
    CHECK(count >= 4);
    fake_sleep_ms(6);
    CHECK_EQ(watch(epoll, EPOLL_CTL_MOD, fd, EPOLLIN), 0); // while it is expired
    CHECK_EQ(sys_epoll_wait(epoll, events, 2, 0), 1);
    CHECK_EQ(sys_read(fd, &count, 8), 8);
    CHECK_EQ(sys_epoll_wait(epoll, events, 2, 5000), 1);
    fake_shutdown();
}

static int armed_timer;
static void arm_later(void *arg)
{
    struct __kernel_itimerspec soon = { .it_value = { 0, 1000000 } };
    fake_sleep_ms(20);
    sys_timerfd_settime(armed_timer, 0, &soon, NULL);
}

TEST(timerfd_set_while_others_wait)
{
    struct __kernel_itimerspec never = { 0 };
    struct epoll_event events[2];
    fake_boot(NULL, 0);
    armed_timer = (int)sys_timerfd_create(CLOCK_REALTIME, 0);
    int epoll = (int)sys_epoll_create1(0);
    struct pollfd poll = { .fd = armed_timer, .events = POLLIN };
    struct fake_thread *thread = fake_thread_start(arm_later, NULL);
    CHECK_EQ(sys_poll(&poll, 1, 5000), 1);
    fake_thread_join(thread);
    CHECK_EQ(sys_timerfd_settime(armed_timer, 0, &never, NULL), 0);
    CHECK_EQ(watch(epoll, EPOLL_CTL_ADD, armed_timer, EPOLLIN), 0);
    thread = fake_thread_start(arm_later, NULL);
    CHECK_EQ(sys_epoll_wait(epoll, events, 2, 5000), 1);
    fake_thread_join(thread);
    fake_shutdown();
}

static struct flock range(short type, s64 start, s64 len)
{
    return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
}

static int lock_fd;
static void unlock_later(void *arg)
{
    struct flock all = range(F_UNLCK, 0, 0);
    fake_sleep_ms(30);
    sys_fcntl(lock_fd, F_OFD_SETLK, (u64)&all);
}

TEST(locks_conflict_split_and_wait)
{
    fake_boot(NULL, 0);
    int a = (int)sys_open("/f", O_RDWR | O_CREAT, 0600), b = (int)sys_open("/f", O_RDWR, 0);
    struct flock first = range(F_WRLCK, 10, 20), probe = range(F_RDLCK, 0, 100), hole = range(F_UNLCK, 15, 5);
    CHECK_EQ(sys_fcntl(a, F_OFD_SETLK, (u64)&first), 0);
    CHECK_EQ(sys_fcntl(b, F_OFD_GETLK, (u64)&probe), 0);
    CHECK_EQ(probe.l_type, F_WRLCK);
    CHECK_EQ(probe.l_start, 10);
    CHECK_EQ(probe.l_len, 20);
    CHECK_EQ(sys_fcntl(a, F_OFD_SETLK, (u64)&hole), 0);
    struct flock inside = range(F_WRLCK, 15, 5), edge = range(F_WRLCK, 14, 1), after = range(F_RDLCK, 20, 1);
    CHECK_EQ(sys_fcntl(b, F_OFD_SETLK, (u64)&inside), 0);
    CHECK_EQ(sys_fcntl(b, F_OFD_SETLK, (u64)&edge), -EAGAIN);
    CHECK_EQ(sys_fcntl(b, F_OFD_SETLK, (u64)&after), -EAGAIN);
    struct flock free_b = range(F_UNLCK, 0, 0), all = range(F_WRLCK, 0, 0);
    CHECK_EQ(sys_fcntl(b, F_OFD_SETLK, (u64)&free_b), 0);
    lock_fd = a;
    struct fake_thread *thread = fake_thread_start(unlock_later, NULL);
    CHECK_EQ(sys_fcntl(b, F_OFD_SETLKW, (u64)&all), 0);
    fake_thread_join(thread);
    CHECK_EQ(sys_flock(a, LOCK_EX | LOCK_NB), 0); // another kind: no conflict
    CHECK_EQ(sys_flock(b, LOCK_SH | LOCK_NB), -EAGAIN);
    CHECK_EQ(sys_close(a), 0);
    CHECK_EQ(sys_flock(b, LOCK_SH | LOCK_NB), 0);
    fake_shutdown();
}

TEST(posix_locks_end_with_any_descriptor)
{
    fake_boot(NULL, 0);
    int a = (int)sys_open("/f", O_RDWR | O_CREAT, 0600), b = (int)sys_open("/f", O_RDWR, 0);
    struct flock all = range(F_WRLCK, 0, 0), probe = range(F_WRLCK, 0, 0);
    CHECK_EQ(sys_fcntl(a, F_SETLK, (u64)&all), 0);
    CHECK_EQ(sys_fcntl(b, F_SETLK, (u64)&all), 0); // one owner
    CHECK_EQ(sys_fcntl(b, F_OFD_GETLK, (u64)&probe), 0);
    CHECK_EQ(probe.l_type, F_WRLCK);
    int c = (int)sys_open("/f", O_RDONLY, 0);
    CHECK_EQ(sys_close(c), 0);
    probe = range(F_WRLCK, 0, 0);
    CHECK_EQ(sys_fcntl(b, F_OFD_GETLK, (u64)&probe), 0);
    CHECK_EQ(probe.l_type, F_UNLCK);
    fake_shutdown();
}
