// SPDX-License-Identifier: BSD-3-Clause
// Descriptors: dup, fcntl, locks, pipes, poll, ioctl.
#include "surface.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/timerfd.h>

CASE(dup_errors)
{
    SEE(dup(-1));
    SEE(dup(999));
    SEE(dup2(-1, 5));
    SEE(dup2(999, 999));
    SEE(dup2(0, -1));
    SEE(dup2(0, 1 << 20));
    SEE(dup2(0, 0));
    SEE(dup3(0, 0, 0));
    SEE(dup3(0, 300, 1));
    SEE(dup3(0, 300, O_CLOEXEC));
    SEE(fcntl(300, F_GETFD));
    SEE(dup2(0, 301));
    SEE(fcntl(301, F_GETFD));
    SEE(fcntl(0, F_DUPFD, -1));
    SEE(fcntl(0, F_DUPFD, 1 << 20));
    SEE(fcntl(0, F_DUPFD, 302));
    SEE(fcntl(0, F_DUPFD_CLOEXEC, 302));
    SEE(close(300));
    SEE(close(300));
    SEE(close(-1));
    for (int i = 301; i < 304; i++)
        close(i);
}
CASE(fcntl_errors)
{
    int fds[2];
    pipe(fds);
    SEE(fcntl(-1, F_GETFD));
    SEE(fcntl(fds[0], 9999));
    SEE(fcntl(fds[0], F_GETFL));
    SEE(fcntl(fds[1], F_GETFL));
    SEE(fcntl(fds[1], F_SETFL, O_NONBLOCK | O_APPEND));
    SEE(fcntl(fds[1], F_GETFL));
    SEE(fcntl(fds[1], F_SETFD, 1));
    SEE(fcntl(fds[1], F_GETFD));
    SEE(fcntl(fds[1], F_SETFD, 2));
    SEE(fcntl(fds[1], F_GETFD));
    SEE(fcntl(fds[0], F_GETPIPE_SZ));
    SEE(fcntl(fds[0], F_SETPIPE_SZ, 4097));
    SEE(fcntl(fds[0], F_SETPIPE_SZ, 0));
    SEE(fcntl(fds[0], F_SETPIPE_SZ, -1));
    file_with("f", "x");
    int fd = open("f", O_RDWR);
    SEE(fcntl(fd, F_GETPIPE_SZ));
    SEE(fcntl(fd, F_SETFL, O_APPEND));
    SEE(fcntl(fd, F_GETFL));
    SEE(fcntl(fd, F_SETFL, O_WRONLY | O_CREAT));
    SEE(fcntl(fd, F_GETFL));
    SEE(fcntl(fd, F_GETOWN));
    SEE(fcntl(fd, F_SETOWN, getpid()));
    tell("%d", fcntl(fd, F_GETOWN) == getpid());
    SEE(fcntl(fd, F_SETSIG, SIGUSR1));
    SEE(fcntl(fd, F_GETSIG));
    SEE(fcntl(fd, F_SETSIG, 99));
}
static void lock_of(int fd, int type, long start, long len)
{
    struct flock l = { .l_type = type, .l_start = start, .l_len = len };
    errno = 0;
    int r = fcntl(fd, F_GETLK, &l);
    if (r)
        tell("F_GETLK %s", strerrorname_np(errno));
    else
        tell("F_GETLK type %d start %ld len %ld whence %d %s", l.l_type, (long)l.l_start, (long)l.l_len, l.l_whence,
             l.l_pid == 0           ? ""
             : l.l_pid == getppid() ? "parent"
             : l.l_pid == -1        ? "description"
                                    : "other");
}
static int set_lock(int fd, int command, int type, int whence, long start, long len)
{
    struct flock l = { .l_type = type, .l_whence = whence, .l_start = start, .l_len = len };
    return fcntl(fd, command, &l);
}
static int shared_fd;
static void child_looks(void)
{
    int fd = open("f", O_RDWR);
    lock_of(fd, F_WRLCK, 0, 0);
    lock_of(fd, F_RDLCK, 0, 0);
    lock_of(fd, F_WRLCK, 50, 10);
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 5, 1));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 20, 1));
    SEE(set_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 30, 1));
}
CASE(record_locks)
{
    file_with("f", "0123456789");
    int fd = open("f", O_RDWR);
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 5));
    SEE(set_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 30, 5));
    SEE(set_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 12, 1));
    in_child(child_looks);
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, -1, 1));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 5, -10));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_END, -2, 1));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, 9, 0, 1));
    SEE(set_lock(fd, F_SETLK, 9, SEEK_SET, 0, 1));
    SEE(set_lock(open("f", O_RDONLY), F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SEE(set_lock(open("f", O_WRONLY), F_SETLK, F_RDLCK, SEEK_SET, 0, 1));
    SEE(fcntl(fd, F_SETLK, bad));
    SEE(fcntl(fd, F_GETLK, bad));
    SEE(set_lock(-1, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SEE(set_lock(fd, F_GETLK, F_UNLCK, SEEK_SET, 0, 1));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, LONG_MAX, 2));
    SEE(set_lock(fd, F_SETLK, F_WRLCK, SEEK_CUR, LONG_MAX, 0));
}
static void merged(void)
{
    int fd = open("f", O_RDWR);
    lock_of(fd, F_WRLCK, 0, 0);
}
CASE(lock_ranges_merge)
{
    file_with("f", "x");
    int fd = open("f", O_RDWR);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 10);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 10, 10);
    in_child(merged);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 5, 30);
    in_child(merged);
    set_lock(fd, F_SETLK, F_RDLCK, SEEK_SET, 10, 5);
    in_child(merged);
    set_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 10);
    in_child(merged);
    set_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 100, 0);
    in_child(merged);
}
static void close_twin(void)
{
    int fd = open("f", O_RDWR);
    lock_of(fd, F_WRLCK, 0, 0);
}
CASE(locks_go_with_any_close)
{
    file_with("f", "x");
    int fd = open("f", O_RDWR), twin = open("f", O_RDONLY);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    close(twin);
    in_child(close_twin);
}
static void takes_two(void)
{
    int fd = open("f", O_RDWR);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 1, 1);
    file_with("ready", "");
    _exit(set_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 0, 1) ? 1 : 7);
}
CASE(lock_deadlock)
{
    file_with("f", "xx");
    int fd = open("f", O_RDWR);
    set_lock(fd, F_SETLK, F_WRLCK, SEEK_SET, 0, 1);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        takes_two();
        _exit(0);
    }
    while (access("ready", F_OK))
        usleep(1000);
    usleep(50000);
    SEE(set_lock(fd, F_SETLKW, F_WRLCK, SEEK_SET, 1, 1));
    SEE(set_lock(fd, F_SETLK, F_UNLCK, SEEK_SET, 0, 0));
    int status;
    waitpid(pid, &status, 0);
    tell("%s", status_text(status));
}
CASE(description_locks)
{
    file_with("f", "xx");
    int a = open("f", O_RDWR), b = open("f", O_RDWR);
    SEE(set_lock(a, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SEE(set_lock(b, F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SEE(set_lock(b, F_SETLK, F_WRLCK, SEEK_SET, 0, 1));
    SEE(set_lock(dup(a), F_OFD_SETLK, F_WRLCK, SEEK_SET, 0, 2));
    lock_of(b, F_WRLCK, 0, 0);
    struct flock l = { .l_type = F_WRLCK, .l_pid = 1 };
    SEE(fcntl(a, F_OFD_SETLK, &l));
    SEE(fcntl(a, F_OFD_GETLK, &l));
}
CASE(flock_errors)
{
    file_with("f", "x");
    int a = open("f", O_RDONLY), b = open("f", O_RDONLY), fds[2];
    pipe(fds);
    SEE(flock(a, LOCK_EX));
    SEE(flock(b, LOCK_EX | LOCK_NB));
    SEE(flock(b, LOCK_SH | LOCK_NB));
    SEE(flock(a, LOCK_SH));
    SEE(flock(b, LOCK_SH | LOCK_NB));
    SEE(flock(a, LOCK_EX | LOCK_NB));
    SEE(flock(a, LOCK_UN));
    SEE(flock(a, LOCK_UN));
    SEE(flock(b, 0));
    SEE(flock(b, LOCK_SH | LOCK_EX));
    SEE(flock(b, 99));
    SEE(flock(-1, LOCK_SH));
    SEE(flock(fds[0], LOCK_EX | LOCK_NB));
    SEE(flock(open(".", O_RDONLY), LOCK_EX | LOCK_NB));
}
CASE(leases)
{
    file_with("f", "x");
    int r = open("f", O_RDONLY);
    SEE(fcntl(r, F_GETLEASE));
    SEE(fcntl(r, F_SETLEASE, F_RDLCK));
    SEE(fcntl(r, F_GETLEASE));
    SEE(fcntl(r, F_SETLEASE, F_UNLCK));
    SEE(fcntl(r, F_SETLEASE, 99));
    SEE(fcntl(open("f", O_RDWR), F_SETLEASE, F_RDLCK));
}
static int broke;
static void on_broken(int signo) { broke = signo; }
CASE(pipe_errors)
{
    char buf[8];
    int fds[2];
    SEE(pipe((int *)bad));
    SEE(pipe2(fds, 0x1));
    SEE(pipe2(fds, O_CLOEXEC | O_NONBLOCK));
    SEE(read(fds[0], buf, 8));
    SEE(read(fds[1], buf, 8));
    SEE(write(fds[0], buf, 8));
    SEE(write(fds[1], "abc", 3));
    SEE(read(fds[0], bad, 3));
    SEE(read(fds[0], buf, 8));
    int size = 0;
    SEE(ioctl(fds[0], FIONREAD, &size));
    close(fds[1]);
    SEE(read(fds[0], buf, 8));
    pipe(fds);
    close(fds[0]);
    signal(SIGPIPE, on_broken);
    SEE(write(fds[1], "x", 1));
    tell("signal %d", broke);
    SEE(write(fds[1], "", 0));
    signal(SIGPIPE, SIG_DFL);
}
CASE(pipe_packets)
{
    char buf[16];
    int fds[2];
    pipe2(fds, O_DIRECT | O_NONBLOCK);
    write(fds[1], "one", 3);
    write(fds[1], "two", 3);
    SEE(read(fds[0], buf, 16));
    SEE(read(fds[0], buf, 2));
    SEE(read(fds[0], buf, 16));
}
CASE(pipe_full)
{
    static char block[65536];
    int fds[2];
    pipe2(fds, O_NONBLOCK);
    SEE(write(fds[1], block, 65536));
    SEE(write(fds[1], block, 1));
    SEE(read(fds[0], block, 4095));
    SEE(write(fds[1], block, 4096));
    SEE(read(fds[0], block, 1));
    SEE(write(fds[1], block, 4097));
}
CASE(poll_answers)
{
    int fds[2];
    pipe(fds);
    file_with("f", "x");
    struct pollfd p[4] = {
        { fds[0], POLLIN }, { fds[1], POLLOUT }, { open("f", O_RDWR), POLLIN | POLLOUT }, { 999, POLLIN }
    };
    SEE(poll(p, 4, 0));
    tell("%x %x %x %x", p[0].revents, p[1].revents, p[2].revents, p[3].revents);
    p[3].fd = -5;
    SEE(poll(p, 4, 0));
    write(fds[1], "x", 1);
    SEE(poll(p, 1, -1));
    close(fds[1]);
    SEE(poll(p, 1, 0));
    tell("%x", p[0].revents);
    SEE(poll((void *)bad, 1, 0));
    SEE(poll(NULL, 0, 1));
    struct timespec wrong = { 0, -1 };
    SEE(ppoll(p, 1, &wrong, NULL));
    SEE(syscall(SYS_poll, p, -1, 0));
}
CASE(select_errors)
{
    fd_set set;
    int fds[2];
    struct timeval none = { 0, 0 }, wrong = { -1, 0 };
    pipe(fds);
    FD_ZERO(&set);
    FD_SET(fds[1], &set);
    SEE(select(fds[1] + 1, NULL, &set, NULL, &none));
    FD_ZERO(&set);
    FD_SET(fds[0], &set);
    SEE(select(fds[0] + 1, &set, NULL, NULL, &none));
    SEE(select(-1, &set, NULL, NULL, &none));
    SEE(select(1, &set, NULL, NULL, &wrong));
    SEE(select(5, (void *)bad, NULL, NULL, &none));
    FD_ZERO(&set);
    FD_SET(60, &set);
    SEE(select(61, &set, NULL, NULL, &none));
}
CASE(eventfd_answers)
{
    uint64_t v = 0;
    SEE(eventfd(0, 0x100000));
    int fd = eventfd(3, EFD_NONBLOCK);
    SEE(read(fd, &v, 8));
    tell("%d", (int)v);
    SEE(read(fd, &v, 8));
    SEE(read(fd, &v, 4));
    SEE(write(fd, &v, 4));
    v = -1;
    SEE(write(fd, &v, 8));
    v = -2;
    SEE(write(fd, &v, 8));
    v = 1;
    SEE(write(fd, &v, 8));
    SEE(lseek(fd, 0, SEEK_SET));
    SEE(pread(fd, &v, 8, 0));
    int s = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK);
    read(s, &v, 8);
    tell("%d", (int)v);
    SEE(read(s, bad, 8));
}
CASE(timerfd_errors)
{
    struct itimerspec t = { { 0, 0 }, { 0, 1 } }, wrong = { { 0, -1 }, { 0, 1 } };
    uint64_t n = 0;
    SEE(timerfd_create(99, 0));
    SEE(timerfd_create(CLOCK_MONOTONIC, 0x1));
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    SEE(read(fd, &n, 8));
    SEE(read(fd, &n, 4));
    SEE(timerfd_settime(fd, 0, &wrong, NULL));
    SEE(timerfd_settime(fd, 8, &t, NULL));
    SEE(timerfd_settime(0, 0, &t, NULL));
    SEE(timerfd_settime(-1, 0, &t, NULL));
    SEE(timerfd_settime(fd, 0, (void *)bad, NULL));
    SEE(timerfd_settime(fd, 0, &t, NULL));
    usleep(2000);
    SEE(read(fd, &n, 8));
    tell("%d", (int)n);
    SEE(timerfd_gettime(fd, &t));
    tell("%d %d", (int)t.it_value.tv_sec, (int)t.it_value.tv_nsec);
}
CASE(epoll_errors)
{
    struct epoll_event e = { EPOLLIN };
    int fds[2];
    pipe(fds);
    SEE(epoll_create(0));
    SEE(epoll_create1(1));
    int ep = epoll_create1(0);
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, fds[0], &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_MOD, fds[1], &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_DEL, fds[1], &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, ep, &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, -1, &e));
    SEE(epoll_ctl(-1, EPOLL_CTL_ADD, fds[1], &e));
    SEE(epoll_ctl(fds[0], EPOLL_CTL_ADD, fds[1], &e));
    SEE(epoll_ctl(ep, 9, fds[1], &e));
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, fds[1], (void *)bad));
    file_with("f", "x");
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, open("f", O_RDONLY), &e));
    SEE(epoll_wait(ep, &e, 0, 0));
    SEE(epoll_wait(ep, &e, -1, 0));
    SEE(epoll_wait(ep, &e, 1, 0));
    SEE(epoll_wait(-1, &e, 1, 0));
    SEE(epoll_wait(fds[0], &e, 1, 0));
    write(fds[1], "x", 1);
    SEE(epoll_wait(ep, (void *)bad, 1, 0));
    SEE(epoll_wait(ep, &e, 1, 0));
    e.events = EPOLLIN | EPOLLEXCLUSIVE;
    SEE(epoll_ctl(ep, EPOLL_CTL_MOD, fds[0], &e));
    e.events = EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT;
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, fds[1], &e));
}
CASE(close_ranges)
{
    SEE(syscall(SYS_close_range, 5, 4, 0));
    SEE(syscall(SYS_close_range, 500, 600, 0));
    SEE(syscall(SYS_close_range, 500, 600, 8));
    int fd = fcntl(0, F_DUPFD, 400);
    SEE(syscall(SYS_close_range, 400, 410, 4));
    SEE(fcntl(fd, F_GETFD));
    SEE(syscall(SYS_close_range, 400, -1, 0));
    SEE(fcntl(fd, F_GETFD));
}
CASE(ioctl_errors)
{
    int n = 0;
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    SEE(ioctl(-1, FIONREAD, &n));
    SEE(ioctl(fd, FIONREAD, &n));
    tell("%d", n);
    SEE(ioctl(fd, FIONREAD, bad));
    SEE(ioctl(fd, TIOCGWINSZ, bad));
    SEE(ioctl(fd, 0x12345678, &n));
    SEE(ioctl(fd, FIOCLEX));
    SEE(fcntl(fd, F_GETFD));
    SEE(ioctl(fd, FIONCLEX));
    n = 1;
    SEE(ioctl(fd, FIONBIO, &n));
    SEE(fcntl(fd, F_GETFL));
    SEE(ioctl(fd, FIONBIO, bad));
    SEE(ioctl(open(".", O_RDONLY), FIONREAD, &n));
}
CASE(file_limit)
{
    struct rlimit old, few = { 40, 40 };
    getrlimit(RLIMIT_NOFILE, &old);
    few.rlim_max = old.rlim_max;
    SEE(setrlimit(RLIMIT_NOFILE, &few));
    int fd, last = -1;
    while ((fd = open(".", O_RDONLY)) >= 0)
        last = fd;
    tell("last %d %s", last, strerrorname_np(errno));
    SEE(dup(0));
    SEE(fcntl(0, F_DUPFD, 0));
    SEE(fcntl(0, F_DUPFD, 50));
    SEE(dup2(0, 40));
    int fds[2];
    SEE(pipe(fds));
    SEE(eventfd(0, 0));
    SEE(epoll_create1(0));
    setrlimit(RLIMIT_NOFILE, &old);
    for (int i = 3; i < 40; i++)
        close(i);
}
