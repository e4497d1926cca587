// SPDX-License-Identifier: BSD-3-Clause
#include "loader/host_signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "loader/report.h"
#include "loader/runtime.h"
#include "loader/threads.h"

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH, SIGALRM };

static sigset_t set;

static void *wait_for_signals(void *arg)
{
    siginfo_t info;
    for (;;) {
        int signo = sigwaitinfo(&set, &info);
        if (signo <= 0)
            continue;
        int bit = signo == SIGUSR1 && report_wanted() ? HOST_SIGNAL_REPORT : signo - 1;
        __atomic_fetch_or(&loader_page.host_signals, 1ull << bit, __ATOMIC_SEQ_CST);
        threads_interrupt_any();
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
