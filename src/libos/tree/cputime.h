// SPDX-License-Identifier: BSD-3-Clause
// CPU time and events of threads and processes. A thread's CPU time is what passes while it does not wait: the enclave
// cannot see when the host runs something else on the processor. Time in host calls that do not wait is the system's,
// the rest, the LibOS's own work included, the program's. Where an enclave may not read the time-stamp counter, CPU
// time is wall time.
#pragma once

#include "libos/thread/thread.h"

struct process;
struct rusage;
struct thread;

struct cpu_usage {
    s64 user_ns, system_ns;
    u64 waits, faults;
    struct thread_io io;
};

// Until now. The thread is the current one, or process_lock is held and it is in its process's list.
struct cpu_usage thread_usage(const struct thread *thread);
// All threads, those that ended included. With process_lock held.
struct cpu_usage process_usage(const struct process *process);
// The id of a CPU clock as the kernel forms it (posix-timers.h): the complement of a pid or tid, then a bit for
// "thread", then what is counted.
enum { CPUCLOCK_PROF, CPUCLOCK_VIRT, CPUCLOCK_SCHED, CPUCLOCK_WHICH = 3, CPUCLOCK_THREAD = 4, CPUCLOCK_SHIFT = 3 };
// Gives clock ids that mean the caller its own process's or thread's: CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID
// and those with id 0. Others stay as they are.
int cpu_clock_own(int clock);
// What such a clock says, ns. With process_lock held. 0 or -EINVAL: nobody has this id, or nothing is counted so.
__nodiscard int cpu_clock_ns(int clock, s64 *ret_ns);
// All processes, those that ended included. Takes process_lock.
struct cpu_usage processes_usage(void);
void usage_add(struct cpu_usage *sum, const struct cpu_usage *more);
static inline s64 usage_total(const struct cpu_usage *usage) { return usage->user_ns + usage->system_ns; }
// A thread leaves its process, a process is reaped by its parent: their share goes where it is counted on. With
// process_lock held.
void usage_thread_ends(struct process *process, const struct thread *thread);
void usage_process_reaped(struct process *parent, const struct process *child);
// In the program's format.
struct rusage usage_rusage(const struct cpu_usage *usage, u64 peak_bytes);
