// SPDX-License-Identifier: BSD-3-Clause
// A sleeping lock: may be held across host calls and user copies. Not recursive. Uninterruptible.
//
// Lock order (take left before right): process tree -> mm -> file table -> inode -> page cache -> wait queues.
#pragma once

#include "libos/sync/wait.h"

struct mutex {
    u32 state; // 0 free, 1 held, 2 held and perhaps waited for
    struct wait_queue queue;
};

#define MUTEX_INIT(m)                 \
    {                                 \
        0, WAIT_QUEUE_INIT((m).queue) \
    }

void mutex_init(struct mutex *mutex);
void mutex_lock_slow(struct mutex *mutex);
void mutex_unlock_slow(struct mutex *mutex);

static inline bool mutex_trylock(struct mutex *mutex)
{
    u32 free = 0;
    return __atomic_compare_exchange_n(&mutex->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline void mutex_lock(struct mutex *mutex)
{
    if (unlikely(!mutex_trylock(mutex)))
        mutex_lock_slow(mutex);
}

static inline void mutex_unlock(struct mutex *mutex)
{
    if (unlikely(__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2))
        mutex_unlock_slow(mutex);
}

static inline bool mutex_held(const struct mutex *mutex) { return READ_ONCE(mutex->state) != 0; }
