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
static volatile int handled, returned;

static void handle(int number) { handled++; }

// Without SA_RESTART until the read is over: on a busy machine the reader may come to it later than the first signal.
static void *disturb(void *restart)
{
    do {
        usleep(200 * 1000);
        pthread_kill(reader, SIGUSR1);
    } while (!restart && !returned);
    usleep(200 * 1000);
    write(ends[1], "data", 4);
    return NULL;
}

static void try(int flags, const char *name)
{
    struct sigaction action = { .sa_handler = handle, .sa_flags = flags };
    char buffer[8] = "";
    pthread_t thread;

    handled = returned = 0;
    sigaction(SIGUSR1, &action, NULL);
    reader = pthread_self();
    pthread_create(&thread, NULL, disturb, (void *)(long)(flags & SA_RESTART));
    errno = 0;
    long got = read(ends[0], buffer, sizeof(buffer) - 1);
    int error = errno;
    returned = 1;
    printf("%s: read %ld %s handled %s\n", name, got, got < 0 ? strerror(error) : buffer, handled ? "yes" : "no");
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
