// SPDX-License-Identifier: BSD-3-Clause
// poll(2), ppoll(2), select(2), pselect6(2).
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/fs/signal_mask.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

enum { MAX_FDS = 65536, ALWAYS = POLLERR | POLLHUP | POLLNVAL };

// One look at all descriptors; registers with table. Returns how many are ready.
static int scan(struct pollfd *fds, size_t count, struct poll_table *table)
{
    int ready = 0;
    for (size_t i = 0; i < count; i++) {
        fds[i].revents = 0;
        if (fds[i].fd < 0)
            continue;
        struct file *file = files_get(fds[i].fd);
        if (!file) {
            fds[i].revents = POLLNVAL;
        } else {
            if (table)
                table->wanted = (u32)(u16)fds[i].events;
            fds[i].revents = (short)(file_poll(file, ready ? NULL : table) & ((u32)(u16)fds[i].events | ALWAYS));
            file_unref(file);
        }
        ready += fds[i].revents != 0;
    }
    return ready;
}

// Waits for the first event. The files of registered descriptors may be closed meanwhile by another thread: they are
// kept by the references below.
static long wait_for_events(struct pollfd *fds, size_t count, s64 deadline)
{
    struct file **kept = kzalloc((count + 1) * sizeof(*kept));
    struct poll_table *table = kmalloc(sizeof(*table));
    long ready = kept && table ? 0 : -ENOMEM;

    if (!ready) {
        for (size_t i = 0; i < count; i++)
            kept[i] = fds[i].fd >= 0 ? files_get(fds[i].fd) : NULL;
        poll_table_init(table);
        ready = scan(fds, count, table);
        int err = 0;
        while (!ready && !err) {
            err = poll_sleep(table, deadline);
            // Registers afresh: a timer may have been set meanwhile.
            poll_table_done(table);
            poll_table_init(table);
            ready = scan(fds, count, table);
        }
        poll_table_done(table);
        if (!ready && err && err != -ETIMEDOUT)
            ready = err == -EINTR ? -ERESTARTNOHAND : err;
        for (size_t i = 0; i < count; i++)
            if (kept[i])
                file_unref(kept[i]);
    }
    kfree(kept);
    kfree(table);
    return ready;
}

static long do_poll(struct pollfd __user *user, u64 count, s64 deadline)
{
    if (count > MAX_FDS)
        return -EINVAL;
    struct pollfd *fds = kmalloc((count + 1) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    long ready = copy_from_user(fds, user, count * sizeof(*fds)) ? -EFAULT : 0;
    if (!ready)
        ready = deadline == 0 ? scan(fds, count, NULL) : wait_for_events(fds, count, deadline);
    if (ready >= 0 && copy_to_user(user, fds, count * sizeof(*fds)))
        ready = -EFAULT;
    kfree(fds);
    return ready;
}

long sys_poll(struct pollfd __user *fds, u64 count, int timeout_ms)
{
    s64 deadline = timeout_ms < 0 ? WAIT_FOREVER : timeout_ms == 0 ? 0 : time_deadline_ns(timeout_ms * 1000000ll);
    return do_poll(fds, count, deadline);
}

static long deadline_from_user(const struct __kernel_timespec __user *user, s64 *ret_deadline)
{
    struct __kernel_timespec ts;
    *ret_deadline = WAIT_FOREVER;
    if (!user)
        return 0;
    if (copy_from_user(&ts, user, sizeof(ts)))
        return -EFAULT;
    if (!timespec_valid(&ts))
        return -EINVAL;
    s64 ns = timespec_to_ns(&ts);
    *ret_deadline = ns == 0 ? 0 : time_deadline_ns(ns);
    return 0;
}

long sys_ppoll(struct pollfd __user *fds, u64 count, struct __kernel_timespec __user *timeout, const u64 __user *mask,
               size_t mask_size)
{
    s64 deadline;
    long err = deadline_from_user(timeout, &deadline);
    if (!err)
        err = signal_mask_swap(mask, mask_size);
    return err ? err : signal_mask_done(do_poll(fds, count, deadline));
}

struct sets {
    u64 bits[3][BITMAP_WORDS(1024)];
};

static long read_sets(int n, u64 __user *const user[3], struct sets *sets)
{
    size_t bytes = (size_t)DIV_ROUND_UP(n, 64) * 8;
    memset(sets, 0, sizeof(*sets));
    for (int k = 0; k < 3; k++)
        if (user[k] && copy_from_user(sets->bits[k], user[k], bytes))
            return -EFAULT;
    return 0;
}

static long do_select(int n, u64 __user *const user[3], s64 deadline)
{
    static const short events[3] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
    static const short hits[3] = { POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR, POLLPRI };
    struct sets in, out;
    size_t count = 0;

    if (n < 0)
        return -EINVAL;
    n = MIN(n, 1024);
    long ready = read_sets(n, user, &in);
    if (ready)
        return ready;
    struct pollfd *fds = kmalloc(((size_t)n + 1) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    for (int fd = 0; fd < n; fd++) {
        short wanted = 0;
        for (int k = 0; k < 3; k++)
            wanted |= bitmap_test(in.bits[k], (size_t)fd) ? events[k] : 0;
        if (wanted)
            fds[count++] = (struct pollfd){ .fd = fd, .events = wanted };
    }
    ready = deadline == 0 ? scan(fds, count, NULL) : wait_for_events(fds, count, deadline);
    memset(&out, 0, sizeof(out));
    long bits = 0;
    for (size_t i = 0; ready >= 0 && i < count; i++) {
        if (fds[i].revents & POLLNVAL)
            ready = -EBADF;
        for (int k = 0; k < 3 && ready >= 0; k++)
            if (bitmap_test(in.bits[k], (size_t)fds[i].fd) && (fds[i].revents & hits[k])) {
                bitmap_set(out.bits[k], (size_t)fds[i].fd);
                bits++;
            }
    }
    kfree(fds);
    for (int k = 0; ready >= 0 && k < 3; k++)
        if (user[k] && copy_to_user(user[k], out.bits[k], (size_t)DIV_ROUND_UP(n, 64) * 8))
            ready = -EFAULT;
    return ready < 0 ? ready : bits;
}

long sys_select(int n, u64 __user *in, u64 __user *out, u64 __user *except, struct __kernel_old_timeval __user *timeout)
{
    u64 __user *const sets[3] = { in, out, except };
    struct __kernel_old_timeval tv;
    s64 deadline = WAIT_FOREVER;

    if (timeout) {
        if (copy_from_user(&tv, timeout, sizeof(tv)))
            return -EFAULT;
        if (tv.tv_sec < 0 || tv.tv_usec < 0 || tv.tv_sec > INT64_MAX / NSEC_PER_SEC - 1)
            return -EINVAL;
        s64 ns = tv.tv_sec * NSEC_PER_SEC + tv.tv_usec * 1000;
        deadline = ns == 0 ? 0 : time_deadline_ns(ns);
    }
    return do_select(n, sets, deadline);
}

long sys_pselect6(int n, u64 __user *in, u64 __user *out, u64 __user *except, struct __kernel_timespec __user *timeout,
                  const u64 __user *mask_argument)
{
    u64 __user *const sets[3] = { in, out, except };
    u64 mask[2] = { 0 }; // address and size
    s64 deadline;
    long err = deadline_from_user(timeout, &deadline);

    if (!err && mask_argument && copy_from_user(mask, mask_argument, sizeof(mask)))
        err = -EFAULT;
    if (!err)
        err = signal_mask_swap((const u64 __user *)mask[0], mask[1]);
    return err ? err : signal_mask_done(do_select(n, sets, deadline));
}
