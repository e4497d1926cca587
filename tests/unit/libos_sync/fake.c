// SPDX-License-Identifier: BSD-3-Clause
#include "fake.h"

#include "libos/time/time.h"
#include "trusted/spinlock.h"

// Of libc, whose headers cannot stand beside the kernel's.
void *calloc(size_t, size_t);
void free(void *);
long syscall(long, ...);
int pthread_create(unsigned long *, const void *, void *(*)(void *), void *);
int pthread_join(unsigned long, void **);
_Noreturn void pthread_exit(void *);
_Noreturn void abort(void);
int usleep(unsigned);
int sched_yield(void);
int clock_gettime(int, struct __kernel_timespec *);

struct slot_wake fake_slots[FAKE_SLOTS];
struct slot_wake *fake_called[FAKE_SLOTS];
u32 fake_unparks, fake_interrupts, fake_spurious;
static __thread struct thread *self;

struct thread *current_thread(void) { return self; }
void fake_pause_us(u32 us) { usleep(us); }
void *fake_alloc(size_t size) { return calloc(1, size); }
void fake_free(void *ptr) { free(ptr); }

struct thread *fake_become(u32 index)
{
    self = calloc(1, sizeof(*self));
    self->slot = index;
    self->wake = &fake_slots[index];
    return self;
}

void fake_reset(void)
{
    __builtin_memset(fake_slots, 0, sizeof(fake_slots));
    __builtin_memset(fake_called, 0, sizeof(fake_called));
    fake_unparks = fake_interrupts = fake_spurious = 0;
}

void spin_lock_slow(struct spinlock *lock)
{
    while (!spin_try(lock))
        sched_yield();
}

s64 time_monotonic_ns(void)
{
    struct __kernel_timespec ts;
    clock_gettime(1, &ts);
    return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

void thread_park(s64 deadline_ns)
{
    static u32 turns;
    struct __kernel_timespec timeout, *limit = NULL;

    if (deadline_ns != WAIT_FOREVER) {
        s64 left = MAX(deadline_ns - time_monotonic_ns(), (s64)0);
        timeout = (struct __kernel_timespec){ left / NSEC_PER_SEC, left % NSEC_PER_SEC };
        limit = &timeout;
    }
    bool spurious = __atomic_fetch_add(&turns, 1, __ATOMIC_RELAXED) % 100 < fake_spurious;
    if (thread_park_begin() && !spurious)
        syscall(__NR_futex, &self->wake->park_token, FUTEX_WAIT, 0, limit, NULL, 0);
    thread_park_end();
}

static __thread struct lock_thread locks;
const char *fake_fault;
bool fake_faults_expected;

struct lock_thread *lock_thread(void) { return &locks; }

void lock_fault(const char *what, enum lock_class class, enum lock_class held)
{
    if (!fake_faults_expected) {
        test_fail(__FILE__, __LINE__, "%s: %s, held: %s", what, lock_class_name(class), lock_class_name(held));
        abort();
    }
    fake_fault = what;
    pthread_exit(NULL);
}

static void call(struct slot_wake *slot, u32 *count)
{
    lock_check_host_call();
    u32 at = __atomic_load_n(&fake_unparks, __ATOMIC_RELAXED) + __atomic_load_n(&fake_interrupts, __ATOMIC_RELAXED);

    if (at < FAKE_SLOTS)
        __atomic_store_n(&fake_called[at], slot, __ATOMIC_RELAXED);
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&slot->park_token, 1, __ATOMIC_SEQ_CST);
    syscall(__NR_futex, &slot->park_token, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void slot_unpark(struct slot_wake *slot) { call(slot, &fake_unparks); }
void slot_interrupt(struct slot_wake *slot) { call(slot, &fake_interrupts); }

struct worker {
    unsigned long pthread;
    struct thread *thread;
    u32 slot;
    void (*fn)(void *);
    void *arg;
};

static u32 taken[FAKE_SLOTS]; // atomic; upper half: slots of workers

static void *run(void *arg)
{
    struct worker *worker = arg;

    worker->thread = fake_become(worker->slot);
    worker->fn(worker->arg);
    lock_check_none();
    return NULL;
}

struct worker *worker_start(void (*fn)(void *), void *arg)
{
    struct worker *worker = calloc(1, sizeof(*worker));

    worker->slot = FAKE_SLOTS / 2;
    while (__atomic_exchange_n(&taken[worker->slot], 1, __ATOMIC_ACQUIRE))
        worker->slot = MAX((worker->slot + 1) % FAKE_SLOTS, (u32)FAKE_SLOTS / 2);
    worker->fn = fn;
    worker->arg = arg;
    if (pthread_create(&worker->pthread, NULL, run, worker))
        __builtin_trap();
    return worker;
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->pthread, NULL);
    free(worker->thread);
    __atomic_store_n(&taken[worker->slot], 0, __ATOMIC_RELEASE);
    free(worker);
}
