// SPDX-License-Identifier: BSD-3-Clause
// A spinlock for short sections that do not sleep and do not leave the enclave. The holder may be preempted by
// the host, so waiters yield to the host after a while instead of burning their slice. Its class says where it stands
// in the order of locks (trusted/lock_class.h).
#pragma once

#include "base/types.h"
#include "trusted/lock_class.h"

struct spinlock {
    u32 locked;
    LOCK_CLASS_FIELD
};

#define SPINLOCK_INIT(class)     \
    {                            \
        0 LOCK_CLASS_INIT(class) \
    }

static inline void spin_init(struct spinlock *lock, enum lock_class class)
{
    (void)class;
    *lock = (struct spinlock)SPINLOCK_INIT(class);
}

void spin_lock_slow(struct spinlock *lock);

static inline bool spin_try(struct spinlock *lock)
{
    return __atomic_exchange_n(&lock->locked, 1, __ATOMIC_ACQUIRE) == 0;
}

// Takes it, after any wait it needs.
static inline void spin_lock(struct spinlock *lock)
{
#if LOCK_DEBUG
    lock_note_take(lock, lock->class, true);
#endif
    if (unlikely(!spin_try(lock)))
        spin_lock_slow(lock);
}

static inline void spin_unlock(struct spinlock *lock)
{
#if LOCK_DEBUG
    lock_note_give(lock);
#endif
    __atomic_store_n(&lock->locked, 0, __ATOMIC_RELEASE);
}

// The caller's caller holds it; checked in builds with LOCK_DEBUG.
static inline void spin_assert_held(const struct spinlock *lock)
{
#if LOCK_DEBUG
    lock_check_held(lock, lock->class);
#endif
    (void)lock;
}
