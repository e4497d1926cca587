// SPDX-License-Identifier: BSD-3-Clause
// timer_create(2) and its kin: timers of a process that send signals. Guarded by process_lock.
#pragma once

#include "base/types.h"

struct process;
struct process_signals;

// Sends what is due for the process; returns its next deadline (CLOCK_MONOTONIC ns) or WAIT_FOREVER. With process_lock
// held.
s64 posix_timers_fire(struct process *process, s64 now);
// Likewise what hangs on CPU time (cpu_timer.c).
s64 cpu_timers_fire(struct process *process, s64 now);
// RLIMIT_CPU changed: whoever is over it learns of it some time (a tick) later. With process_lock held.
void cpu_limit_set(struct process *process);
// The current process's ITIMER_VIRTUAL or ITIMER_PROF: sets it (new NULL: no), with the time from now as deadline, and
// returns the previous one likewise. Takes process_lock.
struct cpu_timer cpu_timer_exchange(int which, const struct cpu_timer *new);
// Deletes all timers, at execve and at the end. With process_lock held, or the process out of reach.
void posix_timers_free(struct process_signals *signals);
// The thread that fires all timers (timer.c): started when first needed, 0 or -errno; and told that a deadline changed.
__nodiscard int timer_thread_start(void);
void timer_thread_wake(void);
