// SPDX-License-Identifier: BSD-3-Clause
#include "libos/thread/spin.h"
#include "libos/thread/thread.h"
#include "trusted/cpu.h"

enum {
    TICKS_FIRST = 10'000, // spin for as long until a wake-up was measured
    TICKS_MAX = 150'000,  // however dear they are (50 us of a 3 GHz counter)
    VAIN_MAX = 3,         // tries in vain, one after the other, until a thread gives up
    PROBE_EVERY = 64,     // parks between the tries of a thread that has given up
    LOOKS_MAX = 100'000,  // whatever the host does to the counter
};

static u32 most;                  // threads that may spin at a time, one for each processor; 0: nobody spins
static u32 spinning;              // atomic
static u64 wake_up = TICKS_FIRST; // atomic: what the wake-up of a sleeping thread takes, of late

void spinning_init(u64 cpus) { most = cpu_has_tsc() && cpus > 1 ? (u32)MIN(cpus, (u64)UINT32_MAX) : 0; }

void spin_learn(u64 ticks)
{
    u64 known = __atomic_load_n(&wake_up, __ATOMIC_RELAXED);
    __atomic_store_n(&wake_up, known - known / 8 + MIN(ticks, (u64)TICKS_MAX) / 8, __ATOMIC_RELAXED);
}

// Whether the token came in time.
static bool wait_for_token(const struct slot_wake *slot)
{
    u64 begun = cpu_tsc(), limit = __atomic_load_n(&wake_up, __ATOMIC_RELAXED);

    for (u32 looks = 0; looks < LOOKS_MAX; looks++) {
        if (__atomic_load_n(&slot->park_token, __ATOMIC_ACQUIRE))
            return true;
        if (__atomic_load_n(&slot->pending, __ATOMIC_RELAXED) || cpu_tsc() - begun > limit)
            return false;
        __builtin_ia32_pause();
    }
    return false;
}

bool thread_spin(struct thread *self)
{
    if (!most)
        return false;
    if (self->spins_in_vain >= VAIN_MAX && ++self->spins_skipped % PROBE_EVERY)
        return false;
    bool woken = false;
    if (__atomic_add_fetch(&spinning, 1, __ATOMIC_RELAXED) <= most) {
        woken = wait_for_token(self->wake);
        self->spins_in_vain = woken ? 0 : self->spins_in_vain + 1;
    }
    __atomic_sub_fetch(&spinning, 1, __ATOMIC_RELAXED);
    return woken;
}
