// SPDX-License-Identifier: BSD-3-Clause
// A sleeping lock: may be held across host calls and user copies. Not recursive. Uninterruptible.
//
// The mutex is one word; who must wait sleeps in a table of buckets that all mutexes share, under the address of the
// word. So the last thing an unlock does to the mutex is the exchange that gives it up: whoever gets it next may free
// the object around it at once, while the unlocker still looks for sleepers of an address that may be anything by now.
// Its class says where it stands in the order of locks (trusted/lock_class.h).
#pragma once

#include "libos/sync/wait.h"

struct mutex {
    u32 state; // 0 free, 1 held, 2 held and perhaps waited for
    LOCK_CLASS_FIELD
};

#define MUTEX_INIT(class)        \
    {                            \
        0 LOCK_CLASS_INIT(class) \
    }

static inline void mutex_init(struct mutex *mutex, enum lock_class class)
{
    (void)class;
    *mutex = (struct mutex)MUTEX_INIT(class);
}

void mutex_lock_slow(struct mutex *mutex);
// Wakes a sleeper of the mutex that was at this address; it is not touched.
void mutex_unlock_slow(const struct mutex *address);

// Without the notes of LOCK_DEBUG.
static inline bool mutex_try(struct mutex *mutex)
{
    u32 free = 0;
    return __atomic_compare_exchange_n(&mutex->state, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

// Takes it if it is free. Never sleeps, so that any lock may be held.
static inline bool mutex_trylock(struct mutex *mutex)
{
    if (!mutex_try(mutex))
        return false;
#if LOCK_DEBUG
    lock_note_take(mutex, mutex->class, false);
#endif
    return true;
}

// Sleeps until the mutex is free and takes it. No spinlock held.
static inline void mutex_lock(struct mutex *mutex)
{
#if LOCK_DEBUG
    lock_note_take(mutex, mutex->class, true);
#endif
    if (unlikely(!mutex_try(mutex)))
        mutex_lock_slow(mutex);
}

// Gives it up. No spinlock held, since a sleeper may have to be woken. The mutex is not touched after another thread
// can have it, so it may lie in an object that the next owner frees.
static inline void mutex_unlock(struct mutex *mutex)
{
#if LOCK_DEBUG
    lock_note_give(mutex);
#endif
    if (unlikely(__atomic_exchange_n(&mutex->state, 0, __ATOMIC_RELEASE) == 2))
        mutex_unlock_slow(mutex);
}

static inline bool mutex_held(const struct mutex *mutex)
{
    return __atomic_load_n(&mutex->state, __ATOMIC_RELAXED) != 0;
}

// The caller's caller holds it; checked in builds with LOCK_DEBUG.
static inline void mutex_assert_held(const struct mutex *mutex)
{
#if LOCK_DEBUG
    lock_check_held(mutex, mutex->class);
#endif
    (void)mutex;
}
