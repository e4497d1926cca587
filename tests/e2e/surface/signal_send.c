// SPDX-License-Identifier: BSD-3-Clause
// kill(2), tgkill(2), sigqueue(3): whom, with what, and who may.
#include "surface.h"

#include <pthread.h>

static long queue_info(int pid, int signo, int code)
{
    siginfo_t info = { .si_signo = signo, .si_code = code };
    return syscall(SYS_rt_sigqueueinfo, pid, signo, &info);
}
static void block(int signo, int how)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    sigprocmask(how, &set, NULL);
}
CASE(kill_arguments)
{
    SEE(kill(getpid(), 0));
    SEE(kill(getpid(), -1));
    SEE(kill(getpid(), 65));
    SEE(kill(getpid(), 1000));
    SEE(kill(999999, 0));
    SEE(kill(INT_MAX, 0));
    SEE(kill(INT_MIN, 0));
    SEE(kill(-999999, 0));
    SEE(kill(0, 0));
    SEE(kill(999999, 65));
    SEE(kill(0, 65));
}
CASE(tkill_arguments)
{
    SEE(syscall(SYS_tkill, 0, 0));
    SEE(syscall(SYS_tkill, -1, 0));
    SEE(syscall(SYS_tkill, 999999, 0));
    SEE(syscall(SYS_tkill, gettid(), 65));
    SEE(syscall(SYS_tkill, gettid(), -1));
    SEE(syscall(SYS_tkill, gettid(), 0));
    SEE(syscall(SYS_tgkill, 0, gettid(), 0));
    SEE(syscall(SYS_tgkill, getpid(), 0, 0));
    SEE(syscall(SYS_tgkill, -1, -1, 0));
    SEE(syscall(SYS_tgkill, getpid(), -1, 0));
    SEE(syscall(SYS_tgkill, 999999, gettid(), 0));
    SEE(syscall(SYS_tgkill, getpid(), 999999, 0));
    SEE(syscall(SYS_tgkill, getpid(), gettid(), 65));
    SEE(syscall(SYS_tgkill, getpid(), gettid(), 0));
    SEE(syscall(SYS_tgkill, getppid(), gettid(), 0));
}
CASE(queue_arguments)
{
    SEE(queue_info(getpid(), 0, SI_QUEUE));
    SEE(queue_info(getpid(), 65, SI_QUEUE));
    SEE(queue_info(getpid(), -1, SI_QUEUE));
    SEE(queue_info(999999, 0, SI_QUEUE));
    SEE(queue_info(getpid(), 0, SI_USER));
    SEE(queue_info(getppid(), 0, SI_USER));
    SEE(queue_info(getppid(), 0, SI_TKILL));
    SEE(queue_info(getppid(), 0, SI_KERNEL));
    SEE(queue_info(getppid(), 0, SI_QUEUE));
    SEE(queue_info(-1, 0, SI_QUEUE));
    SEE(queue_info(0, 0, SI_QUEUE));
    SEE(syscall(SYS_rt_sigqueueinfo, getpid(), 0, bad));
    SEE(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, bad));
    siginfo_t info = { .si_code = SI_QUEUE };
    SEE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 0, &info));
    SEE(syscall(SYS_rt_tgsigqueueinfo, getpid(), 999999, 0, &info));
    SEE(syscall(SYS_rt_tgsigqueueinfo, getpid(), 0, 0, &info));
    SEE(syscall(SYS_rt_tgsigqueueinfo, -1, -1, 0, &info));
    SEE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 65, &info));
    SEE(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), 0, bad));
}
static void nobody_kills(void)
{
    SEE(kill(getppid(), 0));
    SEE(kill(getppid(), SIGUSR1));
    SEE(kill(getppid(), 65));
    SEE(kill(getpid(), 0));
    SEE(kill(1, 0));
    SEE(syscall(SYS_tgkill, getppid(), getppid(), SIGCONT));
    SEE(syscall(SYS_tkill, getppid(), SIGTERM));
    SEE(sigqueue(getppid(), SIGUSR1, (union sigval){ 0 }));
}
CASE(as_nobody_kill) { tell("%s", status_text(as_nobody(nobody_kills))); }
static void nobody_continues(void)
{
    setsid();
    SEE(kill(getppid(), SIGCONT));
}
CASE(cont_outside_the_session) { as_nobody(nobody_continues); }
static volatile int order[64], count;
static void collect(int signo, siginfo_t *info, void *context)
{
    if (count < 64)
        order[count++] = signo * 100 + info->si_value.sival_int;
}
static void catch_all(const int *signals)
{
    struct sigaction a = { .sa_sigaction = collect, .sa_flags = SA_SIGINFO };
    sigfillset(&a.sa_mask);
    for (; *signals; signals++) {
        sigaction(*signals, &a, NULL);
        block(*signals, SIG_BLOCK);
    }
    count = 0;
}
static void release_all(const int *signals)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < count; i++)
        tell("%d", order[i]);
    for (; *signals; signals++)
        signal(*signals, SIG_DFL);
}
CASE(realtime_order)
{
    const int all[] = { SIGRTMIN, SIGRTMIN + 1, SIGRTMAX, SIGUSR1, 0 };
    catch_all(all);
    for (int i = 1; i < 4; i++) {
        sigqueue(getpid(), SIGRTMAX, (union sigval){ .sival_int = i });
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i });
        sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = i });
        sigqueue(getpid(), SIGUSR1, (union sigval){ .sival_int = i });
    }
    release_all(all);
}
CASE(standard_signals_do_not_queue)
{
    const int all[] = { SIGUSR1, SIGUSR2, SIGTERM, SIGHUP, 0 };
    catch_all(all);
    for (int i = 0; i < 3; i++) {
        kill(getpid(), SIGTERM);
        kill(getpid(), SIGUSR2);
        kill(getpid(), SIGHUP);
        kill(getpid(), SIGUSR1);
    }
    release_all(all);
}
CASE(thread_before_process)
{
    const int all[] = { SIGRTMIN, 0 };
    catch_all(all);
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 });
    siginfo_t info = { .si_code = SI_QUEUE, .si_value = { .sival_int = 2 } };
    syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &info);
    release_all(all);
}
static void *other(void *arg)
{
    sigset_t set;
    sigpending(&set);
    tell("other thread: USR1 %d USR2 %d", sigismember(&set, SIGUSR1), sigismember(&set, SIGUSR2));
    return NULL;
}
CASE(pending_of_threads)
{
    pthread_t thread;
    block(SIGUSR1, SIG_BLOCK);
    block(SIGUSR2, SIG_BLOCK);
    kill(getpid(), SIGUSR1);
    pthread_kill(pthread_self(), SIGUSR2);
    pthread_create(&thread, NULL, other, NULL);
    pthread_join(thread, NULL);
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_IGN);
    block(SIGUSR1, SIG_UNBLOCK);
    block(SIGUSR2, SIG_UNBLOCK);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
}
CASE(stop_and_continue_cancel)
{
    sigset_t set;
    block(SIGTSTP, SIG_BLOCK);
    block(SIGCONT, SIG_BLOCK);
    raise(SIGTSTP);
    sigpending(&set);
    tell("TSTP %d CONT %d", sigismember(&set, SIGTSTP), sigismember(&set, SIGCONT));
    raise(SIGCONT);
    sigpending(&set);
    tell("TSTP %d CONT %d", sigismember(&set, SIGTSTP), sigismember(&set, SIGCONT));
    raise(SIGTSTP);
    sigpending(&set);
    tell("TSTP %d CONT %d", sigismember(&set, SIGTSTP), sigismember(&set, SIGCONT));
    raise(SIGCONT);
    block(SIGTSTP, SIG_UNBLOCK);
    block(SIGCONT, SIG_UNBLOCK);
}
#define DIES(name, signo)                           \
    static void name##_dies(void) { raise(signo); } \
    CASE(default_##name) { tell("%s", status_text(in_child(name##_dies))); }
DIES(hup, SIGHUP)
DIES(quit, SIGQUIT)
DIES(io, SIGIO)
DIES(pwr, SIGPWR)
DIES(winch, SIGWINCH)
DIES(urg, SIGURG)
DIES(stkflt, SIGSTKFLT)
DIES(realtime, SIGRTMAX)
DIES(xcpu, SIGXCPU)
DIES(sys, SIGSYS)
static void fills_queue(void)
{
    int n = 0;
    block(SIGRTMIN, SIG_BLOCK);
    while (n < 100 && !sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = n }))
        n++;
    tell("queued %d %s", n, strerrorname_np(errno));
    errno = 0;
    see("kill", kill(getpid(), SIGRTMIN));
    see("kill standard", kill(getpid(), SIGCHLD));
}
#include <sys/resource.h>
static void limited(void)
{
    struct rlimit few = { 10, 10 };
    SEE(setrlimit(RLIMIT_SIGPENDING, &few));
    fills_queue();
}
CASE(queue_limit) { tell("%s", status_text(as_nobody(limited))); }
static void group_kill(void)
{
    setpgid(0, 0);
    SEE(kill(0, 0));
    SEE(kill(-getpid(), 0));
    kill(-getpid(), SIGTERM);
}
CASE(group_signal) { tell("%s", status_text(in_child(group_kill))); }
