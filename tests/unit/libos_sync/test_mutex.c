// SPDX-License-Identifier: BSD-3-Clause
// The mutex and the reference counts under threads. Built with PLANTED the unlock is one that touches the mutex after
// it gave it up, or the finder one that takes a reference to a dying object: the sanitizer must say so (planted.sh).
#include "fake.h"
#include "libos/sync/ref.h"
#include "base/list.h"

#ifndef PLANTED
#define PLANTED 0
#endif
enum { PLANTED_UNLOCK = 1, PLANTED_GET, PLANTED_PUT };
enum { WORKERS = 6, TURNS = 2000, OBJECTS = 200 };

static void unlock(struct mutex *mutex)
{
    if (PLANTED != PLANTED_UNLOCK) {
        mutex_unlock(mutex);
        return;
    }
    lock_note_give(mutex);
    __atomic_store_n(&mutex->state, 0, __ATOMIC_RELEASE);
    fake_pause_us(100);
    if (__atomic_load_n(&mutex->state, __ATOMIC_RELAXED) != 1)
        mutex_unlock_slow(mutex);
}

static struct mutex counting = MUTEX_INIT(LOCK_TEST_OUTER);
static u64 counter;

static void count(void *arg)
{
    (void)arg;
    for (int i = 0; i < TURNS; i++) {
        mutex_lock(&counting);
        counter++;
        if (i % 97 == 0)
            fake_pause_us(20); // others fall asleep
        mutex_unlock(&counting);
    }
}

TEST(one_at_a_time_and_nobody_sleeps_for_ever)
{
    struct worker *workers[WORKERS];

    fake_reset();
    fake_spurious = 10;
    counter = 0;
    for (int i = 0; i < WORKERS; i++)
        workers[i] = worker_start(count, NULL);
    for (int i = 0; i < WORKERS; i++)
        worker_join(workers[i]);
    CHECK_EQ(counter, WORKERS * TURNS);
    CHECK(!mutex_held(&counting));
}

// Guarded by a mutex inside; whoever leaves last frees it.
struct object {
    struct mutex lock;
    u32 users;
};

static void leave(void *arg)
{
    struct object *object = arg;

    mutex_lock(&object->lock);
    bool last = --object->users == 0;
    unlock(&object->lock);
    if (last)
        fake_free(object);
}

TEST(a_mutex_may_lie_in_an_object_that_the_next_owner_frees)
{
    fake_reset();
    for (int turn = 0; turn < OBJECTS; turn++) {
        struct object *object = fake_alloc(sizeof(*object));
        struct worker *workers[WORKERS];
        object->users = WORKERS;
        mutex_init(&object->lock, LOCK_TEST_OUTER);
        mutex_lock(&object->lock);
        object->lock.state = 2; // all start while it is held, as if by this thread
        for (int i = 0; i < WORKERS; i++)
            workers[i] = worker_start(leave, object);
        if (turn & 1)
            fake_pause_us(300);
        unlock(&object->lock);
        for (int i = 0; i < WORKERS; i++)
            worker_join(workers[i]);
    }
}

// Objects that a list finds and that their last holder takes off it.
struct found {
    struct refcount refs;
    struct list_head link;
    u32 value;
};

static struct mutex table_lock = MUTEX_INIT(LOCK_TEST_OUTER);
static struct list_head table = LIST_INIT(table);

static struct found *find(void)
{
    struct found *found = NULL, *each;

    mutex_lock(&table_lock);
    list_for_each (each, &table, link) {
        if (PLANTED == PLANTED_GET)
            __atomic_fetch_add(&each->refs.count, 1, __ATOMIC_RELAXED);
        else if (!refcount_get_unless_zero(&each->refs))
            continue;
        found = each;
        break;
    }
    mutex_unlock(&table_lock);
    return found;
}

// Off the list first, free second; a finder may come in between unless the count drops under the lock.
static void put(struct found *found)
{
    if (PLANTED == PLANTED_PUT || PLANTED == PLANTED_GET) {
        if (__atomic_sub_fetch(&found->refs.count, 1, __ATOMIC_ACQ_REL))
            return;
        fake_pause_us(20);
        mutex_lock(&table_lock);
        if (PLANTED == PLANTED_GET)
            list_del(&found->link);
    } else if (!ref_put_and_lock(&found->refs, &table_lock)) {
        return;
    } else {
        list_del(&found->link);
    }
    mutex_unlock(&table_lock);
    fake_free(found);
}

static void find_and_make(void *arg)
{
    (void)arg;
    for (int i = 0; i < TURNS; i++) {
        struct found *found = find();
        if (!found) {
            found = fake_alloc(sizeof(*found));
            refcount_init(&found->refs, 1);
            found->value = 7;
            mutex_lock(&table_lock);
            list_add_tail(&found->link, &table);
            mutex_unlock(&table_lock);
        }
        if (found->value != 7)
            test_fail(__FILE__, __LINE__, "freed under us");
        put(found);
    }
}

TEST(a_finder_never_gets_a_dying_object)
{
    struct worker *workers[WORKERS];

    fake_reset();
    for (int i = 0; i < WORKERS; i++)
        workers[i] = worker_start(find_and_make, NULL);
    for (int i = 0; i < WORKERS; i++)
        worker_join(workers[i]);
    CHECK(list_empty(&table));
}

TEST(counts)
{
    struct refcount ref = REFCOUNT_INIT(1);
    struct spinlock lock = SPINLOCK_INIT(LOCK_TEST_SPIN);

    refcount_get(&ref);
    CHECK_EQ(refcount_read(&ref), 2);
    CHECK(refcount_put_unless_last(&ref));
    CHECK(!refcount_put_unless_last(&ref));
    CHECK(refcount_get_unless_zero(&ref));
    CHECK(!ref_put_and_spin_lock(&ref, &lock));
    CHECK(ref_put_and_spin_lock(&ref, &lock));
    CHECK_EQ(lock.locked, 1);
    CHECK(!refcount_get_unless_zero(&ref));
    CHECK(!refcount_put_unless_last(&ref));
}
