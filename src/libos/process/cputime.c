// SPDX-License-Identifier: BSD-3-Clause
#include "libos/tree/cputime.h"
#include "libos/process/process.h"
#include "libos/time/time.h"
#include "trusted/cpu.h"
#include "trusted/tls.h"

static struct cpu_usage ended; // of all threads that ended; guarded by process_lock

void usage_add(struct cpu_usage *sum, const struct cpu_usage *more)
{
    sum->user_ns += more->user_ns;
    sum->system_ns += more->system_ns;
    sum->waits += more->waits;
    sum->faults += more->faults;
    sum->io.read_bytes += more->io.read_bytes;
    sum->io.written_bytes += more->io.written_bytes;
    sum->io.reads += more->io.reads;
    sum->io.writes += more->io.writes;
}

struct cpu_usage thread_usage(const struct thread *thread)
{
    const struct tls *tls = tls_of_slot(thread->slot);
    struct cpu_usage usage = {
        .waits = READ_ONCE(tls->waits),
        .faults = READ_ONCE(thread->faults),
        .io = { .read_bytes = READ_ONCE(thread->io.read_bytes),
                .written_bytes = READ_ONCE(thread->io.written_bytes),
                .reads = READ_ONCE(thread->io.reads),
                .writes = READ_ONCE(thread->io.writes) },
    };

    if (!cpu_has_tsc()) {
        usage.user_ns = time_monotonic_ns() - (s64)thread->start_ns;
        return usage;
    }
    // In this order a wait that ends meanwhile is counted too little, never twice.
    u64 waited = READ_ONCE(tls->waited), served = READ_ONCE(tls->served);
    u64 since = __atomic_load_n(&tls->wait_since, __ATOMIC_ACQUIRE), now = cpu_tsc();
    u64 passed = now - tls->started, idle = waited + (since && now > since ? now - since : 0);
    u64 busy = passed > idle ? passed - idle : 0;
    usage.system_ns = time_ticks_ns(MIN(served, busy));
    usage.user_ns = time_ticks_ns(busy) - usage.system_ns;
    return usage;
}

struct cpu_usage process_usage(const struct process *process)
{
    mutex_assert_held(&process_lock);
    struct cpu_usage usage = process->ended_threads;
    struct thread *thread;

    list_for_each (thread, &process->threads, siblings) {
        struct cpu_usage one = thread_usage(thread);
        usage_add(&usage, &one);
    }
    return usage;
}

int cpu_clock_own(int clock)
{
    bool thread = clock == CLOCK_THREAD_CPUTIME_ID;

    if (thread || clock == CLOCK_PROCESS_CPUTIME_ID)
        clock = (int)(~0u << CPUCLOCK_SHIFT) | (thread ? CPUCLOCK_THREAD : 0) | CPUCLOCK_SCHED;
    if (clock < 0 && ~(u32)(clock >> CPUCLOCK_SHIFT) == 0) {
        u32 id = clock & CPUCLOCK_THREAD ? current->tid : current_process()->pid;
        clock = (int)(~id << CPUCLOCK_SHIFT) | (clock & (CPUCLOCK_THREAD | CPUCLOCK_WHICH));
    }
    return clock;
}

int cpu_clock_ns(int clock, s64 *ret_ns)
{
    mutex_assert_held(&process_lock);
    u32 id = ~(u32)(clock >> CPUCLOCK_SHIFT), which = (u32)clock & CPUCLOCK_WHICH;
    struct thread *thread = clock & CPUCLOCK_THREAD ? process_find_thread(id) : NULL;
    struct process *process = clock & CPUCLOCK_THREAD ? NULL : process_find(id);

    if (clock >= 0 || which > CPUCLOCK_SCHED || (!thread && !process))
        return -EINVAL;
    struct cpu_usage usage = thread ? thread_usage(thread) : process_usage(process);
    *ret_ns = which == CPUCLOCK_VIRT ? usage.user_ns : usage_total(&usage);
    return 0;
}

struct cpu_usage processes_usage(void)
{
    struct process *process;
    struct thread *thread;

    mutex_lock(&process_lock);
    struct cpu_usage usage = ended;
    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings) {
            struct cpu_usage one = thread_usage(thread);
            usage_add(&usage, &one);
        }
    }
    mutex_unlock(&process_lock);
    return usage;
}

void usage_thread_ends(struct process *process, const struct thread *thread)
{
    mutex_assert_held(&process_lock);
    struct cpu_usage usage = thread_usage(thread);
    usage_add(&process->ended_threads, &usage);
    usage_add(&ended, &usage);
}

void usage_process_reaped(struct process *parent, const struct process *child)
{
    mutex_assert_held(&process_lock);
    usage_add(&parent->ended_children, &child->ended_threads);
    usage_add(&parent->ended_children, &child->ended_children);
    parent->children_peak = MAX(parent->children_peak, MAX(child->peak, child->children_peak));
}

static struct __kernel_old_timeval timeval(s64 ns)
{
    return (struct __kernel_old_timeval){ ns / NSEC_PER_SEC, ns % NSEC_PER_SEC / 1000 };
}

struct rusage usage_rusage(const struct cpu_usage *usage, u64 peak_bytes)
{
    return (struct rusage){
        .ru_utime = timeval(usage->user_ns),
        .ru_stime = timeval(usage->system_ns),
        .ru_maxrss = (long)(peak_bytes / 1024),
        .ru_minflt = (long)usage->faults,
        .ru_nvcsw = (long)usage->waits,
    };
}
