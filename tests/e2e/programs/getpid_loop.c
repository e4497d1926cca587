// SPDX-License-Identifier: BSD-3-Clause
// Prints nanoseconds per getpid() through libc, the least of 5 rounds (bench/).
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2000000 };

int main(void)
{
    double least = 1e9;
    for (int round = 0; round < 5; round++) {
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        for (int i = 0; i < ROUNDS; i++)
            getpid();
        clock_gettime(CLOCK_MONOTONIC, &to);
        double each = ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) / ROUNDS;
        least = each < least ? each : least;
    }
    printf("%.1f\n", least);
    return 0;
}
