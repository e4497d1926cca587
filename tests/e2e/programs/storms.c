// SPDX-License-Identifier: BSD-3-Clause
// Signals as fast as they can be sent: the thread that gets them goes on all the same.
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 2000000, ENOUGH = 100 };

static volatile int handled, done;
static volatile long rounds;
static pthread_t receiver;
static timer_t timer;

static void count(int signo) { handled++; }

static void disarm(int signo)
{
    struct itimerspec off = { 0 };
    if (++handled >= ENOUGH)
        timer_settime(timer, 0, &off, NULL);
}

static void timer_storm(long first, long interval)
{
    struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
    struct itimerspec often = { { 0, interval }, { 0, first } };

    handled = 0;
    signal(SIGUSR1, disarm);
    timer_create(CLOCK_MONOTONIC, &event, &timer);
    timer_settime(timer, 0, &often, NULL);
    while (handled < ENOUGH)
        ;
    timer_delete(timer);
    printf("a timer of %ld ns, then %ld: it was disarmed\n", first, interval);
    fflush(stdout);
}

static void *send(void *arg)
{
    while (!done)
        pthread_kill(receiver, SIGUSR1);
    return NULL;
}

static void signal_storm(int senders, int flags)
{
    struct sigaction action = { .sa_handler = count, .sa_flags = flags };
    pthread_t threads[2];

    done = 0;
    receiver = pthread_self();
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < senders; i++)
        pthread_create(&threads[i], NULL, send, NULL);
    for (rounds = 0; rounds < ROUNDS; rounds++)
        ;
    done = 1;
    for (int i = 0; i < senders; i++)
        pthread_join(threads[i], NULL);
    printf("%d senders: %ld rounds were made\n", senders, rounds);
    fflush(stdout);
}

int main(void)
{
    timer_storm(1, 1);
    timer_storm(1, 1000);
    timer_storm(5000, 5000);
    signal_storm(1, 0);
    signal_storm(2, SA_RESTART);
    return 0;
}
