// SPDX-License-Identifier: BSD-3-Clause
// A spinlock for short sections that do not sleep and do not leave the enclave. The holder may be preempted by
// the host, so waiters yield to the host after a while instead of burning their slice.
#pragma once

#include "base/types.h"

struct spinlock {
    u32 locked;
};

#define SPINLOCK_INIT \
    {                 \
        0             \
    }

void spin_lock_slow(struct spinlock *lock);

static inline bool spin_trylock(struct spinlock *lock)
{
    return __atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void spin_lock(struct spinlock *lock)
{
    if (unlikely(!spin_trylock(lock)))
        spin_lock_slow(lock);
}

static inline void spin_unlock(struct spinlock *lock) { __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE); }
