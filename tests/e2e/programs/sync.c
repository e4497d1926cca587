// SPDX-License-Identifier: BSD-3-Clause
// 16 threads: a mutex, a condition, a barrier, a semaphore, thread-local data, a robust mutex of a dead owner.
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

enum { THREADS = 16, ROUNDS = 5000 };
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, robust;
static pthread_barrier_t barrier;
static sem_t semaphore;
static __thread int own;
static long total;

static void *body(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        own++;
        pthread_mutex_lock(&mutex);
        total++;
        pthread_mutex_unlock(&mutex);
    }
    pthread_barrier_wait(&barrier);
    sem_post(&semaphore);
    return (void *)(long)own;
}

static void *die_holding(void *argument)
{
    pthread_mutex_lock(&robust);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    long owned = 0;
    pthread_barrier_init(&barrier, NULL, THREADS);
    sem_init(&semaphore, 0, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, body, NULL);
    for (int i = 0; i < THREADS; i++)
        sem_wait(&semaphore);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        owned += (long)result;
    }
    printf("total %ld, owned %ld, main %d\n", total, owned, own);

    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&robust, &attributes);
    pthread_create(&threads[0], NULL, die_holding, NULL);
    pthread_join(threads[0], NULL);
    printf("robust: %s\n", pthread_mutex_lock(&robust) == EOWNERDEAD ? "EOWNERDEAD" : "?");
    return 0;
}
