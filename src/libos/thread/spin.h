// SPDX-License-Identifier: BSD-3-Clause
// A short wait inside before a thread leaves the enclave to sleep. Who wakes a spinning thread makes no host call.
#pragma once

#include "base/types.h"

struct thread;

// Once, at boot. cpus: the processors the host says there are (a hint). With one, or where the enclave may not read the
// time-stamp counter, nothing spins.
void spinning_init(u64 cpus);

// Spins until the current thread's wake-up token is there: true. False when it did not come in about the time that
// being woken by the host has taken of late; when work is pending; when a thread spins for each processor; or when it
// is not tried: a thread whose last tries were all in vain tries only now and then. Not interested in deadlines: it is
// short.
__nodiscard bool thread_spin(struct thread *self);

// A sleeping thread runs again, so many ticks of the time-stamp counter after the host was asked to wake it.
void spin_learn(u64 ticks);
