// SPDX-License-Identifier: BSD-3-Clause
// The three-state mutex: free, held, held with sleepers. Unlocking is one exchange unless somebody sleeps; then one
// sleeper of its address is taken out of the table and woken, and competes for it again.
#include "libos/sync/mutex.h"
#include "libos/thread/thread.h"

enum { SPINS_BEFORE_SLEEP = 200, BUCKETS = 64 };

struct sleeper {
    struct sleeper *next;
    const struct mutex *mutex; // never followed
    struct slot_wake *slot;
    bool woken; // atomic; the last thing a waker touches here
};

static struct {
    struct spinlock lock;
    struct sleeper *first, **end; // first come first served; end NULL until first use
} __aligned_to(64) buckets[BUCKETS] = { [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(LOCK_SLEEPERS) } };

static size_t bucket_of(const struct mutex *mutex)
{
    return (size_t)(((u64)(uintptr_t)mutex >> 2) * 0x9e3779b97f4a7c15ull >> 58);
}

// Queues self if the mutex is still held with sleepers: an unlock after this look finds it.
static bool enqueue(struct sleeper *self, struct mutex *mutex)
{
    typeof(&buckets[0]) bucket = &buckets[bucket_of(mutex)];

    spin_lock(&bucket->lock);
    bool held = __atomic_load_n(&mutex->state, __ATOMIC_RELAXED) == 2;
    if (held) {
        if (!bucket->end)
            bucket->end = &bucket->first;
        *bucket->end = self;
        bucket->end = &self->next;
    }
    spin_unlock(&bucket->lock);
    return held;
}

void mutex_lock_slow(struct mutex *mutex)
{
    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        if (mutex_try(mutex))
            return;
        __builtin_ia32_pause();
    }
    while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0) {
        struct sleeper self = { .mutex = mutex, .slot = current->wake };
        if (!enqueue(&self, mutex))
            continue;
        while (!__atomic_load_n(&self.woken, __ATOMIC_ACQUIRE))
            thread_park(WAIT_FOREVER);
    }
}

void mutex_unlock_slow(const struct mutex *address)
{
    typeof(&buckets[0]) bucket = &buckets[bucket_of(address)];
    struct wake_list list;

    wake_list_init(&list);
    spin_lock(&bucket->lock);
    for (struct sleeper **link = &bucket->first; *link; link = &(*link)->next) {
        struct sleeper *sleeper = *link;
        if (sleeper->mutex != address)
            continue;
        struct slot_wake *slot = sleeper->slot;
        *link = sleeper->next;
        if (bucket->end == &sleeper->next)
            bucket->end = link;
        __atomic_store_n(&sleeper->woken, true, __ATOMIC_RELEASE); // its stack frame is its own again
        wake_list_add(&list, slot);
        break;
    }
    spin_unlock(&bucket->lock);
    wake_list_flush(&list);
}
