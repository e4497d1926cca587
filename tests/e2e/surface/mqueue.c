// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues.
#include "surface.h"

#include <mqueue.h>
#include <poll.h>

#define NAME "/surface-queue"
static struct mq_attr small = { .mq_maxmsg = 3, .mq_msgsize = 16 };
static mqd_t fresh(int flags)
{
    mq_unlink(NAME);
    return mq_open(NAME, O_CREAT | O_RDWR | flags, 0600, &small);
}

CASE(open_errors)
{
    struct mq_attr a = small;
    mq_unlink(NAME);
    SEE(mq_open(NAME, O_RDWR));
    SEE(mq_open("no-slash", O_RDWR));
    SEE(mq_open("/", O_CREAT | O_RDWR, 0600, NULL));
    SEE(mq_open("/a/b", O_CREAT | O_RDWR, 0600, NULL));
    a.mq_maxmsg = 0;
    SEE(mq_open(NAME, O_CREAT | O_RDWR, 0600, &a));
    a = small;
    a.mq_msgsize = -1;
    SEE(mq_open(NAME, O_CREAT | O_RDWR, 0600, &a));
    a.mq_msgsize = 1 << 30;
    SEE(mq_open(NAME, O_CREAT | O_RDWR, 0600, &a));
    GOOD(fresh(0));
    SEE(mq_open(NAME, O_CREAT | O_EXCL | O_RDWR, 0600, &small));
    GOOD(mq_open(NAME, O_RDONLY));
    SEE(mq_unlink(NAME));
    SEE(mq_unlink(NAME));
    SEE(mq_unlink("/"));
    SEE(syscall(SYS_mq_open, bad, O_RDWR, 0, NULL));
    SEE(syscall(SYS_mq_unlink, bad));
    char name[300] = "/";
    memset(name + 1, 'n', 256);
    SEE(mq_open(name, O_CREAT | O_RDWR, 0600, NULL));
}
CASE(attributes)
{
    struct mq_attr a;
    mqd_t q = fresh(O_NONBLOCK);
    SEE(mq_getattr(q, &a));
    tell("%ld %ld %ld %ld", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    mq_send(q, "x", 1, 0);
    a.mq_flags = 0;
    a.mq_maxmsg = 99;
    SEE(mq_setattr(q, &a, NULL));
    SEE(mq_getattr(q, &a));
    tell("%ld %ld %ld %ld", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    a.mq_flags = O_RDWR;
    SEE(mq_setattr(q, &a, NULL));
    SEE(mq_getattr(-1, &a));
    SEE(mq_getattr(0, &a));
    tell("close on exec %d", fcntl(q, F_GETFD));
    mq_close(q);
    q = mq_open("/surface-default", O_CREAT | O_RDWR, 0600, NULL);
    mq_getattr(q, &a);
    tell("%ld %ld %ld %ld", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    mq_close(q);
    mq_unlink("/surface-default");
}
static void take(mqd_t q)
{
    char buf[64];
    unsigned priority = 99;
    errno = 0;
    ssize_t n = mq_receive(q, buf, sizeof(buf), &priority);
    if (n < 0)
        tell("receive: %s", strerrorname_np(errno));
    else
        tell("receive: %.*s, priority %u", (int)n, buf, priority);
}
CASE(priorities)
{
    mqd_t q = fresh(O_NONBLOCK);
    SEE(mq_send(q, "low", 3, 1));
    SEE(mq_send(q, "high", 4, 9));
    SEE(mq_send(q, "high2", 5, 9));
    SEE(mq_send(q, "full", 4, 9));
    take(q);
    take(q);
    take(q);
    take(q);
    SEE(mq_send(q, "", 0, 32767));
    SEE(mq_send(q, "x", 1, 32768));
    take(q);
}
CASE(errors)
{
    char buf[64] = "";
    unsigned priority;
    mqd_t q = fresh(O_NONBLOCK), r = mq_open(NAME, O_RDONLY), w = mq_open(NAME, O_WRONLY);
    SEE(mq_send(q, buf, 17, 0));
    SEE(mq_send(r, buf, 1, 0));
    SEE(mq_receive(w, buf, 64, &priority));
    SEE(mq_receive(q, buf, 15, &priority));
    SEE(mq_send(-1, buf, 1, 0));
    SEE(mq_send(1, buf, 1, 0));
    SEE(mq_send(q, bad, 1, 0));
    struct timespec wrong = { 0, -1 }, past = { 1, 0 };
    SEE(mq_timedreceive(r, buf, 64, &priority, &wrong));
    SEE(mq_timedreceive(r, buf, 64, &priority, &past));
    SEE(mq_timedreceive(r, buf, 64, &priority, (void *)bad));
    for (int i = 0; i < 3; i++)
        mq_send(q, "m", 1, 0);
    SEE(mq_timedsend(w, "m", 1, 0, &past));
    SEE(mq_timedsend(w, "m", 1, 0, &wrong));
    SEE(mq_receive(q, bad, 64, &priority));
    SEE(lseek(q, 0, SEEK_SET));
    SEE(write(q, "x", 1));
}
CASE(polls)
{
    mqd_t q = fresh(0);
    struct pollfd p = { q, POLLIN | POLLOUT, 0 };
    SEE(poll(&p, 1, 0));
    tell("%x", p.revents);
    for (int i = 0; i < 3; i++)
        mq_send(q, "m", 1, 0);
    poll(&p, 1, 0);
    tell("%x", p.revents);
}
static volatile int told, value;
static void on_message(int signo, siginfo_t *info, void *context)
{
    told = info->si_code == SI_MESGQ && info->si_pid == getpid();
    value = info->si_value.sival_int;
}
CASE(notifies)
{
    struct sigaction act = { .sa_sigaction = on_message, .sa_flags = SA_SIGINFO };
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 42 };
    mqd_t q = fresh(O_NONBLOCK);
    sigaction(SIGUSR1, &act, NULL);
    SEE(mq_notify(q, &event));
    SEE(mq_notify(q, &event));
    mq_send(q, "x", 1, 0);
    tell("told %d value %d", told, value);
    told = 0;
    mq_send(q, "x", 1, 0);
    tell("told %d", told);
    SEE(mq_notify(q, &event));
    mq_send(q, "x", 1, 0);
    tell("told %d: it was not empty", told);
    SEE(mq_notify(q, NULL));
    SEE(mq_notify(q, NULL));
    event.sigev_signo = 99;
    SEE(mq_notify(q, &event));
    event.sigev_notify = 77;
    SEE(mq_notify(q, &event));
    SEE(mq_notify(-1, NULL));
    SEE(mq_notify(0, NULL));
    event = (struct sigevent){ .sigev_notify = SIGEV_NONE };
    SEE(mq_notify(q, &event));
    mq_close(q);
    q = mq_open(NAME, O_RDWR);
    SEE(mq_notify(q, &event));
}
static mqd_t across;
static void sender(void) { tell("child %d", mq_send(across, "from child", 10, 3)); }
CASE(between_processes)
{
    across = fresh(0);
    in_child(sender);
    take(across);
}
CASE(unlinked_lives_on)
{
    mqd_t q = fresh(O_NONBLOCK);
    mq_unlink(NAME);
    SEE(mq_send(q, "kept", 4, 0));
    take(q);
    SEE(mq_open(NAME, O_RDWR));
}
