// SPDX-License-Identifier: BSD-3-Clause
#include "loader/threads.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "loader/ocall_dispatch.h"

enum { STACK_SIZE = 256 << 10 };

struct host_thread {
    u64 slot;
    pid_t tid;
    u32 token;   // futex: 1 = wake up
    int eventfd; // -1 until the thread first polls
    bool polling;
    void *arena;
    bool go; // idle threads: a slot has been given, guarded by idle_lock
    pthread_cond_t wake;
    struct host_thread *next_idle;
};

static const struct platform_ops *platform;
static u64 slot_count;
static struct host_thread **by_slot; // running threads; NULL where none
static pthread_mutex_t idle_lock = PTHREAD_MUTEX_INITIALIZER;
static struct host_thread *idle;
static __thread struct host_thread *self;

int threads_init(const struct platform_ops *ops, u64 slots_max)
{
    platform = ops;
    slot_count = slots_max;
    by_slot = calloc(slots_max, sizeof(struct host_thread *));
    return by_slot ? 0 : -ENOMEM;
}

static struct host_thread *thread_new(void)
{
    struct host_thread *thread = calloc(1, sizeof(*thread));
    if (!thread)
        return NULL;
    thread->eventfd = -1;
    thread->arena = mmap(NULL, OCALL_ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (thread->arena == MAP_FAILED) {
        free(thread);
        return NULL;
    }
    pthread_cond_init(&thread->wake, NULL);
    return thread;
}

static struct host_thread *thread_of(u64 slot)
{
    return slot < slot_count ? __atomic_load_n(&by_slot[slot], __ATOMIC_ACQUIRE) : NULL;
}

static bool shutting_down; // the enclave said its last word; the process is about to end

// A thread that starts, or comes back from a host call, while the enclave shuts down is turned away too: then its slot
// is done. The thread that brings the last word may still be on its way.
static void refused(u64 slot)
{
    for (int tenths = 0; tenths < 100; tenths++) {
        if (__atomic_load_n(&shutting_down, __ATOMIC_ACQUIRE))
            return;
        usleep(100000);
    }
    fprintf(stderr, "occlum: the enclave refused an entry at slot %llu\n", (unsigned long long)slot);
    _exit(125);
}

static _Noreturn void aborted(u64 value)
{
    static const char *const reasons[] = {
        "?",
        "a host pointer was not the host's",
        "an impossible answer of the host",
        "a fault inside the LibOS",
        "stack smashing",
        "the start failed",
        "RDRAND does not answer",
        "a bug of the LibOS",
        "build/image.erofs is not there, or does not match the enclave: it was changed after the build. Build again: "
        "occlum build",
    };
    u64 reason = value & 0xff;
    fprintf(stderr, "occlum: the enclave stopped: %s (%#llx)\n", reason < ARRAY_SIZE(reasons) ? reasons[reason] : "?",
            (unsigned long long)value);
    _exit(125);
}

// Named in messages.
static const char *program = "";

void threads_set_program(const char *name) { program = name; }

// The program did not even start: say why, whatever the enclave's log is allowed to say.
static void report_refusal(u64 refusal)
{
    static const char *const reasons[] = {
        [REFUSED_ENTRY_POINT] = "entry_points of Occlum.json does not permit it",
        [REFUSED_NOT_FOUND] = "not found in the image",
        [REFUSED_NOT_EXECUTABLE] = "not an executable file",
        [REFUSED_FORMAT] = "not a program for x86-64 Linux, or a script without an interpreter",
        [REFUSED_TOO_BIG] = "too many arguments, or too large an environment",
        [REFUSED_MEMORY] = "not enough memory: see user_space_size and kernel_space_heap_size in Occlum.json",
        [REFUSED_IMAGE] =
            "the image does not match the enclave: it was changed after the build. Build again: occlum build -f",
        [REFUSED_OTHER] = "it cannot be started (OCCLUM_LOG_LEVEL=error says more in a debuggable enclave)",
    };
    if (refusal)
        fprintf(stderr, "occlum: %s: %s\n", program, refusal < ARRAY_SIZE(reasons) ? reasons[refusal] : "?");
}

// Serves one slot until it leaves for good. Returns the reason and its value.
static struct enclave_exit serve(struct host_thread *thread, u64 code, u64 arg)
{
    struct ocall_frame *frame = thread->arena;

    for (;;) {
        struct enclave_exit exit =
            platform->enter(thread->slot, code, arg, (u64)(uintptr_t)thread->arena, OCALL_ARENA_SIZE);
        if (exit.reason == EXIT_REFUSED) {
            refused(thread->slot);
            return exit;
        }
        if (exit.reason == EXIT_ABORT)
            aborted(exit.value);
        if (exit.reason == EXIT_SHUTDOWN) {
            __atomic_store_n(&shutting_down, true, __ATOMIC_RELEASE);
            report_refusal(exit.value >> 32);
        }
        if (exit.reason != EXIT_OCALL)
            return exit;
        arg = (u64)ocall_dispatch(frame->number, frame->arg);
        code = ECALL_RETURN;
    }
}

static int attach(struct host_thread *thread, u64 slot)
{
    thread->slot = slot;
    self = thread;
    int err = platform->attach_thread();
    // Only now can it be interrupted.
    __atomic_store_n(&thread->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    return err;
}

static long futex(u32 *word, int op, u32 value, const struct timespec *timeout)
{
    return syscall(SYS_futex, word, op | FUTEX_PRIVATE_FLAG, value, timeout, NULL, 0);
}

static void wake(struct host_thread *thread)
{
    if (__atomic_exchange_n(&thread->token, 1, __ATOMIC_SEQ_CST) == 0)
        futex(&thread->token, FUTEX_WAKE, 1, NULL);
    if (__atomic_load_n(&thread->polling, __ATOMIC_SEQ_CST) && eventfd_write(thread->eventfd, 1) != 0)
        return; // the counter is at its maximum: it is readable anyway
}

static u64 start_args_address;
static int shutdown_status;

// Only the first process's end comes back here; another thread of the enclave may be the one that reports it.
static pthread_mutex_t end_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t end_cond = PTHREAD_COND_INITIALIZER;
static bool ended;

static struct host_thread
    *first; // waits for the end, or serves a slot: then it may sleep in the enclave's name, and wakes for this

static void report_end(int status)
{
    pthread_mutex_lock(&end_lock);
    shutdown_status = status;
    ended = true;
    pthread_cond_signal(&end_cond);
    pthread_mutex_unlock(&end_lock);
    wake(first);
}

// Waits for a slot to serve. Host threads are few and live until the process ends.
static void wait_for_slot(struct host_thread *thread)
{
    pthread_mutex_lock(&idle_lock);
    thread->go = false;
    thread->next_idle = idle;
    idle = thread;
    while (!thread->go)
        pthread_cond_wait(&thread->wake, &idle_lock);
    pthread_mutex_unlock(&idle_lock);
}

static void *thread_main(void *arg)
{
    struct host_thread *thread = arg;

    if (attach(thread, thread->slot) != 0)
        _exit(125);
    for (;;) {
        struct enclave_exit exit = serve(thread, ECALL_THREAD, 0);
        if (exit.reason == EXIT_SHUTDOWN)
            report_end((int)(u32)exit.value);
        wait_for_slot(thread);
    }
    return NULL;
}

int threads_run_first(u64 start_args)
{
    struct host_thread *thread = first = thread_new();
    if (!thread)
        return -ENOMEM;
    start_args_address = start_args;
    by_slot[0] = thread;
    int err = attach(thread, 0);
    if (err)
        return err;
    struct enclave_exit exit = serve(thread, ECALL_START, start_args_address);
    if (exit.reason == EXIT_SHUTDOWN)
        return (int)(u32)exit.value;
    // The main thread of the program ended before the program: the slot may be given to another thread.
    pthread_mutex_lock(&end_lock);
    while (!ended)
        pthread_cond_wait(&end_cond, &end_lock);
    pthread_mutex_unlock(&end_lock);
    return shutdown_status;
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

int threads_start(u64 slot)
{
    if (slot >= slot_count)
        return -EINVAL;
    pthread_mutex_lock(&idle_lock);
    struct host_thread *thread = idle;
    if (thread) {
        idle = thread->next_idle;
        thread->slot = slot;
        __atomic_store_n(&thread->token, 0, __ATOMIC_SEQ_CST); // a late wake-up of the slot's last thread may still come
        __atomic_store_n(&by_slot[slot], thread, __ATOMIC_RELEASE);
        thread->go = true;
        pthread_cond_signal(&thread->wake);
    }
    pthread_mutex_unlock(&idle_lock);
    if (thread)
        return 0;
    thread = thread_new();
    if (!thread)
        return -ENOMEM;
    thread->slot = slot;
    __atomic_store_n(&by_slot[slot], thread, __ATOMIC_RELEASE);
    return spawn(thread);
}

int threads_park(s64 timeout_ns)
{
    struct timespec timeout = { .tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000 };

    if (__atomic_exchange_n(&self->token, 0, __ATOMIC_SEQ_CST))
        return 0;
    futex(&self->token, FUTEX_WAIT, 0, timeout_ns < 0 ? NULL : &timeout);
    __atomic_store_n(&self->token, 0, __ATOMIC_SEQ_CST);
    return 0;
}

int threads_unpark(u64 slot)
{
    struct host_thread *thread = thread_of(slot);
    if (!thread)
        return -ESRCH;
    wake(thread);
    return 0;
}

int threads_interrupt(u64 slot)
{
    struct host_thread *thread = thread_of(slot);
    if (!thread)
        return -ESRCH;
    wake(thread);
    // A thread that is just starting has no tid yet; it looks at its pending work before it runs the program.
    pid_t tid = __atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE);
    if (tid)
        syscall(SYS_tgkill, getpid(), tid, platform_interrupt_signal());
    return 0;
}

void threads_interrupt_all(void)
{
    for (u64 slot = 0; slot < slot_count; slot++)
        threads_interrupt(slot);
}

void threads_interrupt_any(void)
{
    for (u64 slot = 0; slot < slot_count; slot++)
        if (thread_of(slot)) {
            threads_interrupt(slot);
            return;
        }
}

int threads_poll_begin(void)
{
    if (self->eventfd < 0)
        self->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->eventfd < 0)
        return -errno;
    __atomic_store_n(&self->polling, true, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&self->token, __ATOMIC_SEQ_CST))
        eventfd_write(self->eventfd, 1);
    return self->eventfd;
}

void threads_poll_end(void)
{
    eventfd_t count;
    __atomic_store_n(&self->polling, false, __ATOMIC_SEQ_CST);
    __atomic_store_n(&self->token, 0, __ATOMIC_SEQ_CST);
    while (eventfd_read(self->eventfd, &count) == 0)
        ;
}
