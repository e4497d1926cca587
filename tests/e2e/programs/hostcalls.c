// SPDX-License-Identifier: BSD-3-Clause
// usage: hostcalls >/dev/null. Tells on stderr the nanoseconds per write of one byte to the output, and per round of
// two threads that wake each other by futex; the least of many short rounds each, so that a busy machine disturbs
// little (bench/hostcalls.py).
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 60, WRITES = 1000, TURNS = 200 };

static unsigned turn; // 0 or 1: whose it is

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double writes(int fd)
{
    double begin = now();
    for (int i = 0; i < WRITES; i++)
        if (write(fd, "x", 1) != 1)
            return -1;
    return (now() - begin) / WRITES;
}

static void play(unsigned side)
{
    for (int i = 0; i < TURNS; i++) {
        while (__atomic_load_n(&turn, __ATOMIC_ACQUIRE) != side)
            syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, !side, NULL);
        __atomic_store_n(&turn, !side, __ATOMIC_RELEASE);
        syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void *other(void *arg)
{
    play(1);
    return NULL;
}

static double ping_pong(void)
{
    pthread_t id;
    pthread_create(&id, NULL, other, NULL);
    double begin = now();
    play(0);
    double spent = (now() - begin) / TURNS;
    pthread_join(id, NULL);
    return spent;
}

int main(int argc, char **argv)
{
    double write_ns = 1e12, turn_ns = 1e12;
    for (int i = 0; i < TRIES; i++) {
        double w = writes(STDOUT_FILENO), t = ping_pong();
        write_ns = w < write_ns ? w : write_ns;
        turn_ns = t < turn_ns ? t : turn_ns;
    }
    fprintf(stderr, "%.1f %.1f\n", write_ns, turn_ns);
    return 0;
}
