// SPDX-License-Identifier: BSD-3-Clause
// ITIMER_VIRTUAL, ITIMER_PROF and RLIMIT_CPU. The timer thread looks when the time can have come at the earliest: a
// process uses at most as much CPU time per second as it has threads.
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/signal/posix_timer.h"
#include "libos/time/time.h"

enum { LOOK_NS = 2000000, TICK_NS = 10000000 }; // not more often; what a limit that is new grants

static s64 used(const struct cpu_usage *usage, int which)
{
    return which == ITIMER_VIRTUAL ? usage->user_ns : usage_total(usage);
}

static bool armed(const struct process *process)
{
    const struct cpu_timer *timers = process->signals.cpu_timers;
    return timers[0].deadline || timers[1].deadline || process->limits[RLIMIT_CPU].rlim_cur != RLIM64_INFINITY ||
           process->limits[RLIMIT_CPU].rlim_max != RLIM64_INFINITY;
}

// CPU time left to a deadline; fires when it is over.
static s64 fire_one(struct process *process, int which, const struct cpu_usage *usage)
{
    struct cpu_timer *timer = &process->signals.cpu_timers[which - ITIMER_VIRTUAL];
    s64 now = used(usage, which);

    if (!timer->deadline)
        return WAIT_FOREVER;
    if (timer->deadline <= now) {
        timer->deadline = timer->interval ? now + timer->interval : 0;
        signal_send(process, NULL, which == ITIMER_VIRTUAL ? SIGVTALRM : SIGPROF, NULL);
    }
    return timer->deadline ? timer->deadline - now : WAIT_FOREVER;
}

// SIGXCPU at the soft limit and each second after it, SIGKILL at the hard one (setrlimit(2)). Time left to the next.
static s64 check_limit(struct process *process, const struct cpu_usage *usage)
{
    const struct rlimit64 *limit = &process->limits[RLIMIT_CPU];
    struct process_signals *signals = &process->signals;
    s64 now = usage_total(usage), second = now / NSEC_PER_SEC;

    if ((u64)second >= limit->rlim_max) {
        signal_send(process, NULL, SIGKILL, NULL);
        return WAIT_FOREVER;
    }
    if ((u64)second >= limit->rlim_cur && now - signals->cpu_limit_told >= NSEC_PER_SEC) {
        signals->cpu_limit_told = now;
        signal_send(process, NULL, SIGXCPU, NULL);
    }
    return (second + 1) * NSEC_PER_SEC - now;
}

void cpu_limit_set(struct process *process)
{
    mutex_assert_held(&process_lock);
    struct cpu_usage usage = process_usage(process);
    process->signals.cpu_limit_told = usage_total(&usage) - NSEC_PER_SEC + TICK_NS;
}

s64 cpu_timers_fire(struct process *process, s64 now)
{
    mutex_assert_held(&process_lock);
    if (!armed(process))
        return WAIT_FOREVER;
    struct cpu_usage usage = process_usage(process);
    s64 left = MIN(fire_one(process, ITIMER_VIRTUAL, &usage), fire_one(process, ITIMER_PROF, &usage));
    left = MIN(left, check_limit(process, &usage));
    if (left == WAIT_FOREVER || !process->live_count)
        return WAIT_FOREVER;
    return now + MAX(left / process->live_count, (s64)LOOK_NS);
}

struct cpu_timer cpu_timer_exchange(int which, const struct cpu_timer *new)
{
    struct process *self = current_process();

    mutex_lock(&process_lock);
    struct cpu_timer *timer = &self->signals.cpu_timers[which - ITIMER_VIRTUAL], previous = *timer;
    struct cpu_usage usage = process_usage(self);
    s64 now = used(&usage, which);
    if (previous.deadline)
        previous.deadline = MAX(previous.deadline - now, (s64)1000);
    if (new)
        *timer = (struct cpu_timer){ new->deadline ? now + new->deadline : 0, new->interval };
    mutex_unlock(&process_lock);
    return previous;
}
