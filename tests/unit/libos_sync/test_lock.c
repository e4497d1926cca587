// SPDX-License-Identifier: BSD-3-Clause
// The checks of trusted/lock_class.h: planted faults, each on a thread of its own that the fault ends, and what looks
// like one and is allowed.
#include "fake.h"
#include "libos/sync/mutex.h"
#include "libos/sync/wait.h"

static struct mutex outer, pair[2], unclassed_mutex;
static struct spinlock spin, inner, unclassed_spin;
static struct wait_queue queue;
static struct wake_list list;

static void fresh(void)
{
    fake_reset();
    mutex_init(&outer, LOCK_TEST_OUTER);
    mutex_init(&pair[0], LOCK_TEST_PAIR);
    mutex_init(&pair[1], LOCK_TEST_PAIR);
    spin_init(&spin, LOCK_TEST_SPIN);
    spin_init(&inner, LOCK_TEST_SPIN_INNER);
    wait_queue_init(&queue);
    wake_list_init(&list);
    unclassed_mutex = (struct mutex){ 0 };
    unclassed_spin = (struct spinlock){ 0 };
    fake_fault = NULL;
}

// Runs fn on a thread of its own: the fault it met, or NULL.
static const char *fault_of(void (*fn)(void *))
{
    fresh();
    fake_faults_expected = true;
    worker_join(worker_start(fn, NULL));
    fake_faults_expected = false;
    return fake_fault;
}

static void collect_one(void)
{
    fake_slots[3].parked = 1;
    wake_list_add(&list, &fake_slots[3]);
}

#define ORDER "a lock is taken against the order"
#define TWICE "a lock is taken twice"
#define CLASS "a lock without a class"
#define STRANGER "a lock is given up by who does not hold it"
#define SLEEP "a thread may sleep with a spinlock held"
#define LIST "a thread may sleep before it flushed its wake list"
#define HOST "a host call with a spinlock held"
#define USER "the program's memory is touched under a lock that its fault cannot go around"

#define PLANT(name, fault, ...)                            \
    static void planted_##name(void *arg) { __VA_ARGS__; } \
    TEST(planted_##name)                                   \
    {                                                      \
        const char *got = fault_of(planted_##name);        \
        CHECK(got != NULL);                                \
        CHECK_STR(got, fault);                             \
    }

PLANT(spinlocks_against_the_order, ORDER, spin_lock(&inner); spin_lock(&spin))
PLANT(mutexes_against_the_order, ORDER, mutex_lock(&pair[0]); mutex_lock(&outer))
PLANT(the_process_tree_under_an_inode, ORDER, mutex_init(&outer, LOCK_INODE); mutex_init(&pair[0], LOCK_PROCESS);
      mutex_lock(&outer); mutex_lock(&pair[0]))
PLANT(two_of_a_pair_in_the_wrong_order, ORDER, mutex_lock(&pair[1]); mutex_lock(&pair[0]))
PLANT(two_of_a_class_that_stands_alone, ORDER, mutex_init(&pair[0], LOCK_TEST_OUTER); mutex_lock(&outer);
      mutex_lock(&pair[0]))
PLANT(order_is_looked_at_beyond_the_last, ORDER, mutex_lock(&pair[0]); spin_lock(&inner); spin_unlock(&inner);
      mutex_lock(&outer))
PLANT(a_spinlock_twice, TWICE, spin_lock(&spin); spin_lock(&spin))
PLANT(a_mutex_twice, TWICE, mutex_lock(&outer); mutex_lock(&outer))
PLANT(a_spinlock_without_a_class, CLASS, spin_lock(&unclassed_spin))
PLANT(a_mutex_without_a_class, CLASS, mutex_lock(&unclassed_mutex))
PLANT(a_spinlock_of_nobody_given_up, STRANGER, spin_unlock(&spin))
PLANT(a_mutex_given_up_twice, STRANGER, mutex_lock(&outer); mutex_unlock(&outer); mutex_unlock(&outer))
PLANT(a_mutex_under_a_spinlock, SLEEP, spin_lock(&inner); mutex_lock(&outer))
PLANT(a_free_mutex_under_a_spinlock, SLEEP, spin_lock(&spin); mutex_lock(&outer))
PLANT(a_wait_under_a_spinlock, SLEEP, spin_lock(&spin); CHECK_EQ(wait_event(&queue, false, WAIT_FOREVER), 0))
PLANT(a_mutex_between_collect_and_flush, LIST, collect_one(); mutex_lock(&outer))
PLANT(a_wait_between_collect_and_flush, LIST, collect_one(); CHECK_EQ(wait_event(&queue, false, WAIT_FOREVER), 0))
PLANT(a_flush_under_a_spinlock, HOST, spin_lock(&spin); collect_one(); wake_list_flush(&list))
PLANT(a_notification_under_a_spinlock, HOST, struct thread other = { .wake = &fake_slots[2] }; spin_lock(&spin);
      thread_notify(&other, THREAD_SIGNAL))
PLANT(a_user_copy_under_a_spinlock, USER, spin_lock(&spin); lock_check_user_copy())
PLANT(a_user_copy_under_a_lock_of_files, USER, mutex_init(&outer, LOCK_INODE); mutex_lock(&outer);
      lock_check_user_copy())
PLANT(a_lock_not_held, "a lock is not held that should be", spin_assert_held(&spin))
PLANT(an_end_with_a_lock_held, "a thread ends with a lock held", mutex_lock(&outer))
PLANT(an_end_with_a_list_not_flushed, "a thread ends before it flushed its wake list", collect_one())

static void hold(void *arg)
{
    mutex_lock(&outer);
    fake_pause_us(20000);
    mutex_unlock(&outer);
}
static void assert_held(void *arg) { mutex_assert_held(&outer); }
static void unlock(void *arg) { mutex_unlock(&outer); }

TEST(planted_a_lock_that_another_thread_holds)
{
    static void (*const planted[])(void *) = { assert_held, unlock };
    for (size_t i = 0; i < ARRAY_SIZE(planted); i++) {
        fresh();
        struct worker *holder = worker_start(hold, NULL);
        while (!mutex_held(&outer))
            fake_pause_us(100);
        fake_faults_expected = true;
        worker_join(worker_start(planted[i], NULL));
        fake_faults_expected = false;
        worker_join(holder);
        CHECK(fake_fault != NULL);
    }
}

static void allowed(void *arg)
{
    struct mutex offset = MUTEX_INIT(LOCK_FILE_OFFSET);
    struct spinlock deeper = SPINLOCK_INIT(LOCK_TEST_SPIN_INNER);

    mutex_lock(&offset);
    lock_check_user_copy(); // its fault takes mm->lock, further down
    mutex_lock(&outer);
    mutex_lock(&pair[0]);
    mutex_lock(&pair[1]);
    spin_lock(&spin);
    spin_lock(&inner);
    spin_lock(&deeper); // nested
    collect_one();
    spin_assert_held(&inner);
    mutex_assert_held(&outer);
    spin_unlock(&spin); // not the last taken
    spin_unlock(&deeper);
    spin_unlock(&inner);
    mutex_unlock(&pair[0]);
    wake_list_flush(&list);
    mutex_unlock(&outer);
    if (!mutex_trylock(&outer)) // against the order, but it does not wait
        test_fail(__FILE__, __LINE__, "it is free");
    mutex_unlock(&outer);
    mutex_unlock(&pair[1]);
    mutex_unlock(&offset);
}

TEST(what_is_allowed) { CHECK(fault_of(allowed) == NULL); }
