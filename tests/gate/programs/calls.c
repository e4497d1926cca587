// SPDX-License-Identifier: BSD-3-Clause
// Exercises what a call gate may break: threads, fork, signals during calls, errno, cancellation.
// With the argument "no-cancel" no thread is cancelled: musl decides by the PC in the signal frame whether a call
// is under way, and the test's gate lets the kernel report its own PC (a LibOS reports the program's).
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t alarms;
static int cleaned;

static void on_alarm(int signal) { alarms++; }
static void on_cancel(void *arg) { cleaned++; }

static void *count_calls(void *arg)
{
    long failures = 0;
    for (int i = 0; i < 1000; i++) {
        struct timespec now;
        failures += clock_gettime(CLOCK_MONOTONIC, &now) != 0;
        failures += close(-1) != -1 || errno != EBADF;
    }
    return (void *)failures;
}

static void *wait_forever(void *arg)
{
    int *fds = arg;
    char byte;
    pthread_cleanup_push(on_cancel, NULL);
    while (read(fds[0], &byte, 1) < 0)
        ;
    pthread_cleanup_pop(0);
    return NULL;
}

static void threads(void)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        if (pthread_create(&threads[i], NULL, count_calls, NULL))
            puts("pthread_create failed");
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("thread %d: %ld failures\n", i, (long)result);
    }
}

static void cancellation(void)
{
    pthread_t thread;
    int fds[2];
    void *result;
    if (pipe(fds) || pthread_create(&thread, NULL, wait_forever, fds))
        return;
    usleep(20000);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    printf("cancelled %d, cleaned %d\n", result == PTHREAD_CANCELED, cleaned);
}

static void signals(void)
{
    struct sigaction action = { .sa_handler = on_alarm };
    struct itimerval timer = { .it_interval = { 0, 2000 }, .it_value = { 0, 2000 } };
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    int interrupted = 0;
    while (alarms < 20) {
        struct timespec second = { 1, 0 };
        interrupted += nanosleep(&second, NULL) == -1 && errno == EINTR;
    }
    setitimer(ITIMER_REAL, &(struct itimerval){ 0 }, NULL);
    printf("interrupted %d\n", interrupted > 0);
}

static void processes(void)
{
    for (int i = 0; i < 3; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(i + 10);
        waitpid(pid, &status, 0);
        printf("child %d: status %d\n", i, WEXITSTATUS(status));
    }
}

int main(int argc, char **argv)
{
    printf("arguments %d %s\n", argc, argc > 1 ? argv[1] : "");
    threads();
    if (argc < 2 || strcmp(argv[1], "no-cancel"))
        cancellation();
    signals();
    processes();
    char *big = malloc(10000000);
    memset(big, 1, 10000000);
    printf("memory %d\n", big[9999999]);
    free(big);
    return 7;
}
