// SPDX-License-Identifier: BSD-3-Clause
// poll(2), select(2), epoll(7) and inotify(7): errors and what is told of each kind of file.
#include "surface.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

static int what(int fd, int events)
{
    struct pollfd p = { fd, events };
    poll(&p, 1, 0);
    return p.revents;
}
CASE(kinds_of_files)
{
    int fds[2], s[2];
    pipe(fds);
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    file_with("f", "x");
    const int all = POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM;
    tell("file %x", what(open("f", O_RDWR), all));
    tell("folder %x", what(open(".", O_RDONLY), all));
    tell("pipe %x %x", what(fds[0], all), what(fds[1], all));
    tell("sockets %x %x", what(s[0], all), what(s[1], all));
    tell("null %x zero %x", what(open("/dev/null", O_RDWR), all), what(open("/dev/zero", O_RDWR), all));
    tell("eventfd %x", what(eventfd(0, 0), all));
    tell("timerfd %x", what(timerfd_create(CLOCK_MONOTONIC, 0), all));
    tell("epoll %x", what(epoll_create1(0), all));
    tell("inotify %x", what(inotify_init(), all));
    tell("path %x", what(open("f", O_PATH), all));
    tell("closed %x", what(999, all));
    tell("negative %x", what(-1, all));
    close(s[1]);
    tell("socket hung up %x", what(s[0], all));
    close(fds[0]);
    tell("pipe without reader %x", what(fds[1], all));
    mkfifo("p", 0600);
    int r = open("p", O_RDONLY | O_NONBLOCK);
    tell("fifo without writer %x", what(r, all));
    int w = open("p", O_WRONLY);
    tell("fifo %x %x", what(r, all), what(w, all));
    close(w);
    tell("fifo after its writer %x", what(r, all));
}
CASE(half_closed_socket)
{
    int s[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    shutdown(s[0], SHUT_WR);
    tell("%x %x", what(s[0], POLLIN | POLLOUT | POLLRDHUP), what(s[1], POLLIN | POLLOUT | POLLRDHUP));
    shutdown(s[1], SHUT_WR);
    tell("%x %x", what(s[0], POLLIN | POLLOUT | POLLRDHUP), what(s[1], POLLIN | POLLOUT | POLLRDHUP));
}
CASE(poll_arguments)
{
    struct pollfd p = { 0, 0 };
    struct timespec wrong = { 0, 1000000000 }, wrong2 = { -1, 0 }, zero = { 0, 0 };
    struct rlimit l = { 10, 1024 }, old;
    SEE(syscall(SYS_ppoll, &p, 1, &wrong, NULL, 8));
    SEE(syscall(SYS_ppoll, &p, 1, &wrong2, NULL, 8));
    SEE(syscall(SYS_ppoll, &p, 1, bad, NULL, 8));
    SEE(syscall(SYS_ppoll, &p, 1, &zero, bad, 8));
    SEE(syscall(SYS_ppoll, &p, 1, &zero, &zero, 4));
    SEE(syscall(SYS_ppoll, &p, 1, &zero, NULL, 4));
    SEE(syscall(SYS_ppoll, bad, 1, &zero, NULL, 8));
    SEE(poll(NULL, 0, 0));
    getrlimit(RLIMIT_NOFILE, &old);
    l.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_NOFILE, &l);
    static struct pollfd many[20];
    for (int i = 0; i < 20; i++)
        many[i].fd = -1;
    SEE(poll(many, 20, 0));
    SEE(poll(many, 10, 0));
    setrlimit(RLIMIT_NOFILE, &old);
}
static void note(int signo) {}
CASE(interrupted)
{
    struct sigaction a = { .sa_handler = note, .sa_flags = SA_RESTART };
    struct timespec t = { 5, 0 };
    struct timeval tv = { 5, 0 };
    struct epoll_event e;
    sigaction(SIGALRM, &a, NULL);
    ualarm(10000, 0);
    SEE(poll(NULL, 0, 5000));
    ualarm(10000, 0);
    SEE(ppoll(NULL, 0, &t, NULL));
    tell("kept %d", (int)t.tv_sec);
    ualarm(10000, 0);
    SEE(syscall(SYS_ppoll, NULL, 0, &t, NULL, 8));
    tell("left %d", (int)t.tv_sec);
    ualarm(10000, 0);
    SEE(select(0, NULL, NULL, NULL, &tv));
    tell("left %d", (int)tv.tv_sec);
    int ep = epoll_create1(0);
    ualarm(10000, 0);
    SEE(epoll_wait(ep, &e, 1, 5000));
    signal(SIGALRM, SIG_DFL);
}
CASE(pselect_arguments)
{
    struct timespec zero = { 0, 0 }, wrong = { 0, -1 };
    struct {
        void *set;
        size_t size;
    } arg = { NULL, 4 }, wrong_size = { &zero, 4 }, wrong_set = { bad, 8 };
    fd_set set;
    FD_ZERO(&set);
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, NULL));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &wrong, NULL));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, bad, NULL));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, bad));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &arg));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &wrong_size));
    SEE(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &zero, &wrong_set));
    SEE(syscall(SYS_pselect6, -1, NULL, NULL, NULL, &zero, NULL));
    SEE(syscall(SYS_pselect6, 64, bad, NULL, NULL, &zero, NULL));
    SEE(syscall(SYS_select, 0, NULL, NULL, NULL, bad));
    SEE(select(1024, &set, &set, &set, &(struct timeval){ 0, 0 }));
    SEE(select(0, NULL, NULL, NULL, &(struct timeval){ 0, 1000000 }));
}
CASE(select_tells)
{
    fd_set in, out, except;
    int fds[2];
    pipe(fds);
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_ZERO(&except);
    FD_SET(fds[0], &in), FD_SET(fds[0], &out), FD_SET(fds[1], &in), FD_SET(fds[1], &out), FD_SET(fds[1], &except);
    SEE(select(fds[1] + 1, &in, &out, &except, &(struct timeval){ 0, 0 }));
    tell("%d%d %d%d %d", FD_ISSET(fds[0], &in), FD_ISSET(fds[1], &in), FD_ISSET(fds[0], &out), FD_ISSET(fds[1], &out),
         FD_ISSET(fds[1], &except));
    close(fds[1]);
    FD_ZERO(&in);
    FD_SET(fds[0], &in);
    SEE(select(fds[0] + 1, &in, NULL, NULL, NULL));
    tell("%d", FD_ISSET(fds[0], &in));
}
CASE(epoll_wait_arguments)
{
    struct epoll_event e;
    struct timespec wrong = { 0, 1000000000 }, zero = { 0, 0 };
    int ep = epoll_create1(0);
    SEE(syscall(SYS_epoll_wait, ep, &e, INT_MAX, 0));
    SEE(syscall(SYS_epoll_wait, ep, bad, 1, 0));
    SEE(syscall(SYS_epoll_pwait, ep, &e, 1, 0, bad, 8));
    SEE(syscall(SYS_epoll_pwait, ep, &e, 1, 0, &zero, 4));
    SEE(syscall(SYS_epoll_pwait, ep, &e, 1, 0, NULL, 4));
    SEE(syscall(SYS_epoll_pwait2, ep, &e, 1, &wrong, NULL, 0));
    SEE(syscall(SYS_epoll_pwait2, ep, &e, 1, bad, NULL, 0));
    SEE(syscall(SYS_epoll_pwait2, ep, &e, 1, &zero, NULL, 0));
    SEE(syscall(SYS_epoll_pwait2, ep, &e, 0, &zero, NULL, 0));
    SEE(syscall(SYS_epoll_create, -1));
    SEE(syscall(SYS_epoll_create1, 3));
    SEE(read(ep, &e, 8));
    SEE(write(ep, &e, 8));
    SEE(lseek(ep, 0, SEEK_SET));
}
CASE(epoll_nested_too_deep)
{
    struct epoll_event e = { EPOLLIN };
    int first = epoll_create1(0), last = first;
    for (int i = 0; i < 6; i++) {
        int next = epoll_create1(0);
        SEE(epoll_ctl(next, EPOLL_CTL_ADD, last, &e));
        last = next;
    }
    SEE(epoll_ctl(first, EPOLL_CTL_ADD, last, &e));
}
CASE(epoll_events_once)
{
    struct epoll_event e = { EPOLLIN | EPOLLONESHOT, { .u32 = 7 } }, got;
    int ep = epoll_create1(0), fd = eventfd(1, 0);
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    SEE(epoll_wait(ep, &got, 1, 0));
    tell("%x %d", got.events, got.data.u32);
    SEE(epoll_wait(ep, &got, 1, 0));
    SEE(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e));
    SEE(epoll_wait(ep, &got, 1, 0));
    e.events = EPOLLIN | EPOLLET;
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
    SEE(epoll_wait(ep, &got, 1, 0));
    SEE(epoll_wait(ep, &got, 1, 0));
    uint64_t v = 1;
    write(fd, &v, 8);
    SEE(epoll_wait(ep, &got, 1, 0));
    SEE(epoll_wait(ep, &got, 1, 0));
    e.events = 0;
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
    SEE(epoll_wait(ep, &got, 1, 0));
    SEE(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
    SEE(epoll_ctl(ep, EPOLL_CTL_ADD, fd, NULL));
}
CASE(epoll_closed_files)
{
    struct epoll_event e = { EPOLLIN }, got;
    int ep = epoll_create1(0), fd = eventfd(1, 0), twin = dup(fd);
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
    close(fd);
    SEE(epoll_wait(ep, &got, 1, 0));
    SEE(epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL));
    close(twin);
    SEE(epoll_wait(ep, &got, 1, 0));
}
CASE(inotify_arguments)
{
    int n = inotify_init1(IN_NONBLOCK);
    char buf[64];
    file_with("f", "x");
    SEE(inotify_init1(1));
    SEE(inotify_add_watch(n, "none", IN_ALL_EVENTS));
    SEE(inotify_add_watch(n, "f", 0));
    SEE(inotify_add_watch(n, bad, IN_ALL_EVENTS));
    SEE(inotify_add_watch(n, "", IN_ALL_EVENTS));
    SEE(inotify_add_watch(n, long_name, IN_ALL_EVENTS));
    SEE(inotify_add_watch(-1, "f", IN_ALL_EVENTS));
    SEE(inotify_add_watch(0, "f", IN_ALL_EVENTS));
    SEE(inotify_add_watch(n, "f", IN_ONLYDIR | IN_OPEN));
    SEE(inotify_add_watch(n, "f", IN_MASK_CREATE | IN_MASK_ADD | IN_OPEN));
    SEE(inotify_add_watch(n, "f", IN_OPEN));
    SEE(inotify_add_watch(n, "f", IN_OPEN | IN_MASK_CREATE));
    SEE(inotify_rm_watch(n, 99));
    SEE(inotify_rm_watch(-1, 1));
    SEE(inotify_rm_watch(0, 1));
    SEE(read(n, buf, 8));
    SEE(inotify_rm_watch(n, 1));
    SEE(read(n, buf, 8));
    SEE(read(n, buf, sizeof(buf)));
    SEE(read(n, buf, sizeof(buf)));
}
static void drain(int n)
{
    static char buf[4096];
    ssize_t size = read(n, buf, sizeof(buf));
    for (char *at = buf; at < buf + size;) {
        struct inotify_event *e = (void *)at;
        tell("wd %d mask %x cookie %d len %d %s", e->wd, e->mask, e->cookie != 0, e->len, e->len ? e->name : "");
        at += sizeof(*e) + e->len;
    }
}
CASE(inotify_events)
{
    int n = inotify_init1(IN_NONBLOCK);
    mkdir("d", 0755);
    inotify_add_watch(n, "d", IN_ALL_EVENTS);
    file_with("d/f", "hello");
    drain(n);
    rename("d/f", "d/g");
    chmod("d/g", 0600);
    link("d/g", "d/h");
    drain(n);
    truncate("d/g", 1);
    unlink("d/h");
    mkdir("d/e", 0755);
    rmdir("d/e");
    drain(n);
    contents("d/g");
    drain(n);
    rename("d/g", "g");
    rmdir("d");
    drain(n);
}
CASE(eventfd_blocking)
{
    uint64_t v = 5;
    int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    tell("%d %o", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
    SEE(write(fd, &v, 8));
    SEE(write(fd, bad, 8));
    SEE(read(fd, &v, 16));
    tell("%d", (int)v);
    SEE(syscall(SYS_eventfd, 4));
    SEE(syscall(SYS_eventfd2, 0, 8));
}
CASE(timerfd_kinds)
{
    struct itimerspec t = { { 0, 0 }, { 1, 0 } }, now;
    uint64_t n;
    for (int clock = 0; clock < 12; clock++) {
        if (clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM)
            continue;
        errno = 0;
        int fd = timerfd_create(clock, 0);
        tell("clock %d: %d %s", clock, fd >= 0, fd < 0 ? strerrorname_np(errno) : "");
        if (fd >= 0)
            close(fd);
    }
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    SEE(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, &now));
    SEE(read(fd, &n, 8));
    tell("%d", (int)n);
    t.it_interval.tv_nsec = 1000000;
    t.it_value = t.it_interval;
    t.it_value.tv_sec = t.it_interval.tv_sec = 0;
    SEE(timerfd_settime(fd, 0, &t, NULL));
    usleep(10000);
    SEE(read(fd, &n, 8));
    tell("%d", n >= 3);
    SEE(timerfd_gettime(fd, (void *)bad));
    SEE(timerfd_gettime(0, &t));
    SEE(timerfd_gettime(-1, &t));
    SEE(timerfd_settime(fd, 0, &t, (void *)bad));
    SEE(timerfd_settime(fd, TFD_TIMER_CANCEL_ON_SET, &t, NULL));
    SEE(write(fd, &n, 8));
}
