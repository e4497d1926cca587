// SPDX-License-Identifier: BSD-3-Clause
// A mutex for code that serves host calls: those of libc look at thread-local storage.
#pragma once

#include <linux/futex.h>

#include "platform/raw.h"

// 0: free. 1: held. 2: held, and somebody may be asleep.
struct loader_lock {
    u32 state;
};

static inline void loader_lock(struct loader_lock *lock)
{
    u32 seen = 0;
    if (__atomic_compare_exchange_n(&lock->state, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        return;
    while (__atomic_exchange_n(&lock->state, 2, __ATOMIC_ACQUIRE) != 0)
        raw_futex(&lock->state, FUTEX_WAIT, 2, NULL);
}

static inline void loader_unlock(struct loader_lock *lock)
{
    if (__atomic_exchange_n(&lock->state, 0, __ATOMIC_RELEASE) == 2)
        raw_futex(&lock->state, FUTEX_WAKE, 1, NULL);
}
