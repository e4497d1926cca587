// SPDX-License-Identifier: BSD-3-Clause
// eventfd, timerfd, signalfd, epoll, poll and select: answers, errors and edges.
#include "cases.h"

#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

static void eventfds(void)
{
    uint64_t v = 0;
    section("eventfd");
    int fd = eventfd(3, EFD_NONBLOCK);
    SHOW(eventfd(0, 0x100));
    SHOW(read(fd, &v, 4));
    SHOW(read(fd, &v, 8));
    printf("value %d\n", (int)v);
    SHOW(read(fd, &v, 8));
    v = UINT64_MAX;
    SHOW(write(fd, &v, 8));
    v = UINT64_MAX - 1;
    SHOW(write(fd, &v, 4));
    SHOW(write(fd, &v, 8));
    show_poll("at the most", fd, POLLIN | POLLOUT, 0);
    v = 1;
    SHOW(write(fd, &v, 8));
    SHOW(read(fd, BAD, 8));
    SHOW(write(fd, BAD, 8));
    SHOW(lseek(fd, 0, SEEK_CUR));
    SHOW(pread(fd, &v, 8, 0));
    close(fd);
    fd = eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC);
    for (int i = 0; i < 3; i++) {
        v = 9;
        SHOW(read(fd, &v, 8));
        printf("value %d\n", (int)v);
    }
    printf("flags %#x %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    int copy = dup(fd);
    v = 5;
    SHOW(write(copy, &v, 8));
    char wide[16] = { 0 };
    SHOW(read(fd, wide, 16));
    close(fd), close(copy);
}

static void timerfds(void)
{
    struct itimerspec t = { { 0, 0 }, { 0, 20000000 } }, old;
    uint64_t v = 0;
    section("timerfd");
    SHOW(timerfd_create(99, 0));
    SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
    SHOW(timerfd_create(CLOCK_MONOTONIC, 0x100));
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    SHOW(timerfd_settime(-1, 0, &t, NULL));
    SHOW(timerfd_settime(0, 0, &t, NULL));
    SHOW(timerfd_settime(fd, 0x100, &t, NULL));
    SHOW(timerfd_settime(fd, 0, BAD, NULL));
    SHOW(timerfd_settime(fd, 0, &t, BAD));
    SHOW(timerfd_gettime(-1, &t));
    SHOW(timerfd_gettime(0, &t));
    SHOW(timerfd_gettime(fd, BAD));
    t.it_value.tv_nsec = 1000000000;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t.it_value.tv_nsec = -1;
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    t = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(read(fd, &v, 8));
    t = (struct itimerspec){ { 0, 0 }, { 0, 20000000 } };
    SHOW(timerfd_settime(fd, 0, &t, &old));
    printf("old %d %d\n", (int)old.it_value.tv_sec, (int)old.it_value.tv_nsec);
    SHOW(read(fd, &v, 4));
    SHOW(read(fd, &v, 8));
    show_poll("expired", fd, POLLIN | POLLOUT, 2000);
    SHOW(read(fd, &v, 8));
    printf("value %d\n", (int)v);
    SHOW(read(fd, &v, 8));
    SHOW(timerfd_gettime(fd, &t));
    printf("left %d %d\n", (int)t.it_value.tv_sec, (int)t.it_value.tv_nsec);
    clock_gettime(CLOCK_MONOTONIC, &t.it_value);
    t.it_value.tv_sec -= 1;
    t.it_interval = (struct timespec){ 100, 0 };
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
    show_poll("in the past", fd, POLLIN, 2000);
    SHOW(read(fd, &v, 8));
    printf("value %d\n", (int)v);
    SHOW(timerfd_gettime(fd, &t));
    printf("left %d interval %d\n", (int)t.it_value.tv_sec, (int)t.it_interval.tv_sec);
    t = (struct itimerspec){ { 5, 0 }, { 0, 0 } };
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    SHOW(timerfd_gettime(fd, &t));
    printf("disarmed %d interval %d\n", (int)t.it_value.tv_sec, (int)t.it_interval.tv_sec);
    SHOW(write(fd, &v, 8));
    close(fd);
    fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
    clock_gettime(CLOCK_REALTIME, &t.it_value);
    t.it_value.tv_sec += 100;
    t.it_interval = (struct timespec){ 0, 0 };
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    SHOW(read(fd, &v, 8));
    SHOW(timerfd_gettime(fd, &t));
    printf("left %d\n", t.it_value.tv_sec >= 98 && t.it_value.tv_sec <= 100);
    t.it_value = (struct timespec){ 1, 0 };
    SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
    SHOW(read(fd, &v, 8));
    printf("flags %#x %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    close(fd);
    fd = timerfd_create(CLOCK_BOOTTIME, 0);
    t = (struct itimerspec){ { 0, 5000000 }, { 0, 5000000 } };
    SHOW(timerfd_settime(fd, 0, &t, NULL));
    usleep(52000);
    SHOW(read(fd, &v, 8));
    printf("several %d\n", v >= 9);
    close(fd);
}

static void signalfds(void)
{
    struct signalfd_siginfo info = { 0 };
    sigset_t set;
    section("signalfd");
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    SHOW(signalfd(-1, &set, 0x100));
    SHOW(signalfd(0, &set, 0));
    SHOW(signalfd(99, &set, 0));
    SHOW(syscall(SYS_signalfd4, -1, &set, 4, 0));
    SHOW(syscall(SYS_signalfd4, -1, BAD, 8, 0));
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    SHOW(read(fd, &info, sizeof(info)));
    SHOW(read(fd, &info, 10));
    kill(getpid(), SIGUSR1);
    show_poll("pending", fd, POLLIN, 0);
    SHOW(read(fd, &info, sizeof(info)));
    printf("signal %u code %d pid %d\n", info.ssi_signo, info.ssi_code, info.ssi_pid == (uint32_t)getpid());
    union sigval value = { .sival_int = 77 };
    sigqueue(getpid(), SIGUSR2, value);
    kill(getpid(), SIGUSR1);
    struct signalfd_siginfo two[3];
    SHOW(read(fd, two, sizeof(two)));
    printf("%u %u value %d\n", two[0].ssi_signo, two[1].ssi_signo, two[1].ssi_int);
    sigdelset(&set, SIGUSR1);
    SHOW(signalfd(fd, &set, 0) == fd);
    kill(getpid(), SIGUSR1);
    SHOW(read(fd, &info, sizeof(info)));
    show_poll("masked", fd, POLLIN, 0);
    printf("flags %#x %#x\n", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    close(fd);
}

static void epolls(void)
{
    struct epoll_event event = { EPOLLIN, { .u64 = 0x1122334455667788 } }, got[4];
    int p[2], file = open("/tmp/net-events", O_CREAT | O_RDWR, 0600), dir = open("/tmp", O_RDONLY);
    section("epoll");
    SHOW(epoll_create(0));
    SHOW(epoll_create(-1));
    SHOW(epoll_create1(-1));
    SHOW(epoll_create1(0x100));
    int fd = epoll_create1(EPOLL_CLOEXEC), inner = epoll_create1(0);
    SHOW(pipe2(p, O_NONBLOCK));
    SHOW(epoll_ctl(-1, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, -1, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(p[0], EPOLL_CTL_ADD, p[1], &event));
    SHOW(epoll_ctl(fd, 99, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], NULL));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], BAD));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, file, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, dir, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_MOD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, p[0], NULL));
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, inner, &event));
    SHOW(epoll_ctl(inner, EPOLL_CTL_ADD, fd, &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, inner, &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE;
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_MOD, p[0], &event));
    SHOW(epoll_ctl(fd, EPOLL_CTL_DEL, p[0], &event));
    event.events = EPOLLIN | EPOLLEXCLUSIVE | EPOLLONESHOT;
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[0], &event));
    SHOW(epoll_wait(fd, got, 0, 0));
    SHOW(epoll_wait(fd, got, -1, 0));
    SHOW(epoll_wait(-1, got, 1, 0));
    SHOW(epoll_wait(p[0], got, 1, 0));
    SHOW(epoll_wait(fd, got, 1, 10));
    event.events = EPOLLOUT;
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, p[1], &event));
    SHOW(epoll_wait(fd, BAD, 1, 0));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("events %#x data %d\n", got[0].events, got[0].data.u64 == event.data.u64);
    event.events = EPOLLOUT | EPOLLONESHOT;
    SHOW(epoll_ctl(fd, EPOLL_CTL_MOD, p[1], &event));
    SHOW(epoll_wait(fd, got, 4, 0));
    SHOW(epoll_wait(fd, got, 4, 0));
    close(p[0]);
    event.events = 0;
    SHOW(epoll_ctl(fd, EPOLL_CTL_MOD, p[1], &event));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("events %#x\n", got[0].events);
    close(p[1]);
    SHOW(epoll_wait(fd, got, 4, 0));
    struct timespec ts = { 0, 1000000 }, bad = { 0, -1 };
    SHOW(syscall(SYS_epoll_pwait2, fd, got, 1, &ts, NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, fd, got, 1, &bad, NULL, 0));
    SHOW(syscall(SYS_epoll_pwait2, fd, got, 1, BAD, NULL, 0));
    sigset_t set;
    sigemptyset(&set);
    SHOW(syscall(SYS_epoll_pwait, fd, got, 1, 0, &set, 8));
    SHOW(syscall(SYS_epoll_pwait, fd, got, 1, 0, &set, 4));
    SHOW(syscall(SYS_epoll_pwait, fd, got, 1, 0, BAD, 8));
    SHOW(read(fd, got, 8));
    SHOW(write(fd, got, 8));
    close(fd), close(inner);
    int chain[7];
    for (int i = 0; i < 7; i++) {
        chain[i] = epoll_create1(0);
        event.events = EPOLLIN;
        if (i)
            SHOW(epoll_ctl(chain[i], EPOLL_CTL_ADD, chain[i - 1], &event));
    }
    close_all(chain, 7), close(file), close(dir);
    unlink("/tmp/net-events");
}

static void edges(void)
{
    struct epoll_event event = { EPOLLIN | EPOLLOUT | EPOLLET, { 0 } }, got[4];
    int pair[2], fd = epoll_create1(0);
    char c;
    section("edges");
    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair);
    SHOW(epoll_ctl(fd, EPOLL_CTL_ADD, pair[0], &event));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("%#x\n", got[0].events);
    SHOW(epoll_wait(fd, got, 4, 0));
    SHOW(write(pair[1], "ab", 2));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("%#x\n", got[0].events);
    SHOW(epoll_wait(fd, got, 4, 0));
    SHOW(read(pair[0], &c, 1));
    SHOW(epoll_wait(fd, got, 4, 0));
    SHOW(write(pair[1], "c", 1));
    SHOW(epoll_wait(fd, got, 4, 0));
    SHOW(shutdown(pair[1], SHUT_WR));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("%#x\n", got[0].events);
    event.events = EPOLLRDHUP;
    SHOW(epoll_ctl(fd, EPOLL_CTL_MOD, pair[0], &event));
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("%#x\n", got[0].events);
    close(pair[1]);
    SHOW(epoll_wait(fd, got, 4, 0));
    printf("%#x\n", got[0].events);
    int copy = dup(pair[0]);
    close(pair[0]);
    SHOW(epoll_wait(fd, got, 4, 0));
    close(copy);
    SHOW(epoll_wait(fd, got, 4, 0));
    close(fd);
}

static void many_events(void)
{
    struct epoll_event event = { EPOLLOUT, { 0 } }, *got = calloc(400, sizeof(*got));
    int fd = epoll_create1(0), fds[300], seen = 0;
    section("many events at once");
    for (int i = 0; i < 300; i++) {
        fds[i] = eventfd(0, 0);
        event.data.u32 = (uint32_t)i;
        epoll_ctl(fd, EPOLL_CTL_ADD, fds[i], &event);
    }
    SHOW(epoll_wait(fd, got, 400, 0));
    SHOW(epoll_wait(fd, got, 400, -1));
    char which[300] = { 0 };
    for (int i = 0; i < 300; i++)
        which[got[i].data.u32] = 1;
    for (int i = 0; i < 300; i++)
        seen += which[i];
    printf("different %d\n", seen);
    SHOW(epoll_wait(fd, got, 100, 0));
    close_all(fds, 300), close(fd);
    free(got);
}

static void reopened(void)
{
    char path[64], text[16] = { 0 };
    int p[2];
    section("a pipe, opened again");
    SHOW(pipe(p));
    SHOW(write(p[1], "left", 4));
    close(p[1]);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
    int again = open(path, O_RDONLY);
    SHOW(read(again, text, sizeof(text)));
    SHOW(read(again, text, sizeof(text)));
    int writer = open(path, O_WRONLY | O_NONBLOCK);
    SHOW(write(writer, "more", 4));
    SHOW(read(p[0], text, sizeof(text)));
    close(again), close(writer), close(p[0]);
}

static void polls(void)
{
    struct pollfd p[3] = { { -1, POLLIN, 9 }, { 500, POLLIN, 0 }, { 1, POLLOUT, 0 } };
    struct timespec ts = { 0, 30000000 }, bad = { 0, 1000000000 }, long_time = { 100, 0 };
    struct timeval tv = { 0, 20000 };
    int pipes[2];
    fd_set in, out;
    section("poll and select");
    SHOW(pipe(pipes));
    SHOW(poll(p, 2, 0));
    printf("%#x %#x\n", (unsigned)p[0].revents, (unsigned)p[1].revents);
    SHOW(poll(BAD, 1, 0));
    SHOW(poll(NULL, 0, 1));
    SHOW(poll(p, (nfds_t)-1, 0));
    SHOW(syscall(SYS_ppoll, p, 1, &bad, NULL, 8));
    SHOW(syscall(SYS_ppoll, p, 1, BAD, NULL, 8));
    SHOW(syscall(SYS_ppoll, p, 1, &ts, BAD, 8));
    p[0] = (struct pollfd){ pipes[0], POLLIN, 0 };
    SHOW(syscall(SYS_ppoll, p, 1, &ts, NULL, 8));
    printf("left %d\n", (int)(ts.tv_sec + ts.tv_nsec));
    p[0] = (struct pollfd){ pipes[1], POLLOUT, 0 };
    SHOW(syscall(SYS_ppoll, p, 1, &long_time, NULL, 8));
    printf("left %d\n", long_time.tv_sec >= 98);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(pipes[0], &in), FD_SET(pipes[1], &out);
    SHOW(select(pipes[1] + 1, &in, &out, NULL, &tv));
    printf("%d %d\n", FD_ISSET(pipes[0], &in) != 0, FD_ISSET(pipes[1], &out) != 0);
    FD_SET(pipes[0], &in);
    tv = (struct timeval){ 0, 20000 };
    SHOW(select(pipes[0] + 1, &in, NULL, NULL, &tv));
    printf("left %d, set %d\n", (int)tv.tv_usec, FD_ISSET(pipes[0], &in) != 0);
    SHOW(select(-1, NULL, NULL, NULL, &tv));
    tv.tv_usec = -1;
    SHOW(select(1, NULL, NULL, NULL, &tv));
    SHOW(select(1, BAD, NULL, NULL, NULL));
    FD_ZERO(&in);
    FD_SET(50, &in);
    SHOW(select(51, &in, NULL, NULL, NULL));
    ts = (struct timespec){ 0, -1 };
    FD_ZERO(&in);
    SHOW(syscall(SYS_pselect6, 1, &in, NULL, NULL, &ts, NULL));
    ts = (struct timespec){ 0, 10000000 };
    SHOW(syscall(SYS_pselect6, 1, &in, NULL, NULL, &ts, NULL));
    printf("left %d\n", (int)ts.tv_nsec);
    SHOW(syscall(SYS_pselect6, 1, &in, NULL, NULL, &ts, BAD));
    close_all(pipes, 2);
    int regular = open("/tmp/net-poll", O_CREAT | O_RDWR, 0600);
    show_poll("a file", regular, POLLIN | POLLOUT | POLLPRI, 0);
    close(regular), unlink("/tmp/net-poll");
}

// With an argument: what needs /proc, which the native twin lacks.
int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) {
        reopened();
        return 0;
    }
    eventfds();
    timerfds();
    signalfds();
    epolls();
    edges();
    many_events();
    polls();
    return 0;
}
