// SPDX-License-Identifier: BSD-3-Clause
// A signal during read(2): EINTR without SA_RESTART, the data with it. The writer is a thread.
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static pthread_t reader;
static volatile int handled;

static void handle(int number) { handled++; }

static void *disturb(void *argument)
{
    usleep(200 * 1000);
    pthread_kill(reader, SIGUSR1);
    usleep(200 * 1000);
    write(ends[1], "data", 4);
    return NULL;
}

static void try(int flags, const char *name)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = flags };
    char buffer[8] = "";
    pthread_t thread;

    handled = 0;
    sigaction(SIGUSR1, &action, NULL);
    reader = pthread_self();
    pthread_create(&thread, NULL, disturb, NULL);
    errno = 0;
    long got = read(ends[0], buffer, sizeof(buffer) - 1);
    printf("%s: read %ld %s handled %d\n", name, got, got < 0 ? strerror(errno) : buffer, handled);
    pthread_join(thread, NULL);
    if (got < 0)
        read(ends[0], buffer, sizeof(buffer));
}

int main(void)
{
    pipe(ends);
    try(0, "plain");
    try(SA_RESTART, "restart");
    return 0;
}
