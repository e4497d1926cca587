// SPDX-License-Identifier: BSD-3-Clause
// futex_waitv(2): waits for any of several words.
#include "libos/mem/heap.h"
#include "libos/process/futex.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { WAITERS_MAX = 128, FLAGS_KNOWN = FUTEX_32 | FUTEX_PRIVATE_FLAG };

static long check(const struct futex_waitv *wanted, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if ((wanted[i].flags & ~(u32)FLAGS_KNOWN) || !(wanted[i].flags & FUTEX_32) || wanted[i].__reserved)
            return -EINVAL;
    return 0;
}

// Waits on the word from now on. 0, -EAGAIN: it has another value, -EFAULT, -EINVAL.
static long queue(const struct futex_waitv *wanted, struct futex_waiter *w)
{
    int op = wanted->flags & FUTEX_PRIVATE_FLAG;
    u32 value;
    int err = futex_bad_address(wanted->uaddr);

    if (err)
        return err;
    *w = (struct futex_waiter){ .bitset = FUTEX_BITSET_MATCH_ANY, .tid = current->tid };
    w->key = futex_key(op, wanted->uaddr);
    w->bucket = futex_bucket(w->key);
    waiter_init(&w->waiter);
    if (futex_lock_reading(w->bucket, wanted->uaddr, &value))
        return -EFAULT;
    bool equal = value == (u32)wanted->val;
    if (equal)
        list_add_tail(&w->link, &w->bucket->waiters);
    spin_unlock(&w->bucket->lock);
    return equal ? 0 : -EAGAIN;
}

static bool any_done(const struct futex_waiter *waiters, u32 count)
{
    for (u32 i = 0; i < count; i++)
        if (__atomic_load_n(&waiters[i].done, __ATOMIC_ACQUIRE))
            return true;
    return false;
}

// The index of one that was woken, or -1.
static long finish_all(struct futex_waiter *waiters, u32 count)
{
    long woken = -1;
    for (u32 i = 0; i < count; i++)
        if (futex_finish(&waiters[i]))
            woken = i;
    return woken;
}

static long wait_any(const struct futex_waitv *wanted, struct futex_waiter *waiters, u32 count, s64 deadline)
{
    u32 queued = 0;
    long err = 0;

    while (queued < count && !err) {
        err = queue(&wanted[queued], &waiters[queued]);
        queued += !err;
    }
    while (!err && !any_done(waiters, queued))
        err = waiter_sleep(&waiters[0].waiter, deadline);
    long woken = finish_all(waiters, queued);
    if (woken >= 0)
        return woken;
    return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_futex_waitv(struct futex_waitv __user *user, u32 count, u32 flags, void __user *timeout, int clock)
{
    s64 deadline = WAIT_FOREVER;

    if (flags || !count || count > WAITERS_MAX || !user)
        return -EINVAL;
    if (timeout && clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME)
        return -EINVAL;
    long err = futex_deadline(clock == CLOCK_REALTIME ? FUTEX_REALTIME : FUTEX_MONOTONIC, timeout, &deadline);
    if (err)
        return err;
    struct futex_waitv *wanted = kmalloc(count * sizeof(*wanted));
    struct futex_waiter *waiters = kmalloc(count * sizeof(*waiters));
    if (!wanted || !waiters)
        err = -ENOMEM;
    else if (copy_from_user(wanted, user, count * sizeof(*wanted)))
        err = -EFAULT;
    else
        err = check(wanted, count);
    if (!err)
        err = wait_any(wanted, waiters, count, deadline);
    kfree(wanted);
    kfree(waiters);
    return err;
}
