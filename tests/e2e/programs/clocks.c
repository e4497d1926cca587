// SPDX-License-Identifier: BSD-3-Clause
// Clocks: monotonic never goes back over many readings, realtime is near the argument (seconds), sleep sleeps.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    double last = now(CLOCK_MONOTONIC), first = last, real = now(CLOCK_REALTIME), host = atof(argv[1]);
    int back = 0;
    for (int i = 0; i < 200000; i++) {
        double t = now(CLOCK_MONOTONIC);
        back += t < last;
        last = t;
    }
    printf("goes back: %d, moves: %s\n", back, last > first ? "yes" : "no");
    printf("real time is near: %s\n", real > host - 1 && real < host + 3600 ? "yes" : "no");
    struct timespec wait = { 0, 120000000 };
    double before = now(CLOCK_MONOTONIC);
    nanosleep(&wait, NULL);
    double slept = now(CLOCK_MONOTONIC) - before;
    printf("slept: %s\n", slept >= 0.12 && slept < 100 ? "yes" : "no");
    printf("cpu time: %s\n", now(CLOCK_PROCESS_CPUTIME_ID) > 0 ? "yes" : "no");
    return 0;
}
