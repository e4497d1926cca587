// SPDX-License-Identifier: BSD-3-Clause
#include "libos/sync/wait.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"

void wait_queue_init(struct wait_queue *queue)
{
    queue->lock = (struct spinlock)SPINLOCK_INIT;
    list_init(&queue->waiters);
}

void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){ .thread = current };
    list_init(&waiter->link);
}

void wait_add(struct wait_queue *queue, struct waiter *waiter)
{
    spin_lock(&queue->lock);
    list_add_tail(&waiter->link, &queue->waiters);
    spin_unlock(&queue->lock);
}

void wait_remove(struct wait_queue *queue, struct waiter *waiter)
{
    spin_lock(&queue->lock);
    list_del(&waiter->link);
    spin_unlock(&queue->lock);
}

static int sleep_once(struct waiter *waiter, s64 deadline_ns, bool interruptible)
{
    if (__atomic_exchange_n(&waiter->woken, false, __ATOMIC_ACQ_REL))
        return 0;
    if (interruptible && thread_interrupted(waiter->thread))
        return -EINTR;
    if (deadline_ns != WAIT_FOREVER && time_monotonic_ns() >= deadline_ns)
        return -ETIMEDOUT;
    thread_park(deadline_ns);
    __atomic_store_n(&waiter->woken, false, __ATOMIC_RELEASE);
    return 0;
}

int waiter_sleep(struct waiter *waiter, s64 deadline_ns) { return sleep_once(waiter, deadline_ns, true); }

int waiter_sleep_uninterruptible(struct waiter *waiter, s64 deadline_ns)
{
    return sleep_once(waiter, deadline_ns, false);
}

size_t wake_up(struct wait_queue *queue, size_t count)
{
    struct waiter *waiter;
    size_t woken = 0;

    // A waiter cannot add itself between a waker's change of the condition and this look without seeing the change:
    // both sides pass a full barrier (the lock of the adder, this fence of the waker).
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (list_empty(&queue->waiters))
        return 0;
    spin_lock(&queue->lock);
    list_for_each (waiter, &queue->waiters, link) {
        if (woken == count)
            break;
        if (waiter->notify) {
            waiter->notify(waiter);
            woken++;
        } else if (!__atomic_exchange_n(&waiter->woken, true, __ATOMIC_ACQ_REL)) {
            thread_unpark(waiter->thread);
            woken++;
        }
    }
    spin_unlock(&queue->lock);
    return woken;
}

size_t wake_up_all(struct wait_queue *queue) { return wake_up(queue, SIZE_MAX); }
