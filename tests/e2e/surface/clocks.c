// SPDX-License-Identifier: BSD-3-Clause
// Clocks read and set, sleeping, interval timers, alarm(2).
#include "surface.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

static const int clocks[] = { CLOCK_REALTIME,
                              CLOCK_MONOTONIC,
                              CLOCK_PROCESS_CPUTIME_ID,
                              CLOCK_THREAD_CPUTIME_ID,
                              CLOCK_MONOTONIC_RAW,
                              CLOCK_REALTIME_COARSE,
                              CLOCK_MONOTONIC_COARSE,
                              CLOCK_BOOTTIME,
                              CLOCK_REALTIME_ALARM,
                              CLOCK_BOOTTIME_ALARM,
                              10,
                              16,
                              99,
                              -1,
                              INT_MAX,
                              INT_MIN };
#define EACH_CLOCK for (size_t i = 0; i < sizeof(clocks) / sizeof(*clocks); i++)
static void clock_answer(const char *text, int clock, long r)
{
    tell("%s %d: %ld %s", text, clock, r, r ? strerrorname_np(errno) : "");
}
CASE(gettime)
{
    struct timespec t;
    EACH_CLOCK if (clocks[i] != CLOCK_REALTIME_ALARM && clocks[i] != CLOCK_BOOTTIME_ALARM)
        clock_answer("gettime", clocks[i], syscall(SYS_clock_gettime, clocks[i], &t));
    SEE(syscall(SYS_clock_gettime, CLOCK_REALTIME, bad));
    SEE(syscall(SYS_clock_gettime, CLOCK_REALTIME, NULL));
    SEE(syscall(SYS_clock_gettime, CLOCK_PROCESS_CPUTIME_ID, bad));
    SEE(syscall(SYS_clock_gettime, 99, bad));
}
CASE(getres)
{
    struct timespec t;
    EACH_CLOCK if (clocks[i] != CLOCK_REALTIME_ALARM && clocks[i] != CLOCK_BOOTTIME_ALARM)
    {
        long r = syscall(SYS_clock_getres, clocks[i], &t);
        clock_answer("getres", clocks[i], r);
        if (!r && clocks[i] != CLOCK_REALTIME_COARSE && clocks[i] != CLOCK_MONOTONIC_COARSE)
            tell("%ld %ld", (long)t.tv_sec, t.tv_nsec);
    }
    SEE(syscall(SYS_clock_getres, CLOCK_REALTIME, NULL));
    SEE(syscall(SYS_clock_getres, 99, NULL));
    SEE(syscall(SYS_clock_getres, CLOCK_REALTIME, bad));
}
CASE(of_processes)
{
    clockid_t id;
    struct timespec t;
    SEE(clock_getcpuclockid(0, &id));
    SEE(clock_gettime(id, &t));
    SEE(clock_getcpuclockid(getppid(), &id));
    SEE(clock_gettime(id, &t));
    SEE(clock_getcpuclockid(999999, &id));
    SEE(syscall(SYS_clock_gettime, (~999999 << 3) | 2, &t));
    SEE(syscall(SYS_clock_gettime, (~gettid() << 3) | 4 | 2, &t));
    SEE(syscall(SYS_clock_gettime, (~getpid() << 3) | 0, &t));
    SEE(syscall(SYS_clock_gettime, (~getpid() << 3) | 1, &t));
    SEE(syscall(SYS_clock_gettime, (~0 << 3) | 2, &t));
    SEE(syscall(SYS_clock_settime, (~0 << 3) | 2, &t));
}
CASE(settime_arguments)
{
    struct timespec wrong = { 0, 1000000000 }, negative = { -1, 0 }, wrong2 = { 1, -1 };
    SEE(syscall(SYS_clock_settime, CLOCK_REALTIME, bad));
    SEE(syscall(SYS_clock_settime, CLOCK_REALTIME, &wrong));
    SEE(syscall(SYS_clock_settime, CLOCK_REALTIME, &wrong2));
    SEE(syscall(SYS_clock_settime, CLOCK_REALTIME, &negative));
    EACH_CLOCK if (clocks[i] != CLOCK_REALTIME)
        clock_answer("settime", clocks[i], syscall(SYS_clock_settime, clocks[i], &wrong));
    struct timeval tv = { 0, 1000000 }, tv2 = { 0, -1 }, tv3 = { -1, 0 };
    SEE(syscall(SYS_settimeofday, bad, NULL));
    SEE(syscall(SYS_settimeofday, &tv, NULL));
    SEE(syscall(SYS_settimeofday, &tv2, NULL));
    SEE(syscall(SYS_settimeofday, &tv3, NULL));
    SEE(syscall(SYS_settimeofday, NULL, bad));
    SEE(syscall(SYS_settimeofday, NULL, NULL));
}
static void nobody_sets(void)
{
    struct timespec now;
    struct timeval tv = { 1000000000, 0 };
    struct timezone tz = { 0, 0 };
    clock_gettime(CLOCK_REALTIME, &now);
    SEE(syscall(SYS_clock_settime, CLOCK_REALTIME, &now));
    SEE(syscall(SYS_clock_settime, CLOCK_MONOTONIC, &now));
    SEE(syscall(SYS_settimeofday, &tv, NULL));
    SEE(syscall(SYS_settimeofday, NULL, &tz));
    SEE(syscall(SYS_settimeofday, NULL, NULL));
    struct timex tx = { .modes = ADJ_TICK, .tick = 10000 };
    SEE(syscall(SYS_adjtimex, &tx));
    tx.modes = ADJ_OFFSET_SS_READ;
    GOOD(syscall(SYS_adjtimex, &tx));
    SEE(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &(struct timex){ .modes = ADJ_OFFSET }));
}
CASE(nobody_may_not_set) { as_nobody(nobody_sets); }
CASE(adjtimex_arguments)
{
    struct timex tx = { .modes = 0 };
    GOOD(syscall(SYS_adjtimex, &tx));
    tell("tick %ld precision %d", tx.tick, tx.precision > 0);
    SEE(syscall(SYS_adjtimex, bad));
    SEE(syscall(SYS_adjtimex, NULL));
    tx = (struct timex){ .modes = ADJ_TICK, .tick = 1 };
    SEE(syscall(SYS_adjtimex, &tx));
    tx.tick = 1000000;
    SEE(syscall(SYS_adjtimex, &tx));
    tx = (struct timex){ .modes = 0x8000 };
    SEE(syscall(SYS_adjtimex, &tx));
    GOOD(syscall(SYS_clock_adjtime, CLOCK_REALTIME, &(struct timex){ 0 }));
    SEE(syscall(SYS_clock_adjtime, CLOCK_MONOTONIC, &(struct timex){ 0 }));
    SEE(syscall(SYS_clock_adjtime, 99, &(struct timex){ 0 }));
    SEE(syscall(SYS_clock_adjtime, CLOCK_REALTIME, bad));
}
CASE(gettimeofday_arguments)
{
    struct timeval tv;
    struct timezone tz = { 77, 77 };
    SEE(syscall(SYS_gettimeofday, &tv, &tz));
    tell("%d %d", tz.tz_minuteswest, tz.tz_dsttime);
    SEE(syscall(SYS_gettimeofday, NULL, NULL));
    SEE(syscall(SYS_gettimeofday, bad, NULL));
    SEE(syscall(SYS_gettimeofday, NULL, bad));
    SEE(syscall(SYS_time, bad));
    GOOD(syscall(SYS_time, NULL));
    GOOD(syscall(SYS_times, NULL));
    SEE(syscall(SYS_times, bad));
}
static void note(int signo) {}
CASE(nanosleep_arguments)
{
    struct timespec t = { 0, 1000 }, wrong = { 0, 1000000000 }, wrong2 = { -1, 0 }, wrong3 = { 0, -1 }, left = { 7, 7 };
    SEE(syscall(SYS_nanosleep, &t, &left));
    tell("%d %d", (int)left.tv_sec, (int)left.tv_nsec);
    SEE(syscall(SYS_nanosleep, &wrong, NULL));
    SEE(syscall(SYS_nanosleep, &wrong2, NULL));
    SEE(syscall(SYS_nanosleep, &wrong3, NULL));
    SEE(syscall(SYS_nanosleep, bad, NULL));
    SEE(syscall(SYS_nanosleep, &t, bad));
    SEE(syscall(SYS_nanosleep, NULL, NULL));
}
CASE(sleeps_interrupted)
{
    struct timespec t = { 5, 0 }, left = { 0, 0 }, until;
    signal(SIGALRM, note);
    ualarm(20000, 0);
    SEE(syscall(SYS_nanosleep, &t, &left));
    tell("left %d", left.tv_sec == 4);
    left.tv_sec = 77;
    ualarm(20000, 0);
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, &left));
    tell("left %d", left.tv_sec == 4);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 5;
    left.tv_sec = 77;
    ualarm(20000, 0);
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &until, &left));
    tell("left %d", (int)left.tv_sec);
    ualarm(20000, 0);
    SEE(syscall(SYS_nanosleep, &t, bad));
    signal(SIGALRM, SIG_DFL);
}
CASE(clock_nanosleep_arguments)
{
    struct timespec t = { 0, 1000 }, wrong = { 0, 1000000000 }, past = { 1, 0 };
    EACH_CLOCK if (clocks[i] != CLOCK_PROCESS_CPUTIME_ID && clocks[i] != CLOCK_REALTIME_ALARM &&
                   clocks[i] != CLOCK_BOOTTIME_ALARM)
        clock_answer("sleep", clocks[i], syscall(SYS_clock_nanosleep, clocks[i], 0, &t, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, bad, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, NULL, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 99, &past, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, TIMER_ABSTIME, &past, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &past, NULL));
    SEE(syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ -1, 0 }, NULL));
}
CASE(itimer_arguments)
{
    struct itimerval t = { { 0, 0 }, { 100, 0 } }, old, wrong;
    SEE(syscall(SYS_setitimer, 3, &t, NULL));
    SEE(syscall(SYS_setitimer, -1, &t, NULL));
    SEE(syscall(SYS_setitimer, ITIMER_REAL, bad, NULL));
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &t, bad));
    SEE(syscall(SYS_getitimer, 3, &old));
    SEE(syscall(SYS_getitimer, -1, &old));
    SEE(syscall(SYS_getitimer, ITIMER_REAL, bad));
    SEE(syscall(SYS_getitimer, ITIMER_REAL, &old));
    tell("%d", old.it_value.tv_sec >= 99);
    wrong = t;
    wrong.it_value.tv_usec = 1000000;
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &wrong, NULL));
    wrong.it_value.tv_usec = -1;
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &wrong, NULL));
    wrong = t;
    wrong.it_interval.tv_usec = 1000000;
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &wrong, NULL));
    wrong = t;
    wrong.it_value.tv_sec = -1;
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &wrong, NULL));
    SEE(syscall(SYS_setitimer, 3, bad, NULL));
    wrong = t;
    wrong.it_value.tv_sec = LONG_MAX;
    SEE(syscall(SYS_setitimer, ITIMER_REAL, &wrong, NULL));
    SEE(syscall(SYS_setitimer, ITIMER_REAL, NULL, &old));
    SEE(syscall(SYS_getitimer, ITIMER_REAL, &old));
    tell("%d %d", (int)old.it_value.tv_sec, (int)old.it_value.tv_usec);
}
static volatile int fired;
static void count(int signo) { fired = signo; }
CASE(cpu_itimers)
{
    const int signals[] = { SIGALRM, SIGVTALRM, SIGPROF };
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++) {
        struct itimerval t = { { 0, 0 }, { 0, 20000 } }, old;
        signal(signals[which], count);
        fired = 0;
        SEE(setitimer(which, &t, NULL));
        while (!fired)
            ;
        tell("signal %d", fired);
        SEE(getitimer(which, &old));
        tell("%d", (int)old.it_value.tv_usec);
        signal(signals[which], SIG_DFL);
    }
}
CASE(alarm_answers)
{
    SEE(alarm(100));
    SEE(alarm(50));
    SEE(alarm(0));
    SEE(alarm(0));
    GOOD(alarm(UINT_MAX));
    tell("%d", alarm(0) > 1000000000);
    struct itimerval t = { { 0, 0 }, { 0, 300000 } };
    setitimer(ITIMER_REAL, &t, NULL);
    SEE(alarm(0));
}
static void alarm_in_child(void) { SEE(alarm(0)); }
CASE(alarm_is_not_inherited)
{
    alarm(100);
    in_child(alarm_in_child);
    alarm(0);
}
