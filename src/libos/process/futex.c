// SPDX-License-Identifier: BSD-3-Clause
// futex(2). The key is the address and, for memory that is a process's own, its mm: relatives (vm/family.h) have other
// words at the same address. The word is read under the bucket's lock, so a waker that changed it first and looks at
// the bucket second misses nobody.
#include "base/list.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/layout.h"
#include "trusted/usercopy.h"

enum { BUCKETS = 256 };

struct bucket {
    struct spinlock lock;
    struct list_head waiters; // empty list: next == NULL until first use
};

struct key {
    u64 addr;
    const struct mm *mm; // NULL: memory that processes share
};

struct futex_waiter {
    struct list_head link;
    struct waiter waiter;
    struct bucket *bucket; // where it is queued; changes only under the old bucket's lock
    struct key key;
    u32 bitset;
    bool done; // woken; guarded by the bucket's lock, read without it
};

static struct bucket buckets[BUCKETS] = { [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(LOCK_FUTEX) } };

// FUTEX_PRIVATE_FLAG says that the word is the caller's own, whatever its mapping.
static struct key key_of(int op, u64 addr)
{
    bool shared = !(op & FUTEX_PRIVATE_FLAG) && vm_is_shared(current->mm, addr);
    if (!shared)
        return (struct key){ addr, current->mm };
    return (struct key){ vm_shared_key(current->mm, addr), NULL };
}

static bool same(struct key a, struct key b) { return a.addr == b.addr && a.mm == b.mm; }

static struct bucket *bucket_of(struct key key)
{
    u64 x = (key.addr >> 2) ^ ((u64)(uintptr_t)key.mm >> 4);
    x *= 0x9e3779b97f4a7c15ull;
    return &buckets[x >> 56];
}

static void lock_bucket(struct bucket *bucket)
{
    spin_lock(&bucket->lock);
    if (!bucket->waiters.next)
        list_init(&bucket->waiters);
}

static void lock_two(struct bucket *a, struct bucket *b)
{
    lock_bucket(a < b ? a : b);
    if (a != b)
        lock_bucket(a < b ? b : a);
}

static void unlock_two(struct bucket *a, struct bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

// 0, -EINVAL, or -EFAULT for what can be no program's memory.
static int bad_address(u64 addr) { return addr & 3 ? -EINVAL : range_is_user(addr, 4) ? 0 : -EFAULT; }

// A key that others may share is looked up through its page, which must be there (FUTEX_PRIVATE_FLAG is not set).
static int check_shared(int op, u64 addr)
{
    return op & FUTEX_PRIVATE_FLAG || bad_address(addr) ? 0
                                                        : fault_in_user((const void __user *)addr, sizeof(u32), false);
}

// Reads the word without sleeping; -EAGAIN if its page is absent (the caller brings it in and tries again).
static int read_word(u64 addr, u32 *ret_value)
{
    if (current->away)
        return -EAGAIN;
    return usercopy_raw(ret_value, (const void *)addr, sizeof(*ret_value)) ? -EAGAIN : 0;
}

// Once done is set the waiter may return, and w with it.
static void wake_one(struct futex_waiter *w, struct wake_list *list)
{
    struct slot_wake *slot = w->waiter.slot;

    list_del(&w->link);
    __atomic_store_n(&w->waiter.woken, true, __ATOMIC_RELEASE);
    __atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
    wake_list_add(list, slot);
}

// Wakes at most count waiters on the key; the lock of the bucket is held, the flush comes after it.
static long wake_in(struct bucket *bucket, struct key key, u32 count, u32 bitset, struct wake_list *list)
{
    struct futex_waiter *w, *next;
    long woken = 0;
    list_for_each_safe (w, next, &bucket->waiters, link) {
        if (woken >= (long)count)
            break;
        if (same(w->key, key) && (w->bitset & bitset)) {
            wake_one(w, list);
            woken++;
        }
    }
    return woken;
}

static long wake(int op, u64 addr, u32 count, u32 bitset)
{
    struct wake_list list;

    int err = bad_address(addr);
    if (err || !bitset)
        return err ? err : -EINVAL;
    struct key key = key_of(op, addr);
    struct bucket *bucket = bucket_of(key);
    wake_list_init(&list);
    lock_bucket(bucket);
    long woken = wake_in(bucket, key, count, bitset, &list);
    spin_unlock(&bucket->lock);
    wake_list_flush(&list);
    return woken;
}

long futex_wake(u64 addr, u32 count, u32 bitset) { return wake(0, addr, count, bitset); }

// Takes the waiter out if no waker did. True if it was woken.
static bool finish(struct futex_waiter *w)
{
    for (;;) {
        struct bucket *bucket = __atomic_load_n(&w->bucket, __ATOMIC_RELAXED);
        spin_lock(&bucket->lock);
        if (bucket == w->bucket) {
            bool done = w->done;
            if (!done)
                list_del(&w->link);
            spin_unlock(&bucket->lock);
            return done;
        }
        spin_unlock(&bucket->lock);
    }
}

static long futex_wait(int op, u64 addr, u32 expected, s64 deadline, u32 bitset)
{
    struct futex_waiter w = { .bitset = bitset };
    u32 value;
    int err = bad_address(addr);

    deadline = thread_restarted_deadline(deadline);
    if (err || !bitset)
        return err ? err : -EINVAL;
    w.key = key_of(op, addr);
    w.bucket = bucket_of(w.key);
    waiter_init(&w.waiter);
    for (;;) {
        lock_bucket(w.bucket);
        if (read_word(addr, &value) == 0)
            break;
        spin_unlock(&w.bucket->lock);
        if (get_user(value, addr))
            return -EFAULT;
    }
    if (value != expected) {
        spin_unlock(&w.bucket->lock);
        return -EAGAIN;
    }
    list_add_tail(&w.link, &w.bucket->waiters);
    spin_unlock(&w.bucket->lock);
    while (!__atomic_load_n(&w.done, __ATOMIC_ACQUIRE) && !err)
        err = waiter_sleep(&w.waiter, deadline);
    if (finish(&w))
        return 0;
    if (err != -EINTR)
        return err;
    if (deadline == WAIT_FOREVER)
        return -ERESTARTSYS;
    current->restart_deadline = deadline;
    return -ERESTART_RESTARTBLOCK;
}

static long futex_requeue(int op, u64 from, u64 to, u32 wakes, u32 requeue, const u32 *expected)
{
    struct futex_waiter *w, *next;
    struct wake_list list;
    u32 value, moved = 0;
    int err = bad_address(from) ? bad_address(from) : bad_address(to);

    if (err || (s32)wakes < 0 || (s32)requeue < 0)
        return err ? err : -EINVAL;
    struct key key = key_of(op, from), target = key_of(op, to);
    struct bucket *a = bucket_of(key), *b = bucket_of(target);
    if (from == to)
        requeue = 0; // moving to the end of one's own queue would meet the moved ones again
    for (;;) {
        lock_two(a, b);
        if (!expected || read_word(from, &value) == 0)
            break;
        unlock_two(a, b);
        if (get_user(value, from))
            return -EFAULT;
    }
    if (expected && value != *expected) {
        unlock_two(a, b);
        return -EAGAIN;
    }
    wake_list_init(&list);
    long woken = wake_in(a, key, wakes, FUTEX_BITSET_MATCH_ANY, &list);
    list_for_each_safe (w, next, &a->waiters, link) {
        if (moved == requeue)
            break;
        if (!same(w->key, key))
            continue;
        list_del(&w->link);
        w->key = target;
        __atomic_store_n(&w->bucket, b, __ATOMIC_RELAXED);
        list_add_tail(&w->link, &b->waiters);
        moved++;
    }
    unlock_two(a, b);
    wake_list_flush(&list);
    return woken + (expected ? moved : 0);
}

// The atomic operation of FUTEX_WAKE_OP, with the old value. 0, -EAGAIN (absent page), -ENOSYS.
static int operate(u64 addr, u32 encoded, u32 *ret_old)
{
    u32 op = (encoded >> 28) & 7, arg = (encoded >> 12) & 0xfff, old, new, fault;

    if (arg & 0x800)
        arg |= 0xfffff000u;
    if (encoded & ((u32)FUTEX_OP_OPARG_SHIFT << 28))
        arg = 1u << (arg & 31);
    if (read_word(addr, &old))
        return -EAGAIN;
    for (;;) {
        switch (op) {
        case FUTEX_OP_SET:
            new = arg;
            break;
        case FUTEX_OP_ADD:
            new = old + arg;
            break;
        case FUTEX_OP_OR:
            new = old | arg;
            break;
        case FUTEX_OP_ANDN:
            new = old & ~arg;
            break;
        case FUTEX_OP_XOR:
            new = old ^ arg;
            break;
        default:
            return -ENOSYS;
        }
        if (usercmpxchg_raw((u32 *)addr, &old, new, &fault)) {
            *ret_old = old;
            return 0;
        }
        if (fault)
            return -EAGAIN;
    }
}

static bool compare(u32 encoded, u32 old)
{
    s32 a = (s32)old, b = (s32)(encoded << 20) >> 20;
    switch ((encoded >> 24) & 15) {
    case FUTEX_OP_CMP_EQ:
        return a == b;
    case FUTEX_OP_CMP_NE:
        return a != b;
    case FUTEX_OP_CMP_LT:
        return a < b;
    case FUTEX_OP_CMP_LE:
        return a <= b;
    case FUTEX_OP_CMP_GT:
        return a > b;
    case FUTEX_OP_CMP_GE:
        return a >= b;
    default:
        return false;
    }
}

static long futex_wake_op(int op, u64 addr, u64 addr2, u32 count, u32 count2, u32 encoded)
{
    struct wake_list list;
    u32 old = 0;
    int err = bad_address(addr) ? bad_address(addr) : bad_address(addr2);

    if (err)
        return err;
    struct key key = key_of(op, addr), key2 = key_of(op, addr2);
    struct bucket *a = bucket_of(key), *b = bucket_of(key2);
    for (;;) {
        lock_two(a, b);
        err = operate(addr2, encoded, &old);
        if (err != -EAGAIN)
            break;
        unlock_two(a, b);
        if (fault_in_user((const void __user *)addr2, sizeof(u32), true))
            return -EFAULT;
    }
    long woken = err;
    wake_list_init(&list);
    if (!err) {
        woken = wake_in(a, key, count, FUTEX_BITSET_MATCH_ANY, &list);
        if (compare(encoded, old))
            woken += wake_in(b, key2, count2, FUTEX_BITSET_MATCH_ANY, &list);
    }
    unlock_two(a, b);
    wake_list_flush(&list);
    return woken;
}

// Absolute CLOCK_MONOTONIC deadline of a timeout argument.
static int deadline_of(int op, const void __user *timeout, s64 *ret_deadline)
{
    struct __kernel_timespec ts;

    *ret_deadline = WAIT_FOREVER;
    if (!timeout)
        return 0;
    if (copy_from_user(&ts, timeout, sizeof(ts)))
        return -EFAULT;
    if (!timespec_valid(&ts))
        return -EINVAL;
    s64 ns = timespec_to_ns(&ts);
    if ((op & FUTEX_CMD_MASK) == FUTEX_WAIT)
        *ret_deadline = time_deadline_ns(ns);
    else if (op & FUTEX_CLOCK_REALTIME)
        *ret_deadline = time_deadline_ns(ns - time_realtime_ns());
    else
        *ret_deadline = ns;
    return 0;
}

long sys_futex(u32 __user *uaddr, int op, u32 value, void __user *timeout, u32 __user *uaddr2, u32 value3)
{
    u64 addr = (u64)uaddr, addr2 = (u64)uaddr2;
    u32 value2 = (u32)(u64)timeout;
    s64 deadline;
    int err;

    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        value3 = FUTEX_BITSET_MATCH_ANY;
        [[fallthrough]];
    case FUTEX_WAIT_BITSET:
        err = deadline_of(op, timeout, &deadline);
        return err ? err : futex_wait(op, addr, value, deadline, value3);
    case FUTEX_WAKE:
        value3 = FUTEX_BITSET_MATCH_ANY;
        [[fallthrough]];
    case FUTEX_WAKE_BITSET:
        err = check_shared(op, addr);
        return err ? err : wake(op, addr, value, value3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        err = check_shared(op, addr) ? -EFAULT : check_shared(op, addr2);
        if ((op & FUTEX_CMD_MASK) == FUTEX_REQUEUE)
            return err ? err : futex_requeue(op, addr, addr2, value, value2, NULL);
        return err ? err : futex_requeue(op, addr, addr2, value, value2, &value3);
    case FUTEX_WAKE_OP:
        err = check_shared(op, addr);
        return err ? err : futex_wake_op(op, addr, addr2, value, value2, value3);
    default:
        return -ENOSYS;
    }
}

long sys_set_robust_list(struct robust_list_head __user *head, size_t len)
{
    if (len != sizeof(struct robust_list_head))
        return -EINVAL;
    current->robust_list = (u64)head;
    current->robust_list_len = len;
    return 0;
}

long sys_get_robust_list(int pid, u64 __user *head, size_t __user *len)
{
    if (pid && (u32)pid != current->tid)
        return -EPERM;
    if (put_user(current->robust_list, head) || put_user((size_t)sizeof(struct robust_list_head), len))
        return -EFAULT;
    return 0;
}

// A dying owner marks its locks, so that the next one learns of it (Documentation/locking/robust-futexes).
static void owner_died(struct thread *thread, u64 addr)
{
    u32 value, fault;

    if (bad_address(addr) || get_user(value, addr))
        return;
    while ((value & FUTEX_TID_MASK) == thread->tid) {
        u32 new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (usercmpxchg_raw((u32 *)addr, &value, new, &fault)) {
            if (value & FUTEX_WAITERS)
                futex_wake(addr, 1, FUTEX_BITSET_MATCH_ANY);
            return;
        }
        if (fault)
            return;
    }
}

void robust_list_exit(struct thread *thread)
{
    struct robust_list_head head;
    u64 entry, next;

    if (!thread->robust_list || copy_from_user(&head, (const void __user *)thread->robust_list, sizeof(head)))
        return;
    entry = (u64)head.list.next;
    for (int limit = 0; limit < 2048 && (entry & ~1ull) != thread->robust_list; limit++) {
        if (get_user(next, entry & ~1ull))
            return;
        if (entry != (u64)head.list_op_pending)
            owner_died(thread, (entry & ~1ull) + (u64)head.futex_offset);
        entry = next;
    }
    if (head.list_op_pending)
        owner_died(thread, (u64)head.list_op_pending + (u64)head.futex_offset);
}
