// SPDX-License-Identifier: BSD-3-Clause
// A sleeping lock: may be held across host calls and user copies. Not recursive. Uninterruptible.
//
// The mutex is one word; who must wait sleeps in a table of buckets that all mutexes share, under the address of the
// word. So the last thing an unlock does to the mutex is the exchange that gives it up: whoever gets it next may free
// the object around it at once, while the unlocker still looks for sleepers of an address that may be anything by now.
//
// Lock order (take left before right): process tree -> mm -> file table -> inode -> page cache -> wait queues.
#pragma once

#include "libos/sync/wait.h"

struct mutex {
    u32 state; // 0 free, 1 held, 2 held and perhaps waited for
};

#define MUTEX_INIT(m) \
    {                 \
        0             \
    }

static inline void mutex_init(struct mutex *mutex) { mutex->state = 0; }
void mutex_lock_slow(struct mutex *mutex);
// Wakes a sleeper of the mutex that was at this address; it is not touched.
void mutex_unlock_slow(const struct mutex *address);

static inline bool mutex_trylock(struct mutex *mutex)
{
    u32 free = 0;
    return __atomic_compare_exchange_n(&mutex->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// Sleeps until the mutex is free and takes it. No spinlock held.
static inline void mutex_lock(struct mutex *mutex)
{
    if (unlikely(!mutex_trylock(mutex)))
        mutex_lock_slow(mutex);
}

// Gives it up. No spinlock held, since a sleeper may have to be woken. The mutex is not touched after another thread
// can have it, so it may lie in an object that the next owner frees.
static inline void mutex_unlock(struct mutex *mutex)
{
    if (unlikely(__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2))
        mutex_unlock_slow(mutex);
}

static inline bool mutex_held(const struct mutex *mutex) { return READ_ONCE(mutex->state) != 0; }
