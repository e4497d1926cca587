// SPDX-License-Identifier: BSD-3-Clause
// epoll, timerfd, eventfd, pipes, FIFOs: each line says what was told. Made to print the same on Linux and inside.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

static struct epoll_event got[8];
static char big[1 << 21];

static int control(int epoll, int operation, int fd, unsigned events)
{
    struct epoll_event event = { events, { .u64 = 1 } };
    return epoll_ctl(epoll, operation, fd, &event) ? -errno : 0;
}
static int add(int epoll, int fd, unsigned events) { return control(epoll, EPOLL_CTL_ADD, fd, events); }
static int modify(int epoll, int fd, unsigned events) { return control(epoll, EPOLL_CTL_MOD, fd, events); }
static int ready(int epoll, int ms) { return epoll_wait(epoll, got, 8, ms); }
static void set(int timer, long ns, long interval)
{
    struct itimerspec value = { { 0, interval }, { 0, ns } };
    timerfd_settime(timer, 0, &value, NULL);
}
static void drain(int fd)
{
    uint64_t value;
    (void)!read(fd, &value, 8);
}

static void nested(void)
{
    int inner = epoll_create1(0), outer = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK);
    printf("add %d %d\n", add(inner, event, EPOLLIN), add(outer, inner, EPOLLIN));
    printf("quiet %d\n", ready(outer, 0));
    eventfd_write(event, 1);
    int once = ready(outer, 1000), again = ready(outer, 0);
    printf("level %d %d\n", once, again);
    drain(event);
    printf("gone %d\n", ready(outer, 0));
    modify(outer, inner, EPOLLIN | EPOLLET);
    eventfd_write(event, 1);
    once = ready(outer, 1000), again = ready(outer, 0);
    printf("edge %d %d\n", once, again);
    drain(event);
    printf("circle %d self %d\n", add(inner, outer, EPOLLIN), add(inner, inner, EPOLLIN));
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    modify(outer, inner, EPOLLIN);
    printf("timer added later %d\n", add(inner, timer, EPOLLIN));
    set(timer, 50000000, 0);
    printf("it wakes the outer one %d\n", ready(outer, 5000));
}

static void edges(void)
{
    int epoll = epoll_create1(0), event = eventfd(0, EFD_NONBLOCK | EFD_SEMAPHORE), once, again, later;
    add(epoll, event, EPOLLIN | EPOLLET);
    eventfd_write(event, 2);
    once = ready(epoll, 1000), again = ready(epoll, 0);
    drain(event);
    later = ready(epoll, 20);
    printf("eventfd: %d %d, a read is no edge: %d\n", once, again, later);
    eventfd_write(event, 1);
    printf("a write is one: %d, a change of the watch: ", ready(epoll, 1000));
    modify(epoll, event, EPOLLIN | EPOLLET);
    printf("%d\n", ready(epoll, 0));
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), count = 0;
    add(epoll, timer, EPOLLIN | EPOLLET);
    set(timer, 10000000, 5000000);
    for (int i = 0; i < 20; i++)
        count += ready(epoll, 10) > 0;
    printf("a timer nobody reads: %d\n", count);
    close(timer);
    int ends[2];
    (void)!pipe2(ends, O_NONBLOCK);
    add(epoll, ends[0], EPOLLIN | EPOLLONESHOT);
    (void)!write(ends[1], "x", 1);
    once = ready(epoll, 1000);
    (void)!write(ends[1], "x", 1);
    again = ready(epoll, 20);
    modify(epoll, ends[0], EPOLLIN | EPOLLONESHOT);
    printf("oneshot: %d %d, armed again: %d\n", once, again, ready(epoll, 0));
    printf("twice %d, exclusive change %d\n", add(epoll, ends[0], EPOLLIN),
           modify(epoll, ends[0], EPOLLIN | EPOLLEXCLUSIVE));
    close(ends[0]);
    printf("closed: %d\n", ready(epoll, 0));
}

static void pipes(void)
{
    int ends[2];
    char text[64];
    (void)!pipe2(ends, O_NONBLOCK | O_DIRECT);
    (void)!write(ends[1], "one", 3);
    (void)!write(ends[1], "three", 5);
    int first = (int)read(ends[0], text, 2), second = (int)read(ends[0], text, 60);
    printf("packets %d %d\n", first, second);
    close(ends[0]), close(ends[1]);
    (void)!pipe2(ends, O_NONBLOCK);
    int full = (int)write(ends[1], big, sizeof(big)), unread = 0;
    ioctl(ends[0], FIONREAD, &unread);
    printf("full %d %d, size %d\n", full, unread, fcntl(ends[1], F_GETPIPE_SZ));
    int smaller = fcntl(ends[1], F_SETPIPE_SZ, 4096);
    printf("smaller %d %s\n", smaller, strerror(errno));
    printf("larger %d\n", fcntl(ends[1], F_SETPIPE_SZ, 1 << 20));
    printf("more %d\n", (int)write(ends[1], big, sizeof(big)));
    struct pollfd fd = { ends[1], POLLOUT };
    printf("writable %d", poll(&fd, 1, 0));
    (void)!read(ends[0], big, 4096);
    printf(" %d\n", poll(&fd, 1, 0));
    close(ends[0]);
    printf("no reader: %d %x\n", poll(&fd, 1, 0), (unsigned)fd.revents);
}

static void *writer(void *path)
{
    int fd = open(path, O_WRONLY);
    (void)!write(fd, "through", 7);
    close(fd);
    return NULL;
}

static void fifo(void)
{
    char path[] = "/tmp/events-fifo", text[16];
    pthread_t thread;
    unlink(path);
    mkfifo(path, 0600);
    printf("nobody reads: %d %s\n", open(path, O_WRONLY | O_NONBLOCK), strerror(errno));
    pthread_create(&thread, NULL, writer, path);
    int fd = open(path, O_RDONLY), first = (int)read(fd, text, 16), end = (int)read(fd, text, 16);
    printf("fifo %d %d\n", first, end);
    pthread_join(thread, NULL);
    unlink(path);
}

static int spent_most(struct timespec left, long ns) { return left.tv_sec == 0 && left.tv_nsec < ns; }

static void times(void)
{
    struct timespec wait = { 0, 50000000 };
    struct timeval select_wait = { 10, 0 };
    int event = eventfd(1, 0);
    struct pollfd fd = { eventfd(0, 0), POLLIN };
    printf("ppoll %d, ", ppoll(&fd, 1, &wait, NULL));
    printf("time left %d\n", !spent_most(wait, 1000000));
    fd_set reading;
    FD_ZERO(&reading);
    FD_SET(event, &reading);
    printf("select %d, ", select(event + 1, &reading, NULL, NULL, &select_wait));
    printf("most left %d\n", select_wait.tv_sec == 9);
}

static void *raise_late(void *unused)
{
    usleep(50000);
    kill(getpid(), SIGUSR2);
    return NULL;
}

static void signals(void)
{
    struct signalfd_siginfo record;
    pthread_t thread;
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), epoll = epoll_create1(0);
    add(epoll, fd, EPOLLIN);
    printf("no signal: %d %s, epoll %d\n", (int)read(fd, &record, sizeof(record)), strerror(errno), ready(epoll, 0));
    union sigval value = { .sival_int = 42 };
    sigqueue(getpid(), SIGUSR1, value);
    printf("epoll %d, ", ready(epoll, 1000));
    int n = (int)read(fd, &record, sizeof(record));
    printf("read %d: signal %d, value %d, own %d\n", n, record.ssi_signo, record.ssi_int, record.ssi_pid == getpid());
    pthread_create(&thread, NULL, raise_late, NULL);
    printf("later: epoll %d, ", ready(epoll, 5000));
    n = (int)read(fd, &record, sizeof(record));
    printf("read %d: signal %d\n", n, record.ssi_signo);
    pthread_join(thread, NULL);
    fcntl(fd, F_SETFL, 0);
    pthread_create(&thread, NULL, raise_late, NULL);
    n = (int)read(fd, &record, sizeof(record));
    printf("waited %d: signal %d\n", n, record.ssi_signo);
    pthread_join(thread, NULL);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    nested();
    edges();
    pipes();
    fifo();
    times();
    signals();
    return 0;
}
