// SPDX-License-Identifier: BSD-3-Clause
// The life of host threads between slots: %fs is the host's here, and libc is at home.
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "loader/threads.h"
#include "platform/raw.h"

#define STACK_SIZE KIB(256)

// The first thread serves slot 0, or waits for the end when the program's main thread ended before the program.
static struct host_thread *first;
static int end_status;
static u32 ended; // futex

static struct host_thread *thread_new(void)
{
    struct host_thread *thread = calloc(1, sizeof(*thread));
    if (!thread)
        return NULL;
    thread->arena = mmap(NULL, OCALL_ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (thread->arena == MAP_FAILED) {
        free(thread);
        return NULL;
    }
    return thread;
}

// Another thread than the first may be the one that the last word comes to.
static void report_end(int status)
{
    end_status = status;
    __atomic_store_n(&ended, 1, __ATOMIC_RELEASE);
    raw_futex(&ended, FUTEX_WAKE, 1, NULL);
    threads_wake(first); // it may sleep in the enclave's name
}

static void *thread_main(void *arg)
{
    struct host_thread *self = arg;

    if (threads_attach(self) != 0)
        _exit(125);
    for (;;) {
        struct enclave_exit exit = threads_serve(self, ECALL_THREAD, 0);
        if (exit.reason == EXIT_SHUTDOWN)
            report_end((int)(u32)exit.value);
        threads_wait_for_slot(self);
    }
    return NULL;
}

int threads_run_first(u64 start_args)
{
    struct host_thread *self = first = thread_new();
    if (!self)
        return -ENOMEM;
    threads_take_slot(self, 0);
    int err = threads_attach(self);
    if (err)
        return err;
    struct enclave_exit exit = threads_serve(self, ECALL_START, start_args);
    if (exit.reason == EXIT_SHUTDOWN)
        return (int)(u32)exit.value;
    while (!__atomic_load_n(&ended, __ATOMIC_ACQUIRE))
        raw_futex(&ended, FUTEX_WAIT, 0, NULL);
    return end_status;
}

static int spawn(struct host_thread *thread)
{
    pthread_attr_t attr;
    pthread_t id;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_SIZE);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    int err = pthread_create(&id, &attr, thread_main, thread);
    pthread_attr_destroy(&attr);
    return -err;
}

s64 threads_make(void *slot)
{
    struct host_thread *thread = thread_new();
    if (!thread)
        return -ENOMEM;
    threads_take_slot(thread, *(const u64 *)slot);
    return spawn(thread);
}
