// SPDX-License-Identifier: BSD-3-Clause
// Wait queues. A host wake-up is only a hint: every sleeper re-checks its condition.
//
//     struct waiter w;
//     waiter_init(&w);
//     wait_add(&queue, &w);
//     while (!condition && !err)
//         err = waiter_sleep(&w, deadline);   // 0, -EINTR (signal or exit pending), -ETIMEDOUT
//     wait_remove(&queue, &w);
//
// Or, for the usual case, the macro wait_event().
#pragma once

#include "base/list.h"
#include "libos/thread/wake.h"
#include "trusted/spinlock.h"

struct wait_queue {
    struct spinlock lock;
    u32 count;                // atomic; waiters in the list, looked at without the lock
    struct list_head waiters; // struct waiter.link, first come first served; guarded by lock
};

struct waiter {
    struct list_head link;
    struct slot_wake *slot; // of the thread that sleeps
    bool woken;             // atomic; set by a wake-up, cleared by waiter_sleep on return
    bool exclusive;         // a wake-up of all wakes one of these, the first that takes it, and all that are not so
    // Called under the queue's lock instead of waking the slot, if not NULL. It adds whom it wakes to the list; false:
    // it had nobody to tell.
    bool (*notify)(struct waiter *, struct wake_list *);
    u64 key; // for callers that wake selectively
};

#define WAIT_QUEUE_INIT(q)                                        \
    {                                                             \
        SPINLOCK_INIT(LOCK_WAIT_QUEUE), 0, LIST_INIT((q).waiters) \
    }

void wait_queue_init(struct wait_queue *queue);
void waiter_init(struct waiter *waiter); // for the current thread
void wait_add(struct wait_queue *queue, struct waiter *waiter);
void wait_remove(struct wait_queue *queue, struct waiter *waiter); // harmless if it is not queued

// Sleeps until woken, until the deadline (CLOCK_MONOTONIC nanoseconds, WAIT_FOREVER: none) or, unless
// uninterruptible, until a signal or exit is pending for the thread. Returns 0, -ETIMEDOUT or -EINTR. A waiter may
// be in several queues of which any may wake it only if each queue has its own waiter: then sleep on any of them:
// a wake of one wakes the thread, and waiter_sleep returns 0 also for a wake-up that was meant for another waiter.
int waiter_sleep(struct waiter *waiter, s64 deadline_ns);
int waiter_sleep_uninterruptible(struct waiter *waiter, s64 deadline_ns);

// Wake at most count sleepers / all of them. Returns how many. Sleepers stay queued until they remove themselves,
// but one already woken is not counted again. No spinlock held; the queue stays meanwhile.
size_t wake_up(struct wait_queue *queue, size_t count);
size_t wake_up_all(struct wait_queue *queue);
// The same in two steps (thread/wake.h): the sleepers are marked woken and collected under whatever lock guards the
// object of the queue; wake_list_flush follows after that lock, when queue and object may be gone. Returns how many.
size_t wake_collect(struct wait_queue *queue, size_t count, struct wake_list *list);
size_t wake_collect_all(struct wait_queue *queue, struct wake_list *list);

// Evaluates to 0 when condition became true, else -EINTR or -ETIMEDOUT.
#define wait_event(queue, condition, deadline_ns)                \
    ({                                                           \
        int wait_err = 0;                                        \
        if (!(condition)) {                                      \
            s64 wait_until = (deadline_ns);                      \
            struct waiter wait_self;                             \
            waiter_init(&wait_self);                             \
            wait_add(queue, &wait_self);                         \
            while (!(condition) && !wait_err)                    \
                wait_err = waiter_sleep(&wait_self, wait_until); \
            wait_remove(queue, &wait_self);                      \
            if (wait_err && (condition))                         \
                wait_err = 0;                                    \
        }                                                        \
        wait_err;                                                \
    })
