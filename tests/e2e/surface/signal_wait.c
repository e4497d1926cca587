// SPDX-License-Identifier: BSD-3-Clause
// sigtimedwait(2), signalfd(2), pause(2).
#include "surface.h"

#include <poll.h>
#include <sys/signalfd.h>

static uint64_t bit(int signo) { return 1ull << (signo - 1); }
static void mask(uint64_t set) { syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8); }
static long take(uint64_t set, siginfo_t *info, const void *timeout)
{
    return syscall(SYS_rt_sigtimedwait, &set, info, timeout, 8);
}
CASE(timed_wait_arguments)
{
    struct timespec zero = { 0, 0 }, negative = { -1, 0 }, wrong = { 0, 1000000000 }, wrong2 = { 0, -1 };
    uint64_t set = bit(SIGUSR1);
    siginfo_t info;
    SEE(take(set, &info, &zero));
    SEE(take(set, &info, &negative));
    SEE(take(set, &info, &wrong));
    SEE(take(set, &info, &wrong2));
    SEE(take(set, &info, bad));
    SEE(take(set, NULL, &zero));
    SEE(take(0, &info, &zero));
    SEE(take(~0ull, &info, &zero));
    SEE(syscall(SYS_rt_sigtimedwait, bad, &info, &zero, 8));
    SEE(syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 4));
    SEE(syscall(SYS_rt_sigtimedwait, &set, &info, &zero, 128));
    SEE(syscall(SYS_rt_sigtimedwait, NULL, &info, &zero, 8));
    mask(set);
    raise(SIGUSR1);
    SEE(take(set, (void *)bad, &zero));
    SEE(take(set, NULL, &zero));
    mask(0);
}
CASE(timed_wait_takes)
{
    struct timespec zero = { 0, 0 };
    siginfo_t info;
    uint64_t set = bit(SIGUSR1) | bit(SIGRTMIN) | bit(SIGRTMIN + 1);
    mask(set);
    sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 1 });
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 2 });
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 3 });
    kill(getpid(), SIGUSR1);
    for (int i = 0; i < 5; i++) {
        SEE(take(set, &info, &zero));
        tell("code %d value %d", info.si_code, info.si_value.sival_int * (info.si_code == SI_QUEUE));
    }
    mask(0);
}
static void note(int signo) {}
CASE(timed_wait_interrupted)
{
    struct timespec second = { 5, 0 };
    struct sigaction a = { .sa_handler = note, .sa_flags = SA_RESTART };
    sigaction(SIGALRM, &a, NULL);
    ualarm(20000, 0);
    SEE(take(bit(SIGUSR1), NULL, &second));
    mask(bit(SIGALRM));
    ualarm(20000, 0);
    SEE(take(bit(SIGALRM), NULL, &second));
    mask(0);
    ualarm(20000, 0);
    SEE(sigwaitinfo(&(sigset_t){ 0 }, NULL));
    signal(SIGALRM, SIG_DFL);
}
CASE(timed_wait_ignored)
{
    struct timespec zero = { 0, 0 };
    signal(SIGUSR1, SIG_IGN);
    mask(bit(SIGUSR1));
    raise(SIGUSR1);
    SEE(take(bit(SIGUSR1), NULL, &zero));
    signal(SIGUSR1, SIG_DFL);
    mask(0);
}
CASE(sigwait_answers)
{
    sigset_t set;
    int got = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR2);
    SEE(sigwait(&set, &got));
    tell("%d", got);
    mask(0);
}
CASE(pause_ends)
{
    signal(SIGALRM, note);
    ualarm(20000, 0);
    SEE(pause());
    signal(SIGALRM, SIG_DFL);
}
CASE(signalfd_arguments)
{
    uint64_t set = bit(SIGUSR1);
    SEE(syscall(SYS_signalfd4, -1, &set, 4, 0));
    SEE(syscall(SYS_signalfd4, -1, &set, 16, 0));
    SEE(syscall(SYS_signalfd4, -1, &set, 8, 1));
    SEE(syscall(SYS_signalfd4, -1, bad, 8, 0));
    SEE(syscall(SYS_signalfd4, 999, &set, 8, 0));
    SEE(syscall(SYS_signalfd4, 0, &set, 8, 0));
    SEE(syscall(SYS_signalfd4, -2, &set, 8, 0));
    int fd = syscall(SYS_signalfd4, -1, &set, 8, O_CLOEXEC | O_NONBLOCK);
    see_good("signalfd4", fd);
    tell("%d %o", fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
    SEE(syscall(SYS_signalfd4, fd, &set, 8, O_CLOEXEC) == fd);
    SEE(write(fd, &set, 8));
    SEE(lseek(fd, 0, SEEK_SET));
    SEE(read(fd, &set, 8));
    struct signalfd_siginfo info[2];
    SEE(read(fd, info, sizeof(info[0])));
    SEE(read(fd, info, sizeof(info[0]) - 1));
    close(fd);
}
CASE(signalfd_reads)
{
    struct signalfd_siginfo info[4];
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK);
    struct pollfd p = { fd, POLLIN };
    SEE(poll(&p, 1, 0));
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 5 });
    raise(SIGUSR1);
    SEE(poll(&p, 1, 0));
    SEE(read(fd, bad, sizeof(info)));
    memset(info, 0xff, sizeof(info));
    ssize_t n = read(fd, info, sizeof(info));
    see("read", n);
    for (int i = 0; i < n / (int)sizeof(info[0]); i++)
        tell("%d code %d int %d pid %d uid %d", info[i].ssi_signo, info[i].ssi_code, info[i].ssi_int,
             info[i].ssi_pid == getpid(), info[i].ssi_uid);
    SEE(read(fd, info, sizeof(info)));
    close(fd);
    mask(0);
}
CASE(signalfd_mask_changes)
{
    struct signalfd_siginfo info;
    uint64_t one = bit(SIGUSR1), two = bit(SIGUSR2), kill = bit(SIGKILL) | bit(SIGUSR1);
    mask(one | two);
    int fd = syscall(SYS_signalfd4, -1, &one, 8, O_NONBLOCK);
    raise(SIGUSR2);
    SEE(read(fd, &info, sizeof(info)));
    SEE(syscall(SYS_signalfd4, fd, &two, 8, 0) == fd);
    SEE(read(fd, &info, sizeof(info)));
    tell("%d", info.ssi_signo);
    SEE(syscall(SYS_signalfd4, fd, &kill, 8, 0) == fd);
    close(fd);
    mask(0);
}
