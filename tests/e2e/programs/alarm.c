// SPDX-License-Identifier: BSD-3-Clause
// alarm(2), setitimer(2) and a POSIX timer interrupt pause and sigsuspend.
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int count;

static void handle(int number) { count++; }

int main(void)
{
    struct itimerval often = { { 0, 20000 }, { 0, 20000 } }, off = { { 0, 0 }, { 0, 0 } };
    sigset_t alarms, none;
    signal(SIGALRM, handle);
    sigemptyset(&none);
    sigemptyset(&alarms);
    sigaddset(&alarms, SIGALRM);
    sigprocmask(SIG_BLOCK, &alarms, NULL); // it must not be over before the wait, however busy the machine
    alarm(1);
    sigsuspend(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    printf("alarm %d\n", count);
    setitimer(ITIMER_REAL, &often, NULL);
    while (count < 4)
        pause();
    setitimer(ITIMER_REAL, &off, NULL);
    puts("itimer ok");
    return 0;
}
