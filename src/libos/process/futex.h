// SPDX-License-Identifier: BSD-3-Clause
// Private to futex*.c: the queues behind words of programs.
#pragma once

#include "base/list.h"
#include "libos/process/process.h"

struct futex_bucket {
    struct spinlock lock;
    struct list_head waiters; // empty list: next == NULL until first use
};

struct futex_key {
    u64 addr;
    const struct mm *mm; // NULL: memory that processes share
};

struct futex_waiter {
    struct list_head link;
    struct waiter waiter;
    struct futex_bucket *bucket; // where it is queued; changes only under the old bucket's lock
    struct futex_key key;
    u32 bitset;
    bool done; // woken; guarded by the bucket's lock, read without it
    // futex_pi.c
    u32 tid;               // of the thread that waits
    bool pi;               // it waits for a lock with an owner, not on a plain word
    u32 owner;             // tid of who has the lock
    bool owns;             // it was handed the lock
    struct futex_key lock; // FUTEX_WAIT_REQUEUE_PI: the lock it is to be requeued to; addr 0: none
};

// The key of a word, which FUTEX_PRIVATE_FLAG in op says is the caller's own.
struct futex_key futex_key(int op, u64 addr);
static inline bool futex_same(struct futex_key a, struct futex_key b) { return a.addr == b.addr && a.mm == b.mm; }
struct futex_bucket *futex_bucket(struct futex_key key);
void futex_lock_bucket(struct futex_bucket *bucket);
void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b); // which may be one
void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b);
// 0, -EINVAL, or -EFAULT for what can be no program's memory.
__nodiscard int futex_bad_address(u64 addr);
// A key that others may share is looked up through its page, which must be there. 0 or -EFAULT.
__nodiscard int futex_check_shared(int op, u64 addr);
// Reads the word without sleeping; -EAGAIN if its page is absent (the caller brings it in and tries again).
__nodiscard int futex_read_word(u64 addr, u32 *ret_value);
// Locks the bucket with the word of a waiter read under its lock; brings the page in if need be. -EFAULT: not locked.
__nodiscard int futex_lock_reading(struct futex_bucket *bucket, u64 addr, u32 *ret_value);
// Takes the waiter out of its queue and lets it return. With the bucket's lock held; the flush comes after it.
void futex_wake_one(struct futex_waiter *w, struct wake_list *list);
// Takes the waiter out if no waker did. True if it was woken.
bool futex_finish(struct futex_waiter *w);
// Absolute CLOCK_MONOTONIC deadline of a timeout on CLOCK_REALTIME or CLOCK_MONOTONIC, or a relative one.
enum futex_clock { FUTEX_RELATIVE, FUTEX_MONOTONIC, FUTEX_REALTIME };
__nodiscard int futex_deadline(enum futex_clock clock, const void __user *timeout, s64 *ret_deadline);

// Locks with owners (FUTEX_LOCK_PI and its relatives).
long futex_lock_pi(int op, u64 addr, s64 deadline, bool try);
long futex_unlock_pi(int op, u64 addr);
long futex_wait_requeue_pi(int op, u64 addr, u32 expected, s64 deadline, u32 bitset, u64 lock);
long futex_cmp_requeue_pi(int op, u64 from, u64 lock, u32 wakes, u32 requeue, u32 expected);
extern u32 futex_pi_waiters; // atomic: how many there are that wait for locks
// The thread has ended: who waits for its locks looks again.
void futex_owner_ends(u32 tid);
