// SPDX-License-Identifier: BSD-3-Clause
// timer_create(2): signals to the process and to a thread, values, once and repeatedly, absolute times, overruns,
// disarming.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int count, value, code, on_thread;
static void handle(int number, siginfo_t *info, void *context)
{
    count++;
    value = info->si_value.sival_int;
    code = info->si_code;
    on_thread = (int)syscall(SYS_gettid) != getpid();
}

static timer_t make(clockid_t clock, int notify, int given)
{
    struct sigevent event = { .sigev_notify = notify, .sigev_signo = SIGUSR1, .sigev_value.sival_int = given };
    timer_t timer = NULL;
    if (timer_create(clock, &event, &timer) != 0)
        printf("timer_create: %s\n", strerror(errno));
    return timer;
}

static void set(timer_t timer, long ms, long every_ms)
{
    struct itimerspec spec = { { every_ms / 1000, every_ms % 1000 * 1000000 }, { ms / 1000, ms % 1000 * 1000000 } };
    if (timer_settime(timer, 0, &spec, NULL) != 0)
        printf("timer_settime: %s\n", strerror(errno));
}

static void wait_for(int wanted)
{
    for (int i = 0; i < 60000 && count < wanted; i++)
        usleep(1000);
}

static volatile int called;
static void call(union sigval given) { called += given.sival_int; }

int main(void)
{
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
    struct itimerspec left;
    struct timespec now;
    sigset_t mask;
    sigaction(SIGUSR1, &action, NULL);

    timer_t once = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, 7);
    set(once, 20, 0);
    wait_for(1);
    timer_gettime(once, &left);
    printf("once %d, value %d, SI_TIMER %d, left %ld\n", count, value, code == SI_TIMER, (long)left.it_value.tv_nsec);

    set(once, 5, 5);
    wait_for(6);
    set(once, 0, 0);
    int seen = count;
    usleep(30000);
    printf("again and again: %s, disarmed: %s\n", seen >= 6 ? "yes" : "no", count == seen ? "yes" : "no");

    clock_gettime(CLOCK_REALTIME, &now);
    struct itimerspec absolute = { .it_value = { now.tv_sec - 5, 0 } };
    timer_t real = make(CLOCK_REALTIME, SIGEV_SIGNAL, 9);
    count = 0;
    timer_settime(real, TIMER_ABSTIME, &absolute, NULL);
    wait_for(1);
    printf("a time that is past: %d, value %d\n", count, value);

    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR1);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    count = 0;
    set(once, 10, 0);
    set(real, 1000000, 0);
    timer_gettime(real, &left);
    usleep(50000);
    printf("blocked: %d, hours left: %s\n", count, left.it_value.tv_sec > 900 ? "yes" : "no");
    sigprocmask(SIG_UNBLOCK, &mask, NULL);
    printf("unblocked: %d\n", count);

    struct sigevent threaded = { .sigev_notify = SIGEV_THREAD,
                                 .sigev_notify_function = call,
                                 .sigev_value.sival_int = 3 };
    timer_t thread;
    timer_create(CLOCK_MONOTONIC, &threaded, &thread);
    set(thread, 10, 0);
    for (int i = 0; i < 60000 && !called; i++)
        usleep(1000);
    printf("a function on a thread: %d\n", called);

    printf("deleted: %d %d %d\n", timer_delete(once), timer_delete(real), timer_delete(thread));
    printf("unknown: %s\n", syscall(SYS_timer_delete, 77) < 0 && errno == EINVAL ? "EINVAL" : "?");
    struct sigevent bad = { .sigev_notify = 99 };
    printf("bad: %d %s\n", timer_create(CLOCK_MONOTONIC, &bad, &once), errno == EINVAL ? "EINVAL" : "?");
    printf("bad clock: %d %s\n", timer_create(99, NULL, &once), errno == EINVAL ? "EINVAL" : "?");
    struct itimerspec wrong = { .it_value = { 0, 1000000000 } };
    once = make(CLOCK_BOOTTIME, SIGEV_NONE, 0);
    printf("bad time: %d %s\n", timer_settime(once, 0, &wrong, NULL), errno == EINVAL ? "EINVAL" : "?");
    return 0;
}
