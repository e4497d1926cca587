// SPDX-License-Identifier: BSD-3-Clause
// Threads that wake each other all the time, the first one too; one of the others ends the process.
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { THREADS = 8 };
static int baton[THREADS];

static void *run(void *argument)
{
    long me = (long)argument, rounds = 0;
    eventfd_t value;
    for (;;) {
        if (me == 3 && ++rounds == 20)
            _exit(7);
        eventfd_write(baton[(me + 1) % THREADS], 1);
        eventfd_write(baton[(me + 3) % THREADS], 1);
        eventfd_read(baton[me], &value);
    }
}

int main(void)
{
    pthread_t thread;
    for (int i = 0; i < THREADS; i++)
        baton[i] = eventfd(0, 0);
    for (long i = 1; i < THREADS; i++)
        pthread_create(&thread, NULL, run, (void *)i);
    run(NULL);
}
