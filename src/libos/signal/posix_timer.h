// SPDX-License-Identifier: BSD-3-Clause
// timer_create(2) and its kin: timers of a process that send signals. Guarded by process_lock.
#pragma once

#include "base/types.h"

struct process;
struct process_signals;

// Sends what is due for the process; returns its next deadline (CLOCK_MONOTONIC ns) or WAIT_FOREVER. With process_lock
// held.
s64 posix_timers_fire(struct process *process, s64 now);
// Deletes all timers, at execve and at the end. With process_lock held, or the process out of reach.
void posix_timers_free(struct process_signals *signals);
// The thread that fires all timers (timer.c): started when first needed, 0 or -errno; and told that a deadline changed.
__nodiscard int timer_thread_start(void);
void timer_thread_wake(void);
