// SPDX-License-Identifier: BSD-3-Clause
// Makes threads until none can be had (EAGAIN), ends them all, and can make one again.
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MOST = 4096 };
static pthread_t threads[MOST];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int go, ran;

static void *body(void *argument)
{
    pthread_mutex_lock(&mutex);
    while (!go)
        pthread_cond_wait(&condition, &mutex);
    ran++;
    pthread_mutex_unlock(&mutex);
    return argument;
}

int main(void)
{
    int count = 0, error = 0;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 64 * 1024);
    while (count < MOST && !(error = pthread_create(&threads[count], &attributes, body, NULL)))
        count++;
    printf("refused: %s, some were made: %s\n", error == EAGAIN ? "EAGAIN" : strerror(error), count > 8 ? "yes" : "no");
    pthread_mutex_lock(&mutex);
    go = 1;
    pthread_cond_broadcast(&condition);
    pthread_mutex_unlock(&mutex);
    for (int i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    printf("all ran: %s\n", ran == count ? "yes" : "no");
    error = pthread_create(&threads[0], &attributes, body, NULL);
    printf("one more: %s\n", error ? strerror(error) : "yes");
    if (!error)
        pthread_join(threads[0], NULL);
    return 0;
}
