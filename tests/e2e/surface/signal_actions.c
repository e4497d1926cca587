// SPDX-License-Identifier: BSD-3-Clause
// sigaction(2), sigprocmask(2) and what the SA_ flags do.
#include "surface.h"

struct kernel_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
static long action(int signo, const void *new, void *old, size_t size)
{
    return syscall(SYS_rt_sigaction, signo, new, old, size);
}
static volatile int seen, depth, deepest, entered;
static void note(int signo) { seen = signo; }
static void set(int signo, void (*handler)(int), int flags)
{
    struct sigaction a = { .sa_handler = handler, .sa_flags = flags };
    sigaction(signo, &a, NULL);
}

CASE(arguments)
{
    struct kernel_action a = { .handler = SIG_IGN };
    SEE(action(0, &a, NULL, 8));
    SEE(action(-1, &a, NULL, 8));
    SEE(action(65, &a, NULL, 8));
    SEE(action(64, &a, NULL, 8));
    SEE(action(SIGKILL, &a, NULL, 8));
    SEE(action(SIGSTOP, &a, NULL, 8));
    SEE(action(SIGKILL, NULL, &a, 8));
    tell("%d %lx", a.handler == SIG_DFL, a.flags);
    SEE(action(SIGUSR1, &a, NULL, 4));
    SEE(action(SIGUSR1, &a, NULL, 16));
    SEE(action(SIGUSR1, bad, NULL, 8));
    SEE(action(SIGUSR1, NULL, bad, 8));
    SEE(action(SIGUSR1, NULL, NULL, 8));
    SEE(action(0, NULL, NULL, 8));
    signal(64, SIG_DFL);
}
CASE(old_action_on_fault)
{
    struct kernel_action a = { .handler = SIG_IGN }, b;
    SEE(action(SIGUSR1, &a, bad, 8));
    SEE(action(SIGUSR1, NULL, &b, 8));
    tell("ignored %d", b.handler == SIG_IGN);
    signal(SIGUSR1, SIG_DFL);
}
CASE(what_is_kept)
{
    struct kernel_action a = { .handler = note, .flags = ~0ul & ~0x04000000ul, .mask = ~0ul }, b = { 0 };
    SEE(action(SIGUSR1, &a, NULL, 8));
    SEE(action(SIGUSR1, NULL, &b, 8));
    tell("flags %lx mask %lx", b.flags, b.mask);
    tell("unsupported is told: %d", !(b.flags & 0x400));
    signal(SIGUSR1, SIG_DFL);
}
CASE(reset_hand)
{
    struct sigaction a;
    set(SIGUSR1, note, SA_RESETHAND);
    raise(SIGUSR1);
    sigaction(SIGUSR1, NULL, &a);
    tell("seen %d, default %d flags %x", seen, a.sa_handler == SIG_DFL, a.sa_flags & ~0x04000000);
}
static void again(int signo)
{
    depth++;
    if (depth > deepest)
        deepest = depth;
    if (entered++ < 3)
        raise(signo);
    depth--;
}
CASE(no_defer)
{
    deepest = depth = entered = 0;
    set(SIGUSR1, again, SA_NODEFER);
    raise(SIGUSR1);
    tell("deepest %d", deepest);
    deepest = depth = entered = 0;
    set(SIGUSR1, again, 0);
    raise(SIGUSR1);
    tell("deepest %d", deepest);
    signal(SIGUSR1, SIG_DFL);
}
static sigset_t during;
static void mask_now(int signo) { sigprocmask(SIG_BLOCK, NULL, &during); }
CASE(mask_in_handler)
{
    struct sigaction a = { .sa_handler = mask_now };
    sigaddset(&a.sa_mask, SIGTERM);
    sigaddset(&a.sa_mask, SIGKILL);
    sigaction(SIGUSR2, &a, NULL);
    raise(SIGUSR2);
    tell("TERM %d USR2 %d KILL %d USR1 %d", sigismember(&during, SIGTERM), sigismember(&during, SIGUSR2),
         sigismember(&during, SIGKILL), sigismember(&during, SIGUSR1));
    sigprocmask(SIG_BLOCK, NULL, &during);
    tell("after: TERM %d USR2 %d", sigismember(&during, SIGTERM), sigismember(&during, SIGUSR2));
    signal(SIGUSR2, SIG_DFL);
}
static siginfo_t info;
static void keep_info(int signo, siginfo_t *i, void *context) { info = *i; }
static void set_info(int signo, int flags)
{
    struct sigaction a = { .sa_sigaction = keep_info, .sa_flags = SA_SIGINFO | flags };
    sigaction(signo, &a, NULL);
}
static void tell_info(void)
{
    tell("signo %d code %d errno %d pid %d uid %d", info.si_signo, info.si_code, info.si_errno, info.si_pid == getpid(),
         info.si_uid);
}
CASE(info_of_senders)
{
    set_info(SIGUSR1, 0);
    kill(getpid(), SIGUSR1);
    tell_info();
    raise(SIGUSR1);
    tell_info();
    sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = 77 });
    tell_info();
    tell("value %d", info.si_value.sival_int);
    set_info(SIGALRM, 0);
    alarm(1);
    pause();
    tell("signo %d code %d pid %d", info.si_signo, info.si_code, info.si_pid);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
}
static void exit_3(void) { _exit(3); }
static void abort_now(void) { kill(getpid(), SIGKILL); }
CASE(info_of_children)
{
    set_info(SIGCHLD, 0);
    in_child(exit_3);
    tell("signo %d code %d status %d uid %d", info.si_signo, info.si_code, info.si_status, info.si_uid);
    in_child(abort_now);
    tell("signo %d code %d status %d", info.si_signo, info.si_code, info.si_status);
    signal(SIGCHLD, SIG_DFL);
}
CASE(no_child_wait)
{
    set(SIGCHLD, note, SA_NOCLDWAIT);
    seen = 0;
    pid_t pid = fork();
    if (!pid)
        _exit(1);
    errno = 0;
    long r;
    while ((r = waitpid(pid, NULL, 0)) < 0 && errno == EINTR)
        ;
    see("waitpid", r);
    tell("seen %d", seen);
    signal(SIGCHLD, SIG_IGN);
    pid = fork();
    if (!pid)
        _exit(1);
    SEE(waitpid(pid, NULL, 0));
    signal(SIGCHLD, SIG_DFL);
}
static void stop_and_go(void)
{
    raise(SIGSTOP);
    _exit(0);
}
CASE(no_child_stop)
{
    set(SIGCHLD, note, SA_NOCLDSTOP);
    seen = 0;
    fflush(stdout);
    pid_t pid = fork();
    int status;
    if (!pid)
        stop_and_go();
    while (waitpid(pid, &status, WUNTRACED) < 0)
        ;
    tell("stopped %d by %d, seen %d", WIFSTOPPED(status), WSTOPSIG(status), seen);
    kill(pid, SIGCONT);
    while (waitpid(pid, &status, 0) < 0)
        ;
    tell("%s seen %d", status_text(status), seen);
    signal(SIGCHLD, SIG_DFL);
}
CASE(restarted_and_not)
{
    int fds[2];
    char c = 0;
    pipe(fds);
    for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
        set(SIGALRM, note, flags);
        fflush(stdout);
        pid_t pid = fork();
        if (!pid) {
            usleep(20000);
            kill(getppid(), SIGALRM);
            usleep(20000);
            write(fds[1], "x", 1);
            _exit(0);
        }
        SEE(read(fds[0], &c, 1));
        while (waitpid(pid, NULL, 0) < 0)
            ;
        if (!flags)
            read(fds[0], &c, 1);
    }
    signal(SIGALRM, SIG_DFL);
}
CASE(procmask_arguments)
{
    uint64_t set = ~0ull, old = 0;
    SEE(syscall(SYS_rt_sigprocmask, 7, &set, NULL, 8));
    SEE(syscall(SYS_rt_sigprocmask, -1, &set, NULL, 8));
    SEE(syscall(SYS_rt_sigprocmask, 7, NULL, &old, 8));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 4));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 128));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, bad, NULL, 8));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, bad, 8));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, bad, 8));
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &old, 8));
    tell("%lx", (long)old);
    set = 0;
    SEE(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, &old, 8));
    tell("%lx", (long)old);
}
CASE(ignored_while_blocked)
{
    sigset_t set, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    sigpending(&pending);
    tell("ignored: pending %d", sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_DFL);
    raise(SIGUSR1);
    sigpending(&pending);
    tell("default: pending %d", sigismember(&pending, SIGUSR1));
    signal(SIGUSR1, SIG_IGN);
    sigpending(&pending);
    tell("then ignored: pending %d", sigismember(&pending, SIGUSR1));
    raise(SIGCHLD);
    signal(SIGUSR1, SIG_DFL);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}
CASE(pending_arguments)
{
    uint64_t set[2] = { ~0ull, ~0ull };
    SEE(syscall(SYS_rt_sigpending, set, 8));
    tell("%lx", (long)set[0]);
    SEE(syscall(SYS_rt_sigpending, set, 4));
    SEE(syscall(SYS_rt_sigpending, set, 16));
    SEE(syscall(SYS_rt_sigpending, set, 0));
    SEE(syscall(SYS_rt_sigpending, bad, 8));
    SEE(syscall(SYS_rt_sigpending, bad, 0));
}
CASE(suspend)
{
    uint64_t set = 0, block = 1ull << (SIGUSR1 - 1);
    SEE(syscall(SYS_rt_sigsuspend, bad, 8));
    SEE(syscall(SYS_rt_sigsuspend, &set, 4));
    SEE(syscall(SYS_rt_sigsuspend, &set, 16));
    set_info(SIGUSR1, 0);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &block, NULL, 8);
    raise(SIGUSR1);
    SEE(syscall(SYS_rt_sigsuspend, &set, 8));
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &set, 8);
    tell("mask after %lx", (long)set);
    set = 0;
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &set, NULL, 8);
    signal(SIGUSR1, SIG_DFL);
}
