// SPDX-License-Identifier: BSD-3-Clause
// usage: bases THREADS MILLISECONDS [spoil]. Busy threads that look at their thread-local data all the time, between
// system calls, host calls and signal handlers. Prints "N wrong" at the end: the looks that found somebody else's data.
// With `spoil` each thread takes the main thread's base for one look.
#include <asm/prctl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static __thread uintptr_t mine;
static __thread volatile sig_atomic_t handled;
static unsigned long wrong, looks;
static double until;
static uintptr_t spoil; // the main thread's base, or 0

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

static uintptr_t base(void)
{
    uintptr_t at;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(at));
    return at;
}

static void take_base(uintptr_t at)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_arch_prctl), "D"(ARCH_SET_FS), "S"(at)
                     : "rcx", "r11", "memory");
}

static unsigned long look(uintptr_t id, uintptr_t self) { return *(volatile uintptr_t *)&mine != id || base() != self; }

static void on_signal(int signo) { handled++; }

static void *busy(void *arg)
{
    unsigned long bad = 0, count = 0;
    uintptr_t self = (uintptr_t)pthread_self();
    mine = (uintptr_t)arg;
    if (spoil) {
        take_base(spoil);
        bad += look((uintptr_t)arg, self);
        take_base(self);
    }
    do {
        for (int i = 0; i < 2000; i++, count++)
            bad += look((uintptr_t)arg, self);
        sched_yield(); // a host call
        sig_atomic_t before = handled;
        pthread_kill(pthread_self(), SIGUSR1);
        bad += handled != before + 1;
        getppid();
    } while (now() < until);
    __atomic_fetch_add(&wrong, bad, __ATOMIC_RELAXED);
    __atomic_fetch_add(&looks, count, __ATOMIC_RELAXED);
    return NULL;
}

int main(int argc, char **argv)
{
    int threads = atoi(argv[1]);
    pthread_t id[64];
    signal(SIGUSR1, on_signal);
    spoil = argc > 3 ? base() : 0;
    until = now() + atoi(argv[2]) / 1e3;
    puts("begun");
    fflush(stdout);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&id[i], NULL, busy, (void *)(uintptr_t)(i + 1)) != 0)
            return 1;
    for (int i = 0; i < threads; i++)
        pthread_join(id[i], NULL);
    printf("%lu wrong\n", wrong);
    return looks == 0 || wrong != 0;
}
