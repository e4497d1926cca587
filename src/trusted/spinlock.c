// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/spinlock.h"
#include "trusted/ocall.h"

enum { SPINS_BEFORE_YIELD = 1000 };

void spin_lock_slow(struct spinlock *lock)
{
    for (;;) {
        for (int i = 0; i < SPINS_BEFORE_YIELD; i++) {
            if (!READ_ONCE(lock->locked) && spin_try(lock))
                return;
            __builtin_ia32_pause();
        }
        ocall_yield();
    }
}
