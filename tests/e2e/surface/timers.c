// SPDX-License-Identifier: BSD-3-Clause
// POSIX timers: timer_create(2) and its relatives; overruns.
#include "surface.h"

#include <pthread.h>
#include <poll.h>

typedef int kernel_timer;
static long create(int clock, void *event, kernel_timer *id) { return syscall(SYS_timer_create, clock, event, id); }
static long settime(kernel_timer id, int flags, const void *new, void *old)
{
    return syscall(SYS_timer_settime, id, flags, new, old);
}
static siginfo_t info;
static volatile int calls;
static void keep_info(int signo, siginfo_t *i, void *context)
{
    info = *i;
    calls++;
}
static void catch (int signo)
{
    struct sigaction a = { .sa_sigaction = keep_info, .sa_flags = SA_SIGINFO };
    sigaction(signo, &a, NULL);
    calls = 0;
}
static void hold(int how, int signo)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    sigprocmask(how, &set, NULL);
}
CASE(create_arguments)
{
    kernel_timer id = -1;
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    const int clocks[] = { CLOCK_REALTIME,
                           CLOCK_MONOTONIC,
                           CLOCK_PROCESS_CPUTIME_ID,
                           CLOCK_THREAD_CPUTIME_ID,
                           CLOCK_MONOTONIC_RAW,
                           CLOCK_REALTIME_COARSE,
                           CLOCK_MONOTONIC_COARSE,
                           CLOCK_BOOTTIME,
                           12,
                           16,
                           99,
                           -1,
                           INT_MIN };
    for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++) {
        errno = 0;
        long r = create(clocks[i], &none, &id);
        tell("clock %d: %ld %s", clocks[i], r, r ? strerrorname_np(errno) : "");
        if (!r)
            syscall(SYS_timer_delete, id);
    }
    SEE(create(CLOCK_MONOTONIC, bad, &id));
    SEE(create(CLOCK_MONOTONIC, &none, (void *)bad));
    SEE(create(CLOCK_MONOTONIC, NULL, NULL));
}
CASE(event_arguments)
{
    kernel_timer id;
    for (int notify = 0; notify < 8; notify++) {
        struct sigevent e = { .sigev_notify = notify, .sigev_signo = SIGUSR1 };
        e._sigev_un._tid = gettid();
        errno = 0;
        long r = create(CLOCK_MONOTONIC, &e, &id);
        tell("notify %d: %ld %s", notify, r, r ? strerrorname_np(errno) : "");
        if (!r)
            syscall(SYS_timer_delete, id);
    }
    const int signals[] = { 0, -1, 65, 64, SIGKILL, SIGSTOP };
    for (int i = 0; i < 6; i++) {
        struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signals[i] };
        errno = 0;
        long r = create(CLOCK_MONOTONIC, &e, &id);
        tell("signal %d: %ld %s", signals[i], r, r ? strerrorname_np(errno) : "");
        e.sigev_notify = SIGEV_NONE;
        r = create(CLOCK_MONOTONIC, &e, &id);
        tell("unused signal %d: %ld %s", signals[i], r, r ? strerrorname_np(errno) : "");
    }
    struct sigevent e = { .sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGUSR1 };
    e._sigev_un._tid = 999999;
    SEE(create(CLOCK_MONOTONIC, &e, &id));
    e._sigev_un._tid = getppid();
    SEE(create(CLOCK_MONOTONIC, &e, &id));
    e._sigev_un._tid = 0;
    SEE(create(CLOCK_MONOTONIC, &e, &id));
}
CASE(settime_arguments)
{
    kernel_timer id;
    struct sigevent none = { .sigev_notify = SIGEV_NONE };
    create(CLOCK_MONOTONIC, &none, &id);
    struct itimerspec good = { { 0, 0 }, { 100, 0 } }, old, t = good;
    SEE(settime(id, 0, &good, &old));
    SEE(settime(id, 0, NULL, &old));
    SEE(settime(id, 0, bad, &old));
    SEE(settime(id, 0, &good, bad));
    SEE(settime(12345, 0, &good, &old));
    SEE(settime(-1, 0, &good, &old));
    SEE(settime(id, 99, &good, &old));
    tell("%d", old.it_value.tv_sec >= 99);
    t.it_value.tv_nsec = 1000000000;
    SEE(settime(id, 0, &t, NULL));
    t.it_value.tv_nsec = -1;
    SEE(settime(id, 0, &t, NULL));
    t = good;
    t.it_value.tv_sec = -1;
    SEE(settime(id, 0, &t, NULL));
    t = good;
    t.it_interval.tv_nsec = 1000000000;
    SEE(settime(id, 0, &t, NULL));
    t.it_interval.tv_nsec = -1;
    SEE(settime(id, 0, &t, NULL));
    memset(&t, 0, sizeof(t));
    SEE(settime(id, 0, &t, &old));
    SEE(syscall(SYS_timer_gettime, id, &old));
    tell("%d %d", (int)old.it_value.tv_sec, (int)old.it_value.tv_nsec);
    SEE(syscall(SYS_timer_gettime, id, bad));
    SEE(syscall(SYS_timer_gettime, 12345, &old));
    SEE(syscall(SYS_timer_gettime, 12345, bad));
    SEE(syscall(SYS_timer_getoverrun, id));
    SEE(syscall(SYS_timer_getoverrun, 12345));
    SEE(syscall(SYS_timer_delete, id));
    SEE(syscall(SYS_timer_delete, id));
    SEE(syscall(SYS_timer_delete, -1));
    SEE(settime(id, 0, &good, NULL));
}
CASE(delivers)
{
    kernel_timer id;
    catch (SIGRTMIN);
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 42 };
    create(CLOCK_MONOTONIC, &e, &id);
    struct itimerspec t = { { 0, 0 }, { 0, 5000000 } };
    hold(SIG_BLOCK, SIGRTMIN);
    settime(id, 0, &t, NULL);
    sigset_t none;
    sigprocmask(SIG_SETMASK, NULL, &none);
    sigdelset(&none, SIGRTMIN);
    sigsuspend(&none);
    tell("code %d value %d id %d overrun %d", info.si_code, info.si_value.sival_int, info.si_timerid == id,
         info.si_overrun);
    hold(SIG_UNBLOCK, SIGRTMIN);
    syscall(SYS_timer_delete, id);
    signal(SIGRTMIN, SIG_DFL);
}
CASE(default_event)
{
    kernel_timer id;
    catch (SIGALRM);
    create(CLOCK_REALTIME, NULL, &id);
    struct itimerspec t = { { 0, 0 }, { 0, 1000000 } };
    hold(SIG_BLOCK, SIGALRM);
    settime(id, 0, &t, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
    tell("signal %d code %d value is id %d", info.si_signo, info.si_code, info.si_value.sival_int == id);
    hold(SIG_UNBLOCK, SIGALRM);
    syscall(SYS_timer_delete, id);
    signal(SIGALRM, SIG_DFL);
}
static void overruns(int signo)
{
    kernel_timer id;
    sigset_t pending;
    catch (signo);
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = signo };
    create(CLOCK_MONOTONIC, &e, &id);
    struct itimerspec t = { { 0, 10000000 }, { 0, 10000000 } }, off = { 0 };
    hold(SIG_BLOCK, signo);
    settime(id, 0, &t, NULL);
    usleep(105000);
    SEE(syscall(SYS_timer_getoverrun, id));
    sigpending(&pending);
    tell("pending %d", sigismember(&pending, signo));
    struct timespec zero = { 0, 0 };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, signo);
    tell("taken %d", sigtimedwait(&set, &info, &zero) == signo);
    long told = syscall(SYS_timer_getoverrun, id);
    tell("several %d same %d", info.si_overrun >= 5, told == info.si_overrun);
    settime(id, 0, &off, NULL);
    syscall(SYS_timer_delete, id);
    hold(SIG_UNBLOCK, signo);
    signal(signo, SIG_DFL);
}
CASE(overrun_realtime) { overruns(SIGRTMIN + 2); }
CASE(overrun_standard) { overruns(SIGUSR2); }
CASE(one_waits_at_a_time)
{
    kernel_timer id;
    struct timespec zero = { 0, 0 };
    sigset_t set;
    int n = 0;
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN };
    create(CLOCK_MONOTONIC, &e, &id);
    hold(SIG_BLOCK, SIGRTMIN);
    struct itimerspec t = { { 0, 5000000 }, { 0, 5000000 } }, off = { 0 };
    settime(id, 0, &t, NULL);
    usleep(40000);
    settime(id, 0, &off, NULL);
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    while (sigtimedwait(&set, &info, &zero) == SIGRTMIN)
        n++;
    tell("at most one %d", n <= 1);
    syscall(SYS_timer_delete, id);
    hold(SIG_UNBLOCK, SIGRTMIN);
}
CASE(absolute_times)
{
    kernel_timer id;
    struct timespec now;
    struct itimerspec t = { { 0, 0 }, { 1, 0 } };
    catch (SIGUSR1);
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    create(CLOCK_MONOTONIC, &e, &id);
    SEE(settime(id, TIMER_ABSTIME, &t, NULL)); // long past
    usleep(20000);
    tell("calls %d", calls);
    clock_gettime(CLOCK_MONOTONIC, &now);
    t.it_value = now;
    t.it_value.tv_sec += 100;
    SEE(settime(id, TIMER_ABSTIME, &t, NULL));
    syscall(SYS_timer_gettime, id, &t);
    tell("%d", t.it_value.tv_sec >= 98 && t.it_value.tv_sec <= 100);
    syscall(SYS_timer_delete, id);
    signal(SIGUSR1, SIG_DFL);
}
CASE(cpu_time)
{
    kernel_timer id;
    catch (SIGUSR1);
    struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    create(CLOCK_PROCESS_CPUTIME_ID, &e, &id);
    struct itimerspec t = { { 0, 0 }, { 0, 300000000 } };
    settime(id, 0, &t, NULL);
    usleep(50000); // a sleep uses none
    syscall(SYS_timer_gettime, id, &t);
    tell("nearly all left %d", t.it_value.tv_nsec > 250000000);
    t = (struct itimerspec){ { 0, 0 }, { 0, 20000000 } };
    settime(id, 0, &t, NULL);
    while (!calls)
        ;
    tell("code %d calls %d", info.si_code, calls);
    syscall(SYS_timer_delete, id);
    signal(SIGUSR1, SIG_DFL);
}
static void in_fork(void)
{
    struct itimerspec t;
    SEE(syscall(SYS_timer_gettime, 0, &t));
    kernel_timer id;
    SEE(create(CLOCK_MONOTONIC, NULL, &id));
    tell("id %d", id);
}
CASE(not_inherited)
{
    kernel_timer id;
    create(CLOCK_MONOTONIC, NULL, &id);
    in_child(in_fork);
    syscall(SYS_timer_delete, id);
}
