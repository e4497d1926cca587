// SPDX-License-Identifier: BSD-3-Clause
// Locks whose word holds the owner's tid (futex(2), Documentation/locking/pi-futex): an unlock hands the lock to the
// first that waits, and who waits for a thread that ends takes its lock over, marked FUTEX_OWNER_DIED. There are no
// priorities to inherit here.
#include "libos/process/futex.h"
#include "libos/vm/user.h"
#include "trusted/usercopy.h"

u32 futex_pi_waiters;

static bool alive(u32 tid)
{
    mutex_lock(&process_lock);
    bool found = process_find_thread(tid);
    mutex_unlock(&process_lock);
    return found;
}

static void enqueue(struct futex_waiter *w, struct futex_bucket *bucket, struct futex_key key, u32 owner)
{
    w->pi = true;
    w->owner = owner;
    w->key = key;
    w->bucket = bucket;
    list_add_tail(&w->link, &bucket->waiters);
    __atomic_add_fetch(&futex_pi_waiters, 1, __ATOMIC_SEQ_CST);
}

// True if somebody woke it.
static bool finish(struct futex_waiter *w)
{
    bool woken = futex_finish(w);
    __atomic_sub_fetch(&futex_pi_waiters, 1, __ATOMIC_SEQ_CST);
    return woken;
}

// The first waiter of a lock; NULL: none. -EINVAL: one waits for the plain word.
static struct futex_waiter *first_of(struct futex_bucket *bucket, struct futex_key key)
{
    struct futex_waiter *w;
    list_for_each (w, &bucket->waiters, link)
        if (futex_same(w->key, key))
            return w->pi ? w : err_ptr(-EINVAL);
    return NULL;
}

enum outcome { TAKEN, QUEUED, FAULTED }; // or -errno

// Takes the lock, or (not try) waits for it from now on. dead: a thread that ended with it, or 0. Bucket locked.
static int take_or_queue(struct futex_bucket *bucket, struct futex_key key, u64 addr, struct futex_waiter *w, u32 dead,
                         bool try)
{
    const struct futex_waiter *first = first_of(bucket, key);
    u32 value, new, fault;

    if (is_err(first))
        return -EINVAL;
    if (futex_read_word(addr, &value))
        return FAULTED;
    for (;;) {
        u32 owner = value & FUTEX_TID_MASK;
        bool free = !owner || owner == dead;
        if (owner == w->tid)
            return -EDEADLK;
        if (!free && try)
            return -EAGAIN;
        if (free)
            new = w->tid | (value & FUTEX_OWNER_DIED) | (owner ? FUTEX_OWNER_DIED : 0u) | (first ? FUTEX_WAITERS : 0u);
        else
            new = value | FUTEX_WAITERS;
        if (usercmpxchg_raw((u32 *)addr, &value, new, &fault)) {
            if (!free)
                enqueue(w, bucket, key, owner);
            return free ? TAKEN : QUEUED;
        }
        if (fault)
            return FAULTED;
    }
}

static int acquire(int op, u64 addr, struct futex_waiter *w, u32 dead, bool try)
{
    struct futex_key key = futex_key(op, addr);
    struct futex_bucket *bucket = futex_bucket(key);

    for (;;) {
        futex_lock_bucket(bucket);
        int outcome = take_or_queue(bucket, key, addr, w, dead, try);
        spin_unlock(&bucket->lock);
        if (outcome != FAULTED)
            return outcome;
        if (fault_in_user((const void __user *)addr, sizeof(u32), true))
            return -EFAULT;
    }
}

static int sleep_until_woken(struct futex_waiter *w, s64 deadline)
{
    int err = 0;
    while (!__atomic_load_n(&w->done, __ATOMIC_ACQUIRE) && !err)
        err = waiter_sleep(&w->waiter, deadline);
    return err;
}

static long lock_pi(int op, u64 addr, s64 deadline, u32 dead, bool try)
{
    for (;;) {
        struct futex_waiter w = { .tid = current->tid, .bitset = FUTEX_BITSET_MATCH_ANY };
        waiter_init(&w.waiter);
        int outcome = acquire(op, addr, &w, dead, try);
        if (outcome != QUEUED)
            return outcome;
        // Only now: an owner that ends from here on finds the waiter.
        bool lives = alive(w.owner);
        int err = lives ? sleep_until_woken(&w, deadline) : -ESRCH;
        bool woken = finish(&w);
        if (woken && w.owns)
            return 0;
        if (!woken)
            return err == -EINTR ? -ERESTARTNOINTR : err;
        dead = w.owner;
    }
}

long futex_lock_pi(int op, u64 addr, s64 deadline, bool try)
{
    int err = futex_bad_address(addr);
    return err ? err : lock_pi(op, addr, deadline, 0, try);
}

// The word and the lock go to the first waiter. Bucket locked.
static int hand_over(struct futex_bucket *bucket, struct futex_key key, u64 addr, struct wake_list *list)
{
    struct futex_waiter *first = first_of(bucket, key), *w;
    u32 value, fault;

    if (futex_read_word(addr, &value))
        return FAULTED;
    if ((value & FUTEX_TID_MASK) != current->tid)
        return -EPERM;
    if (is_err(first))
        return -EINVAL;
    while (!usercmpxchg_raw((u32 *)addr, &value, first ? first->tid | FUTEX_WAITERS : 0u, &fault)) {
        if (fault)
            return FAULTED;
        if ((value & FUTEX_TID_MASK) != current->tid)
            return -EPERM;
    }
    if (!first)
        return TAKEN;
    list_for_each (w, &bucket->waiters, link)
        if (futex_same(w->key, key))
            w->owner = first->tid;
    first->owns = true;
    futex_wake_one(first, list);
    return TAKEN;
}

long futex_unlock_pi(int op, u64 addr)
{
    struct wake_list list;
    int err = futex_bad_address(addr);

    if (err)
        return err;
    struct futex_key key = futex_key(op, addr);
    struct futex_bucket *bucket = futex_bucket(key);
    for (;;) {
        wake_list_init(&list);
        futex_lock_bucket(bucket);
        int outcome = hand_over(bucket, key, addr, &list);
        spin_unlock(&bucket->lock);
        wake_list_flush(&list);
        if (outcome != FAULTED)
            return outcome;
        if (fault_in_user((const void __user *)addr, sizeof(u32), true))
            return -EFAULT;
    }
}

// --- requeueing to a lock

long futex_wait_requeue_pi(int op, u64 addr, u32 expected, s64 deadline, u32 bitset, u64 lock)
{
    struct futex_waiter w = { .tid = current->tid, .bitset = bitset };
    u32 value;
    int err = futex_bad_address(addr) ? futex_bad_address(addr) : futex_bad_address(lock);

    if (err || addr == lock)
        return err ? err : -EINVAL;
    w.key = futex_key(op, addr);
    w.lock = futex_key(op, lock);
    w.bucket = futex_bucket(w.key);
    waiter_init(&w.waiter);
    if (futex_lock_reading(w.bucket, addr, &value))
        return -EFAULT;
    if (value == expected)
        list_add_tail(&w.link, &w.bucket->waiters);
    spin_unlock(&w.bucket->lock);
    if (value != expected)
        return -EAGAIN;
    err = sleep_until_woken(&w, deadline);
    bool woken = futex_finish(&w);
    if (w.pi)
        __atomic_sub_fetch(&futex_pi_waiters, 1, __ATOMIC_SEQ_CST);
    if (woken)
        return w.owns ? 0 : lock_pi(op, lock, deadline, w.owner, false);
    if (err != -EINTR)
        return err;
    return w.pi ? -EAGAIN : -ERESTARTNOINTR;
}

struct requeueing {
    struct futex_bucket *from_bucket, *lock_bucket;
    struct futex_key from, lock;
    u64 lock_addr;
    u32 count, limit; // waiters that were moved or handed the lock
    u32 owner;        // of the lock, when any was moved
};

// The lock goes to the waiter, or the waiter to the lock's queue. 0, FAULTED. Both buckets locked.
static int move_one(struct requeueing *r, struct futex_waiter *w, struct wake_list *list)
{
    u32 value, fault;

    if (futex_read_word(r->lock_addr, &value))
        return FAULTED;
    for (;;) {
        bool free = !(value & FUTEX_TID_MASK);
        u32 new = free ? w->tid | (value & FUTEX_OWNER_DIED) | FUTEX_WAITERS : value | FUTEX_WAITERS;
        if (!usercmpxchg_raw((u32 *)r->lock_addr, &value, new, &fault)) {
            if (fault)
                return FAULTED;
            continue;
        }
        if (free) {
            w->owns = true;
            futex_wake_one(w, list);
            return 0;
        }
        list_del(&w->link);
        w->pi = true;
        w->key = r->lock;
        w->owner = r->owner = value & FUTEX_TID_MASK;
        __atomic_store_n(&w->bucket, r->lock_bucket, __ATOMIC_RELAXED);
        list_add_tail(&w->link, &r->lock_bucket->waiters);
        __atomic_add_fetch(&futex_pi_waiters, 1, __ATOMIC_SEQ_CST);
        return 0;
    }
}

static int requeue(struct requeueing *r, u64 from, u32 expected, struct wake_list *list)
{
    struct futex_waiter *w, *next;
    u32 value;

    if (futex_read_word(from, &value))
        return FAULTED;
    if (value != expected)
        return -EAGAIN;
    list_for_each_safe (w, next, &r->from_bucket->waiters, link) {
        if (!futex_same(w->key, r->from))
            continue;
        if (r->count == r->limit)
            break;
        if (w->pi || !futex_same(w->lock, r->lock))
            return -EINVAL;
        int err = move_one(r, w, list);
        if (err)
            return err;
        r->count++;
    }
    return 0;
}

long futex_cmp_requeue_pi(int op, u64 from, u64 lock, u32 wakes, u32 requeues, u32 expected)
{
    struct requeueing r = { .lock_addr = lock };
    int err = futex_bad_address(from) ? futex_bad_address(from) : futex_bad_address(lock);

    if (err || wakes != 1 || (s32)requeues < 0 || from == lock)
        return err ? err : -EINVAL;
    r.limit = requeues == INT32_MAX ? requeues : requeues + 1;
    r.from = futex_key(op, from);
    r.lock = futex_key(op, lock);
    r.from_bucket = futex_bucket(r.from);
    r.lock_bucket = futex_bucket(r.lock);
    do {
        struct wake_list list;
        wake_list_init(&list);
        futex_lock_two(r.from_bucket, r.lock_bucket);
        err = requeue(&r, from, expected, &list);
        futex_unlock_two(r.from_bucket, r.lock_bucket);
        wake_list_flush(&list);
        if (err == FAULTED && (fault_in_user((const void __user *)lock, sizeof(u32), true) ||
                               fault_in_user((const void __user *)from, sizeof(u32), false)))
            return -EFAULT;
    } while (err == FAULTED);
    if (r.owner && !alive(r.owner))
        futex_owner_ends(r.owner);
    return err && !r.count ? err : (long)r.count;
}
