// SPDX-License-Identifier: BSD-3-Clause
// What a process and a thread hold of signals. What is done with it: signal/.
#pragma once

#include "abi/linux/abi.h"
#include "base/list.h"
#include "trusted/spinlock.h"

enum { SIGNALS = 64 };
#define SIGMASK(signo) (1ull << ((signo)-1))
#define SIGMASK_UNBLOCKABLE (SIGMASK(SIGKILL) | SIGMASK(SIGSTOP))
#define SIGMASK_STOPS (SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU))

// As the kernel's struct sigaction of x86-64.
struct signal_action {
    u64 handler, flags, restorer, mask;
};

// Signals that wait: a bit each, and what is known of each in arrival order.
struct signal_queue {
    u64 pending;
    u32 count;
    struct list_head entries; // struct signal_entry
};

// A timer on CPU time; ns, deadline 0: off.
struct cpu_timer {
    s64 deadline, interval;
};

// Per process; guarded by lock, as are the blocked masks and queues of its threads.
struct process_signals {
    struct spinlock lock;
    struct signal_action actions[SIGNALS];
    struct signal_queue queue;
    bool stop_taken;                    // a stop signal was dequeued and no SIGCONT came since
    s64 timer_deadline, timer_interval; // ITIMER_REAL, CLOCK_MONOTONIC ns; 0: off
    struct cpu_timer cpu_timers[2];     // ITIMER_VIRTUAL, ITIMER_PROF
    s64 cpu_limit_told;                 // CPU time at which RLIMIT_CPU was last told, ns
    struct list_head timers;            // struct posix_timer; all of these guarded by process_lock
    int timer_next_id;
    u32 timer_count;
};
