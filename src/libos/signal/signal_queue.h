// SPDX-License-Identifier: BSD-3-Clause
// Inside of signal/: the queues. Guarded by the process's signal lock.
#pragma once

#include "libos/signal/signal.h"
#include "libos/thread/thread.h"

static inline struct signal_queue *signal_thread_queue(const struct thread *thread)
{
    return (struct signal_queue *)thread->queue;
}

// Room for one signal in a queue: made before the signals' lock is taken, since the heap may have to ask the host.
// NULL: no memory.
struct signal_entry *signal_entry_alloc(void);
void signal_entry_free(struct signal_entry *entry);
// Queues one signal; an ordinary one that already waits is not queued twice. The entry is used, or left to the caller.
// With NULL in it, or with `limit` (RLIMIT_SIGPENDING) that wait, an ordinary signal and one by kill(2) come without
// their siginfo, as signal(7) has it. 0 or -EAGAIN.
__nodiscard int signal_queue_add(struct signal_queue *queue, int signo, const siginfo_t *info, u64 limit,
                                 struct signal_entry **entry);
// A POSIX timer expired `more` times while its signal waits for the process: adds them to its overrun and returns that;
// -1 if none waits. With process_lock and the signals' lock held.
int signal_timer_overrun(struct process *process, int timer, s64 more);
// Forgets the signals of mask.
void signal_queue_remove(struct signal_queue *queue, u64 mask);
