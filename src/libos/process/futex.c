// SPDX-License-Identifier: BSD-3-Clause
// futex(2). The key is the address and, for memory that is a process's own, its mm: relatives (vm/family.h) have other
// words at the same address. The word is read under the bucket's lock, so a waker that changed it first and looks at
// the bucket second misses nobody.
#include "libos/process/futex.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"
#include "trusted/layout.h"
#include "trusted/usercopy.h"

enum { BUCKETS = 256 };

static struct futex_bucket buckets[BUCKETS] = { [0 ... BUCKETS - 1] = { .lock = SPINLOCK_INIT(LOCK_FUTEX) } };

struct futex_key futex_key(int op, u64 addr)
{
    bool shared = !(op & FUTEX_PRIVATE_FLAG) && vm_is_shared(current->mm, addr);
    if (!shared)
        return (struct futex_key){ addr, current->mm };
    return (struct futex_key){ vm_shared_key(current->mm, addr), NULL };
}

struct futex_bucket *futex_bucket(struct futex_key key)
{
    u64 x = (key.addr >> 2) ^ ((u64)(uintptr_t)key.mm >> 4);
    x *= 0x9e3779b97f4a7c15ull;
    return &buckets[x >> 56];
}

void futex_lock_bucket(struct futex_bucket *bucket)
{
    spin_lock(&bucket->lock);
    if (!bucket->waiters.next)
        list_init(&bucket->waiters);
}

void futex_lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    futex_lock_bucket(a < b ? a : b);
    if (a != b)
        futex_lock_bucket(a < b ? b : a);
}

void futex_unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
    spin_unlock(&a->lock);
    if (a != b)
        spin_unlock(&b->lock);
}

int futex_bad_address(u64 addr) { return addr & 3 ? -EINVAL : range_is_user(addr, 4) ? 0 : -EFAULT; }

int futex_check_shared(int op, u64 addr)
{
    if (op & FUTEX_PRIVATE_FLAG || futex_bad_address(addr))
        return 0;
    return fault_in_user((const void __user *)addr, sizeof(u32), false);
}

int futex_read_word(u64 addr, u32 *ret_value)
{
    if (current->away)
        return -EAGAIN;
    return usercopy_raw(ret_value, (const void *)addr, sizeof(*ret_value)) ? -EAGAIN : 0;
}

int futex_lock_reading(struct futex_bucket *bucket, u64 addr, u32 *ret_value)
{
    for (;;) {
        futex_lock_bucket(bucket);
        if (futex_read_word(addr, ret_value) == 0)
            return 0;
        spin_unlock(&bucket->lock);
        if (get_user(*ret_value, addr))
            return -EFAULT;
    }
}

// Once done is set the waiter may return, and w with it.
void futex_wake_one(struct futex_waiter *w, struct wake_list *list)
{
    struct slot_wake *slot = w->waiter.slot;

    list_del(&w->link);
    __atomic_store_n(&w->waiter.woken, true, __ATOMIC_RELEASE);
    __atomic_store_n(&w->done, true, __ATOMIC_RELEASE);
    wake_list_add(list, slot);
}

// All waiters of the locks of a thread that ended.
void futex_owner_ends(u32 tid)
{
    if (!__atomic_load_n(&futex_pi_waiters, __ATOMIC_SEQ_CST))
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        struct futex_waiter *w, *next;
        struct wake_list list;
        wake_list_init(&list);
        futex_lock_bucket(&buckets[i]);
        list_for_each_safe (w, next, &buckets[i].waiters, link)
            if (w->pi && w->owner == tid)
                futex_wake_one(w, &list);
        spin_unlock(&buckets[i].lock);
        wake_list_flush(&list);
    }
}

// Who waits for a lock is not woken by a plain wake-up.
static bool is_plain(const struct futex_waiter *w) { return !w->pi && !w->lock.addr; }

// Wakes at most count waiters on the key, one even if that is 0 or below, as Linux does; the lock of the bucket is
// held, the flush comes after it. -EINVAL for waiters of locks.
static long wake_in(struct futex_bucket *bucket, struct futex_key key, int count, u32 bitset, struct wake_list *list)
{
    struct futex_waiter *w, *next;
    long woken = 0;
    list_for_each_safe (w, next, &bucket->waiters, link) {
        if (!futex_same(w->key, key))
            continue;
        if (!is_plain(w))
            return -EINVAL;
        if (!(w->bitset & bitset))
            continue;
        futex_wake_one(w, list);
        if (++woken >= count)
            break;
    }
    return woken;
}

static long wake(int op, u64 addr, u32 count, u32 bitset)
{
    struct wake_list list;

    int err = futex_bad_address(addr);
    if (err || !bitset)
        return err ? err : -EINVAL;
    struct futex_key key = futex_key(op, addr);
    struct futex_bucket *bucket = futex_bucket(key);
    wake_list_init(&list);
    futex_lock_bucket(bucket);
    long woken = wake_in(bucket, key, (int)count, bitset, &list);
    spin_unlock(&bucket->lock);
    wake_list_flush(&list);
    return woken;
}

long futex_wake(u64 addr, u32 count, u32 bitset) { return wake(0, addr, count, bitset); }

// Takes the waiter out if no waker did. True if it was woken.
bool futex_finish(struct futex_waiter *w)
{
    for (;;) {
        struct futex_bucket *bucket = __atomic_load_n(&w->bucket, __ATOMIC_RELAXED);
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
    int err = futex_bad_address(addr);

    deadline = thread_restarted_deadline(deadline);
    if (err || !bitset)
        return err ? err : -EINVAL;
    w.key = futex_key(op, addr);
    w.bucket = futex_bucket(w.key);
    waiter_init(&w.waiter);
    if (futex_lock_reading(w.bucket, addr, &value))
        return -EFAULT;
    if (value != expected) {
        spin_unlock(&w.bucket->lock);
        return -EAGAIN;
    }
    list_add_tail(&w.link, &w.bucket->waiters);
    spin_unlock(&w.bucket->lock);
    while (!__atomic_load_n(&w.done, __ATOMIC_ACQUIRE) && !err)
        err = waiter_sleep(&w.waiter, deadline);
    if (futex_finish(&w))
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
    int err = futex_bad_address(from) ? futex_bad_address(from) : futex_bad_address(to);

    if (err || (s32)wakes < 0 || (s32)requeue < 0)
        return err ? err : -EINVAL;
    struct futex_key key = futex_key(op, from), target = futex_key(op, to);
    struct futex_bucket *a = futex_bucket(key), *b = futex_bucket(target);
    if (from == to)
        requeue = 0; // moving to the end of one's own queue would meet the moved ones again
    for (;;) {
        futex_lock_two(a, b);
        if (!expected || futex_read_word(from, &value) == 0)
            break;
        futex_unlock_two(a, b);
        if (get_user(value, from))
            return -EFAULT;
    }
    if (expected && value != *expected) {
        futex_unlock_two(a, b);
        return -EAGAIN;
    }
    wake_list_init(&list);
    long woken = wakes ? wake_in(a, key, (int)wakes, FUTEX_BITSET_MATCH_ANY, &list) : 0;
    list_for_each_safe (w, next, &a->waiters, link) {
        if (moved == requeue || woken < 0)
            break;
        if (!futex_same(w->key, key))
            continue;
        if (!is_plain(w)) {
            woken = -EINVAL;
            break;
        }
        list_del(&w->link);
        w->key = target;
        __atomic_store_n(&w->bucket, b, __ATOMIC_RELAXED);
        list_add_tail(&w->link, &b->waiters);
        moved++;
    }
    futex_unlock_two(a, b);
    wake_list_flush(&list);
    return woken < 0 || !expected ? woken : woken + moved;
}

// The atomic operation of FUTEX_WAKE_OP, with the old value. 0, -EAGAIN (absent page), -ENOSYS.
static int operate(u64 addr, u32 encoded, u32 *ret_old)
{
    u32 op = (encoded >> 28) & 7, arg = (encoded >> 12) & 0xfff, old, new, fault;

    if (arg & 0x800)
        arg |= 0xfffff000u;
    if (encoded & ((u32)FUTEX_OP_OPARG_SHIFT << 28))
        arg = 1u << (arg & 31);
    if (futex_read_word(addr, &old))
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

static bool can_compare(u32 encoded) { return ((encoded >> 24) & 15) <= FUTEX_OP_CMP_GE; }

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
    int err = futex_bad_address(addr) ? futex_bad_address(addr) : futex_bad_address(addr2);

    if (err)
        return err;
    struct futex_key key = futex_key(op, addr), key2 = futex_key(op, addr2);
    struct futex_bucket *a = futex_bucket(key), *b = futex_bucket(key2);
    for (;;) {
        futex_lock_two(a, b);
        err = operate(addr2, encoded, &old);
        if (err != -EAGAIN)
            break;
        futex_unlock_two(a, b);
        if (fault_in_user((const void __user *)addr2, sizeof(u32), true))
            return -EFAULT;
    }
    long woken = err;
    wake_list_init(&list);
    if (!err && !can_compare(encoded))
        woken = -ENOSYS;
    else if (!err) {
        woken = wake_in(a, key, (int)count, FUTEX_BITSET_MATCH_ANY, &list);
        long more =
            woken >= 0 && compare(encoded, old) ? wake_in(b, key2, (int)count2, FUTEX_BITSET_MATCH_ANY, &list) : 0;
        woken = more < 0 ? more : woken + more;
    }
    futex_unlock_two(a, b);
    wake_list_flush(&list);
    return woken;
}

int futex_deadline(enum futex_clock clock, const void __user *timeout, s64 *ret_deadline)
{
    s64 ns;

    *ret_deadline = WAIT_FOREVER;
    int err = timeout ? timespec_from_user(timeout, &ns) : 0;
    if (!timeout || err)
        return err;
    if (clock == FUTEX_RELATIVE)
        *ret_deadline = time_deadline_ns(ns);
    else if (clock == FUTEX_REALTIME)
        *ret_deadline = time_deadline_ns(ns - time_realtime_ns());
    else
        *ret_deadline = ns;
    return 0;
}

// The deadline of a call that may have one.
static int deadline_of(int op, const void __user *timeout, s64 *ret_deadline)
{
    enum futex_clock clock = op & FUTEX_CLOCK_REALTIME ? FUTEX_REALTIME : FUTEX_MONOTONIC;

    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        return futex_deadline(FUTEX_RELATIVE, timeout, ret_deadline);
    case FUTEX_LOCK_PI:
        return futex_deadline(FUTEX_REALTIME, timeout, ret_deadline);
    case FUTEX_WAIT_BITSET:
    case FUTEX_LOCK_PI2:
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_deadline(clock, timeout, ret_deadline);
    default:
        *ret_deadline = WAIT_FOREVER;
        return 0;
    }
}

static bool may_have_clock(int op)
{
    int command = op & FUTEX_CMD_MASK;
    return command == FUTEX_WAIT_BITSET || command == FUTEX_WAIT_REQUEUE_PI || command == FUTEX_LOCK_PI2;
}

static long futex_of_locks(int op, u64 addr, u32 value, s64 deadline, u32 value2, u64 addr2, u32 value3)
{
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2:
        return futex_lock_pi(op, addr, deadline, false);
    case FUTEX_TRYLOCK_PI:
        return futex_lock_pi(op, addr, WAIT_FOREVER, true);
    case FUTEX_UNLOCK_PI:
        return futex_unlock_pi(op, addr);
    case FUTEX_WAIT_REQUEUE_PI:
        return futex_wait_requeue_pi(op, addr, value, deadline, FUTEX_BITSET_MATCH_ANY, addr2);
    case FUTEX_CMP_REQUEUE_PI:
        return futex_cmp_requeue_pi(op, addr, addr2, value, value2, value3);
    default:
        return -ENOSYS;
    }
}

long sys_futex(u32 __user *uaddr, int op, u32 value, void __user *timeout, u32 __user *uaddr2, u32 value3)
{
    u64 addr = (u64)uaddr, addr2 = (u64)uaddr2;
    u32 value2 = (u32)(u64)timeout;
    s64 deadline;
    int err = deadline_of(op, timeout, &deadline);

    if (err)
        return err;
    if ((op & FUTEX_CLOCK_REALTIME) && !may_have_clock(op))
        return -ENOSYS;
    switch (op & FUTEX_CMD_MASK) {
    case FUTEX_WAIT:
        value3 = FUTEX_BITSET_MATCH_ANY;
        [[fallthrough]];
    case FUTEX_WAIT_BITSET:
        return futex_wait(op, addr, value, deadline, value3);
    case FUTEX_WAKE:
        value3 = FUTEX_BITSET_MATCH_ANY;
        [[fallthrough]];
    case FUTEX_WAKE_BITSET:
        err = futex_check_shared(op, addr);
        return err ? err : wake(op, addr, value, value3);
    case FUTEX_REQUEUE:
    case FUTEX_CMP_REQUEUE:
        err = futex_check_shared(op, addr) ? -EFAULT : futex_check_shared(op, addr2);
        if ((op & FUTEX_CMD_MASK) == FUTEX_REQUEUE)
            return err ? err : futex_requeue(op, addr, addr2, value, value2, NULL);
        return err ? err : futex_requeue(op, addr, addr2, value, value2, &value3);
    case FUTEX_WAKE_OP:
        err = futex_check_shared(op, addr);
        return err ? err : futex_wake_op(op, addr, addr2, value, value2, value3);
    default:
        return futex_of_locks(op, addr, value, deadline, value2, addr2, value3);
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
    u64 list = current->robust_list;
    if (pid && (u32)pid != current->tid) {
        mutex_lock(&process_lock);
        struct thread *thread = process_find_thread((u32)pid);
        long err = thread ? 0 : -ESRCH;
        if (thread && thread->process != current_process())
            err = -EPERM;
        list = err ? 0 : thread->robust_list;
        mutex_unlock(&process_lock);
        if (err)
            return err;
    }
    if (put_user(list, head) || put_user((size_t)sizeof(struct robust_list_head), len))
        return -EFAULT;
    return 0;
}

// A dying owner marks its locks, so that the next one learns of it (Documentation/locking/robust-futexes). pi: who
// waits for it finds out when the thread has ended (futex_owner_ends).
static void owner_died(struct thread *thread, u64 addr, bool pi)
{
    u32 value, fault;

    if (futex_bad_address(addr) || get_user(value, addr))
        return;
    while ((value & FUTEX_TID_MASK) == thread->tid) {
        u32 new = (value & FUTEX_WAITERS) | FUTEX_OWNER_DIED;
        if (usercmpxchg_raw((u32 *)addr, &value, new, &fault)) {
            if (!pi && (value & FUTEX_WAITERS))
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
        if ((entry & ~1ull) != ((u64)head.list_op_pending & ~1ull))
            owner_died(thread, (entry & ~1ull) + (u64)head.futex_offset, entry & 1);
        entry = next;
    }
    u64 pending = (u64)head.list_op_pending;
    if (pending)
        owner_died(thread, (pending & ~1ull) + (u64)head.futex_offset, pending & 1);
}
