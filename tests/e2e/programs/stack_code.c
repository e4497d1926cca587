// SPDX-License-Identifier: BSD-3-Clause
// Nested functions whose addresses are taken: gcc makes code on the stack, and marks the program as in need of one that
// can be executed (PT_GNU_STACK). In the first thread, in another one, in a child, and after a signal.
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static int apply(int (*function)(int), int x) { return function(x); }

static int nested(int n)
{
    int add(int x) { return x + n; }
    return apply(add, 40);
}

static void *in_thread(void *arg)
{
    int *result = arg;
    *result = nested(2);
    return NULL;
}

static volatile int seen;
static void on_signal(int signal) { seen = nested(signal); }

int main(void)
{
    pthread_t thread;
    int result = 0, status;

    printf("nested %d\n", nested(1));
    pthread_create(&thread, NULL, in_thread, &result);
    pthread_join(thread, NULL);
    printf("in a thread %d\n", result);
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    printf("in a handler %d\n", seen);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(nested(3));
    waitpid(child, &status, 0);
    printf("in a child %d\n", WEXITSTATUS(status));
    return 0;
}
