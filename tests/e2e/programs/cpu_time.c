// CPU time is what is worked, not what passes: clocks, times, getrusage, wait4, timers on it.
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static volatile int ticks;
static void on_tick(int signo) { ticks++; }

static double clock_of(clockid_t id)
{
    struct timespec ts = { 0 };
    clock_gettime(id, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static double used(int who)
{
    struct rusage r;
    getrusage(who, &r);
    return r.ru_utime.tv_sec + r.ru_stime.tv_sec + (r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

static void burn(double seconds)
{
    for (double end = clock_of(CLOCK_MONOTONIC) + seconds; clock_of(CLOCK_MONOTONIC) < end;)
        for (volatile int i = 0; i < 10000; i++)
            ;
}

static void *busy(void *arg)
{
    clockid_t id;
    burn(0.4);
    if (pthread_getcpuclockid(pthread_self(), &id) == 0 && clock_of(id) > 0.03)
        *(int *)arg = 1;
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    int own_clock = 0, status;
    struct rusage child;
    struct tms tms;
    struct itimerval timer = { { 0, 20000 }, { 0, 20000 } };

    if (argc > 1)
        return burn(0.3), 0;
    double process = clock_of(CLOCK_PROCESS_CPUTIME_ID), self = clock_of(CLOCK_THREAD_CPUTIME_ID),
           usage = used(RUSAGE_SELF);
    usleep(800000);
    printf("asleep: process %d, thread %d, getrusage %d\n", clock_of(CLOCK_PROCESS_CPUTIME_ID) - process < 0.4,
           clock_of(CLOCK_THREAD_CPUTIME_ID) - self < 0.4, used(RUSAGE_SELF) - usage < 0.4);
    process = clock_of(CLOCK_PROCESS_CPUTIME_ID);
    pthread_create(&thread, NULL, busy, &own_clock);
    pthread_join(thread, NULL);
    printf("a thread works: process %d, this thread %d, its own clock %d\n",
           clock_of(CLOCK_PROCESS_CPUTIME_ID) - process > 0.03, clock_of(CLOCK_THREAD_CPUTIME_ID) - self < 0.6,
           own_clock);
    char *args[] = { argv[0], "child", NULL };
    pid_t pid;
    posix_spawn(&pid, argv[0], NULL, NULL, args, environ);
    wait4(pid, &status, 0, &child);
    times(&tms);
    printf("a child works: wait4 %d, RUSAGE_CHILDREN %d, times %d\n",
           child.ru_utime.tv_sec * 1000000 + child.ru_utime.tv_usec > 20000, used(RUSAGE_CHILDREN) > 0.02,
           tms.tms_cutime > 1);
    signal(SIGPROF, on_tick);
    printf("ITIMER_PROF %d", setitimer(ITIMER_PROF, &timer, NULL));
    burn(0.6);
    setitimer(ITIMER_PROF, &(struct itimerval){ 0 }, &timer);
    printf(", ticks %d, interval %ld\n", ticks > 1, (long)timer.it_interval.tv_usec);
    signal(SIGXCPU, on_tick), ticks = 0;
    printf("RLIMIT_CPU %d", setrlimit(RLIMIT_CPU, &(struct rlimit){ 1, 60 }));
    for (double end = clock_of(CLOCK_MONOTONIC) + 20; !ticks && clock_of(CLOCK_MONOTONIC) < end;)
        burn(0.05);
    printf(", SIGXCPU %d\n", ticks > 0);
    return 0;
}
