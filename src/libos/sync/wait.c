// SPDX-License-Identifier: BSD-3-Clause
#include "libos/sync/wait.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"

void wait_queue_init(struct wait_queue *queue)
{
    spin_init(&queue->lock, LOCK_WAIT_QUEUE);
    queue->count = 0;
    list_init(&queue->waiters);
}

void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){ .slot = current->wake };
    list_init(&waiter->link);
}

void wait_add(struct wait_queue *queue, struct waiter *waiter)
{
    spin_lock(&queue->lock);
    list_add_tail(&waiter->link, &queue->waiters);
    __atomic_fetch_add(&queue->count, 1, __ATOMIC_SEQ_CST);
    spin_unlock(&queue->lock);
}

void wait_remove(struct wait_queue *queue, struct waiter *waiter)
{
    spin_lock(&queue->lock);
    if (!list_empty(&waiter->link)) {
        list_del(&waiter->link);
        __atomic_fetch_sub(&queue->count, 1, __ATOMIC_RELAXED);
    }
    spin_unlock(&queue->lock);
}

static int sleep_once(struct waiter *waiter, s64 deadline_ns, bool interruptible)
{
    if (__atomic_exchange_n(&waiter->woken, false, __ATOMIC_ACQ_REL))
        return 0;
    if (interruptible && thread_interrupted(current))
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

// False: it was woken already, or has nobody to tell.
static bool tell(struct waiter *waiter, struct wake_list *list)
{
    if (waiter->notify)
        return waiter->notify(waiter, list);
    if (__atomic_exchange_n(&waiter->woken, true, __ATOMIC_ACQ_REL))
        return false;
    wake_list_add(list, waiter->slot);
    return true;
}

size_t wake_collect(struct wait_queue *queue, size_t count, struct wake_list *list)
{
    struct waiter *waiter;
    size_t woken = 0;
    bool exclusive = false; // one of those took it

    // The waker changes the condition first and counts the waiters second, the sleeper the other way round, both with a
    // full barrier in between (here, and the addition to count): one of them sees what the other did.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&queue->count, __ATOMIC_RELAXED))
        return 0;
    spin_lock(&queue->lock);
    list_for_each (waiter, &queue->waiters, link) {
        if (woken == count)
            break;
        if (waiter->exclusive && exclusive)
            continue;
        bool took = tell(waiter, list);
        woken += took;
        exclusive |= took && waiter->exclusive;
    }
    spin_unlock(&queue->lock);
    return woken;
}

size_t wake_collect_all(struct wait_queue *queue, struct wake_list *list)
{
    return wake_collect(queue, SIZE_MAX, list);
}

size_t wake_up(struct wait_queue *queue, size_t count)
{
    struct wake_list list;

    wake_list_init(&list);
    size_t woken = wake_collect(queue, count, &list);
    wake_list_flush(&list);
    return woken;
}

size_t wake_up_all(struct wait_queue *queue) { return wake_up(queue, SIZE_MAX); }
