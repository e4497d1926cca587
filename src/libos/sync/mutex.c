// SPDX-License-Identifier: BSD-3-Clause
// The three-state mutex: free, held, held with sleepers. Unlocking is one exchange unless somebody sleeps.
#include "libos/sync/mutex.h"

enum { SPINS_BEFORE_SLEEP = 200 };

void mutex_init(struct mutex *mutex)
{
    mutex->state = 0;
    wait_queue_init(&mutex->queue);
}

void mutex_lock_slow(struct mutex *mutex)
{
    struct waiter waiter;

    for (int i = 0; i < SPINS_BEFORE_SLEEP; i++) {
        if (mutex_trylock(mutex))
            return;
        __builtin_ia32_pause();
    }
    waiter_init(&waiter);
    wait_add(&mutex->queue, &waiter);
    while (__atomic_exchange_n(&mutex->state, 2, __ATOMIC_ACQUIRE) != 0)
        waiter_sleep_uninterruptible(&waiter, WAIT_FOREVER);
    wait_remove(&mutex->queue, &waiter);
}

void mutex_unlock_slow(struct mutex *mutex) { wake_up(&mutex->queue, 1); }
