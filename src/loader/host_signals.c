// SPDX-License-Identifier: BSD-3-Clause
#include "loader/host_signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/threads.h"

static const int passed_on[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM, SIGTSTP, SIGCONT
};

static sigset_t set;

// SIGTERM goes to the program, which may take its time, or ignore it. Whoever sends it twice means it: the program has
// GRACE seconds from then, after which the enclave is asked to end it and write back what is to be kept; and if that
// does not come to an end either, PATIENCE seconds later the process ends with whatever is in it.
enum { GRACE = 3, PATIENCE = 7, STATUS_TERMINATED = 128 + SIGTERM };
enum stage { RUNNING, ASKED_ONCE, ASKED_TWICE, ENDING };

static enum stage after_signal(enum stage stage, int signo)
{
    return signo == SIGTERM && stage < ASKED_TWICE ? stage + 1 : stage;
}

static enum stage after_timeout(enum stage stage)
{
    if (stage == ASKED_TWICE) {
        __atomic_fetch_or(&loader_page.host_signals, 1ull << HOST_SIGNAL_END, __ATOMIC_SEQ_CST);
        threads_interrupt_all();
        return ENDING;
    }
    fprintf(stderr, "occlum: the enclave does not end after SIGTERM was sent twice: stopped as it is\n");
    _exit(STATUS_TERMINATED);
}

static int next_signal(enum stage stage, time_t deadline)
{
    if (stage < ASKED_TWICE)
        return sigwaitinfo(&set, NULL);
    struct timespec now, left = { 0 };
    clock_gettime(CLOCK_MONOTONIC, &now);
    left.tv_sec = deadline > now.tv_sec ? deadline - now.tv_sec : 0;
    return sigtimedwait(&set, NULL, &left);
}

static time_t seconds_from_now(time_t seconds)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + seconds;
}

static void *wait_for_signals(void *arg)
{
    enum stage stage = RUNNING, before;
    time_t deadline = 0;

    for (;;) {
        int signo = next_signal(stage, deadline);
        before = stage;
        if (signo > 0) {
            int bit = signo == SIGUSR1 && report_wanted() ? HOST_SIGNAL_REPORT : signo - 1;
            __atomic_fetch_or(&loader_page.host_signals, 1ull << bit, __ATOMIC_SEQ_CST);
            threads_interrupt_all();
            stage = after_signal(stage, signo);
        } else if (errno == EAGAIN) {
            stage = after_timeout(stage);
        }
        if (stage != before && stage >= ASKED_TWICE)
            deadline = seconds_from_now(stage == ENDING ? PATIENCE : GRACE);
    }
    return arg;
}

int host_signals_init(void)
{
    pthread_attr_t attr;
    pthread_t id;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++) {
        struct sigaction old;
        // A signal that the caller had ignored (nohup) stays ignored.
        if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaddset(&set, passed_on[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, 64 << 10);
    int err = pthread_create(&id, &attr, wait_for_signals, NULL);
    pthread_attr_destroy(&attr);
    return -err;
}
