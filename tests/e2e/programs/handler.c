// SPDX-License-Identifier: BSD-3-Clause
// Signals sent by raise, kill, pthread_kill and sigqueue reach their handlers with the right siginfo; masks hold them
// back.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile int count, code, value;

static void handle(int number, siginfo_t *info, void *context)
{
    count++;
    code = info->si_code;
    value = info->si_value.sival_int;
}

int main(void)
{
    struct sigaction action = { .sa_sigaction = handle, .sa_flags = SA_SIGINFO };
    sigset_t set, pending;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);

    raise(SIGUSR1);
    printf("raise: %d %s\n", count, code == SI_TKILL ? "SI_TKILL" : "?");
    kill(getpid(), SIGUSR1);
    printf("kill: %d %s\n", count, code == SI_USER ? "SI_USER" : "?");
    pthread_kill(pthread_self(), SIGUSR1);
    printf("pthread_kill: %d\n", count);
    sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 77 });
    printf("sigqueue: %d %s %d\n", count, code == SI_QUEUE ? "SI_QUEUE" : "?", value);

    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    printf("blocked: %d pending %d\n", count, sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    printf("unblocked: %d\n", count);
    return 0;
}
