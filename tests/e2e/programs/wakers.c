// SPDX-License-Identifier: BSD-3-Clause
// usage: wakers time            nanoseconds of getpid, read of a byte of a file, a byte through a pipe and back to the
// same thread, FUTEX_WAKE of 1
//                               and of 64 threads that sleep; the least of many short tries each (bench/locks.py)
//        wakers rounds COUNT N  COUNT times: N threads sleep, one FUTEX_WAKE wakes them all
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 40, CALLS = 1000, WAITERS = 64, SETTLE_US = 3000 };

static unsigned go, asleep, over;
static int file, ends[2];

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static void *waiter(void *arg)
{
    while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
        unsigned seen = __atomic_load_n(&go, __ATOMIC_ACQUIRE);
        __atomic_fetch_add(&asleep, 1, __ATOMIC_ACQ_REL);
        while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) == seen)
            syscall(SYS_futex, &go, FUTEX_WAIT_PRIVATE, seen, NULL);
    }
    return NULL;
}

static void wait_for_sleepers(unsigned count)
{
    while (__atomic_load_n(&asleep, __ATOMIC_ACQUIRE) < count)
        usleep(200);
    usleep(SETTLE_US); // those that look once more before they sleep do
    __atomic_store_n(&asleep, 0, __ATOMIC_RELEASE);
}

// The least time of a FUTEX_WAKE of all.
static double wake_rounds(unsigned rounds, unsigned count)
{
    pthread_t threads[WAITERS];
    double least = 1e18;

    over = asleep = 0;
    for (unsigned i = 0; i < count; i++)
        if (pthread_create(&threads[i], NULL, waiter, NULL))
            exit(1);
    for (unsigned i = 0; i <= rounds; i++) {
        wait_for_sleepers(count);
        __atomic_store_n(&over, i == rounds, __ATOMIC_RELEASE);
        __atomic_fetch_add(&go, 1, __ATOMIC_ACQ_REL);
        double begin = now();
        syscall(SYS_futex, &go, FUTEX_WAKE_PRIVATE, count);
        double spent = now() - begin;
        least = spent < least ? spent : least;
    }
    for (unsigned i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    return least;
}

static void do_getpid(void) { syscall(SYS_getpid); }

static void do_read(void)
{
    char byte;
    if (pread(file, &byte, 1, 0) != 1)
        exit(1);
}

static void do_pipe(void)
{
    char byte = 0;
    if (write(ends[1], &byte, 1) != 1 || read(ends[0], &byte, 1) != 1)
        exit(1);
}

static double each(void (*call)(void))
{
    double least = 1e18;
    for (int i = 0; i < TRIES; i++) {
        double begin = now();
        for (int n = 0; n < CALLS; n++)
            call();
        double spent = (now() - begin) / CALLS;
        least = spent < least ? spent : least;
    }
    return least;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "rounds") == 0) {
        wake_rounds((unsigned)atoi(argv[2]), (unsigned)atoi(argv[3]));
        return 0;
    }
    file = open("/tmp/wakers", O_CREAT | O_RDWR, 0600);
    if (file < 0 || write(file, "x", 1) != 1 || pipe(ends))
        return 1;
    printf("%.1f %.1f %.1f", each(do_getpid), each(do_read), each(do_pipe));
    printf(" %.0f %.0f\n", wake_rounds(30, 1), wake_rounds(30, WAITERS));
    return 0;
}
