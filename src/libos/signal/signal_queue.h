// SPDX-License-Identifier: BSD-3-Clause
// Inside of signal/: the queues. Guarded by the process's signal lock.
#pragma once

#include "libos/signal/signal.h"
#include "libos/thread/thread.h"

static inline struct signal_queue *signal_thread_queue(const struct thread *thread)
{
    return (struct signal_queue *)thread->queue;
}

// Queues one signal; an ordinary one that already waits is not queued twice. 0 or -EAGAIN (too many real-time signals).
__nodiscard int signal_queue_add(struct signal_queue *queue, int signo, const siginfo_t *info);
// Forgets the signals of mask.
void signal_queue_remove(struct signal_queue *queue, u64 mask);
