// SPDX-License-Identifier: BSD-3-Clause
#include "fake.h"
#include "libos/sync/wait.h"
#include "libos/time/time.h"

enum { WORKERS = 6, TURNS = 3000 };

static void park(u32 index) { fake_slots[index].parked = 1; }

TEST(each_sleeper_is_called_once_in_order_and_only_by_the_flush)
{
    struct wake_list list;

    fake_reset();
    wake_list_init(&list);
    for (u32 i = 0; i < 4; i++)
        park(i);
    for (u32 round = 0; round < 3; round++)
        for (u32 i = 0; i < 4; i++)
            wake_list_add(&list, &fake_slots[i]);
    CHECK_EQ(fake_unparks, 0);
    wake_list_flush(&list);
    CHECK_EQ(fake_unparks, 4);
    for (u32 i = 0; i < 4; i++) {
        CHECK(fake_called[i] == &fake_slots[i]);
        CHECK_EQ(fake_slots[i].calls, 0);
        CHECK_EQ(fake_slots[i].park_token, 1);
    }
    wake_list_flush(&list); // is empty now
    CHECK_EQ(fake_unparks, 4);
}

TEST(who_runs_gets_a_token_and_no_host_call)
{
    struct wake_list list;

    fake_reset();
    struct thread *self = fake_become(1);
    wake_list_init(&list);
    wake_list_add(&list, &fake_slots[1]);
    wake_list_flush(&list);
    CHECK_EQ(fake_unparks, 0);
    thread_park(WAIT_FOREVER); // the token ends it
    CHECK_EQ(fake_slots[1].park_token, 0);
    fake_free(self);
}

TEST(a_slot_on_another_list_is_left_to_its_owner)
{
    struct wake_list first, second;

    fake_reset();
    struct thread *self = fake_become(0), *other = fake_alloc(sizeof(*other));
    other->wake = &fake_slots[3];
    wake_list_init(&first);
    wake_list_init(&second);
    park(3);
    wake_list_add(&first, &fake_slots[3]);
    fake_slots[3].park_token = 0; // it woke up spuriously and sleeps again
    wake_list_add(&second, &fake_slots[3]);
    wake_list_flush(&second);
    CHECK_EQ(fake_unparks, 0);
    fake_slots[3].parked = 0; // it runs now, and is to be interrupted
    thread_notify_collect(other, THREAD_EXIT, &second);
    fake_free(other); // a thread may end before the flush
    wake_list_flush(&second);
    CHECK_EQ(fake_interrupts, 0);
    wake_list_flush(&first);
    CHECK_EQ(fake_unparks, 0);
    CHECK_EQ(fake_interrupts, 1);
    fake_free(self);
}

TEST(what_is_pending_already_costs_no_host_call)
{
    fake_reset();
    struct thread *self = fake_become(0), other = { .wake = &fake_slots[5] };
    thread_notify(&other, THREAD_SIGNAL);
    thread_notify(&other, THREAD_SIGNAL);
    CHECK_EQ(fake_interrupts, 1);
    thread_notify(&other, THREAD_SIGNAL | THREAD_EXIT); // a new bit is told
    CHECK_EQ(fake_interrupts, 2);
    thread_take_pending(&other, THREAD_SIGNAL);
    park(5);
    fake_slots[5].park_token = 0;
    thread_notify(&other, THREAD_SIGNAL);
    CHECK_EQ(fake_unparks, 1);
    thread_notify(self, THREAD_SIGNAL); // itself: it looks before it returns
    CHECK_EQ(fake_interrupts + fake_unparks, 3);
    CHECK(thread_interrupted(self));
    fake_free(self);
}

TEST(wake_up_of_n_wakes_n)
{
    struct wait_queue queue;
    struct waiter waiters[5];
    struct wake_list list;

    fake_reset();
    struct thread *self = fake_become(0);
    wait_queue_init(&queue);
    for (u32 i = 0; i < 5; i++) {
        waiter_init(&waiters[i]);
        waiters[i].slot = &fake_slots[i];
        park(i);
        wait_add(&queue, &waiters[i]);
    }
    CHECK_EQ(wake_up(&queue, 2), 2);
    CHECK_EQ(fake_unparks, 2);
    wake_list_init(&list);
    CHECK_EQ(wake_collect(&queue, 2, &list), 2); // those woken already are not counted again
    CHECK_EQ(fake_unparks, 2);
    wake_list_flush(&list);
    CHECK_EQ(fake_unparks, 4);
    CHECK_EQ(wake_up_all(&queue), 1);
    CHECK_EQ(fake_unparks, 5);
    for (u32 i = 0; i < 5; i++)
        wait_remove(&queue, &waiters[i]);
    wait_remove(&queue, &waiters[0]);
    CHECK_EQ(queue.count, 0);
    CHECK_EQ(wake_up_all(&queue), 0);
    fake_free(self);
}

// A box that its last visitor frees: whoever posts to it collects under its lock and flushes after.
struct box {
    struct spinlock lock;
    struct wait_queue changed;
    u32 posted, refs;
};

static void box_leave(struct box *box)
{
    spin_lock(&box->lock);
    bool last = --box->refs == 0;
    spin_unlock(&box->lock);
    if (last)
        fake_free(box);
}

static void sleeper(void *arg)
{
    struct box *box = arg;

    if (wait_event(&box->changed, __atomic_load_n(&box->posted, __ATOMIC_ACQUIRE), WAIT_FOREVER))
        test_fail(__FILE__, __LINE__, "interrupted");
    box_leave(box);
}

TEST(the_object_of_a_queue_may_be_freed_before_the_flush)
{
    fake_reset();
    fake_spurious = 20;
    struct thread *self = fake_become(0);
    for (int turn = 0; turn < 100; turn++) {
        struct box *box = fake_alloc(sizeof(*box));
        struct worker *workers[WORKERS];
        struct wake_list list;
        spin_init(&box->lock, LOCK_TEST_SPIN);
        wait_queue_init(&box->changed);
        box->refs = WORKERS + 1;
        for (int i = 0; i < WORKERS; i++)
            workers[i] = worker_start(sleeper, box);
        if (turn & 1)
            fake_pause_us(500);
        wake_list_init(&list);
        spin_lock(&box->lock);
        __atomic_store_n(&box->posted, 1, __ATOMIC_RELEASE);
        wake_collect_all(&box->changed, &list);
        spin_unlock(&box->lock);
        box_leave(box);
        wake_list_flush(&list);
        for (int i = 0; i < WORKERS; i++)
            worker_join(workers[i]);
    }
    fake_free(self);
}

// Tokens go round: each worker waits for its number and wakes all. A lost wake-up hangs.
static struct wait_queue turn_changed = WAIT_QUEUE_INIT(turn_changed);
static u32 turn;

static void take_turns(void *arg)
{
    u32 own = (u32)(uintptr_t)arg;

    for (u32 i = 0; i < TURNS / WORKERS; i++) {
        u32 mine = i * WORKERS + own;
        if (wait_event(&turn_changed, __atomic_load_n(&turn, __ATOMIC_RELAXED) == mine, WAIT_FOREVER))
            test_fail(__FILE__, __LINE__, "interrupted");
        __atomic_store_n(&turn, mine + 1, __ATOMIC_RELAXED);
        wake_up_all(&turn_changed);
    }
}

TEST(no_wake_up_is_lost)
{
    struct worker *workers[WORKERS];

    fake_reset();
    turn = 0;
    for (u32 i = 0; i < WORKERS; i++)
        workers[i] = worker_start(take_turns, (void *)(uintptr_t)i);
    for (u32 i = 0; i < WORKERS; i++)
        worker_join(workers[i]);
    CHECK_EQ(turn, TURNS);
    CHECK_EQ(turn_changed.count, 0);
}

TEST(a_wait_ends_by_time_and_by_what_is_pending)
{
    struct wait_queue queue;

    fake_reset();
    struct thread *self = fake_become(2);
    wait_queue_init(&queue);
    CHECK_EQ(wait_event(&queue, false, time_monotonic_ns() + 2000000), -ETIMEDOUT);
    thread_notify(self, THREAD_SIGNAL);
    CHECK_EQ(wait_event(&queue, false, WAIT_FOREVER), -EINTR);
    CHECK_EQ(wait_event(&queue, true, WAIT_FOREVER), 0);
    fake_free(self);
}
