// SPDX-License-Identifier: BSD-3-Clause
// poll(2), ppoll(2), select(2), pselect6(2).
#include "base/bitmap.h"
#include "base/string.h"
#include "libos/fs/hostpoll.h"
#include "libos/fs/signal_mask.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

enum { MAX_FDS = 65536, ALWAYS = POLLERR | POLLHUP | POLLNVAL };

// The descriptors of one call. Each file is held from the first look to the end, whatever happens to the descriptor.
struct poll_call {
    struct pollfd *fds;
    struct file **files; // NULL: the descriptor is not open, or is to be ignored
    size_t count;
    struct poll_set set;
};

static int call_begin(struct poll_call *call, struct pollfd *fds, size_t count)
{
    call->fds = fds;
    call->count = count;
    call->files = kmalloc((count + 1) * sizeof(*call->files));
    if (!call->files)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        call->files[i] = fds[i].fd >= 0 ? files_get(fds[i].fd) : NULL;
    poll_set_init(&call->set);
    return 0;
}

static void call_end(struct poll_call *call)
{
    poll_set_done(&call->set);
    for (size_t i = 0; i < call->count; i++)
        if (call->files[i])
            file_unref(call->files[i]);
    kfree(call->files);
}

static short look(struct pollfd *fd, struct file *file, struct poll_table *table)
{
    if (fd->fd < 0)
        return 0;
    if (!file)
        return POLLNVAL;
    u32 wanted = (u32)(u16)fd->events;
    if (table)
        table->wanted = wanted;
    return (short)(file_poll(file, table) & (wanted | ALWAYS));
}

// One look at all descriptors; registers with table until one is ready. Returns how many are ready.
static int scan(struct poll_call *call, struct poll_table *table)
{
    int ready = 0;
    for (size_t i = 0; i < call->count; i++) {
        call->fds[i].revents = look(&call->fds[i], call->files[i], ready && table && table->add ? NULL : table);
        ready += call->fds[i].revents != 0;
    }
    return ready;
}

// Who only looks wants to know what holds now: the host is asked for what it has not told yet.
static int look_once(struct poll_call *call)
{
    struct poll_table table = { .until = WAIT_FOREVER };
    int ready = scan(call, &table);
    if (!table.host)
        return ready;
    hostpoll_refresh();
    return scan(call, NULL);
}

// Registers once, then looks after each wake-up. Timers may have been set meanwhile: each look asks for the time anew.
static long scan_and_sleep(struct poll_call *call, s64 deadline)
{
    struct poll_table *table = &call->set.table;
    int err = 0, ready = scan(call, table);

    table->add = NULL;
    while (!ready && !err) {
        err = poll_set_sleep(&call->set, deadline);
        table->until = WAIT_FOREVER;
        ready = scan(call, table);
    }
    hostpoll_leave();
    if (ready || err == -ETIMEDOUT)
        return ready;
    return err == -EINTR ? -ERESTARTNOHAND : err;
}

// deadline 0: only looks.
static long wait_for_events(struct pollfd *fds, size_t count, s64 deadline)
{
    struct poll_call call;
    int err = call_begin(&call, fds, count);
    if (err)
        return err;
    long ready = deadline ? scan_and_sleep(&call, deadline) : look_once(&call);
    call_end(&call);
    return ready;
}

static long do_poll(struct pollfd __user *user, u64 count, s64 deadline)
{
    if (count > MAX_FDS || count > files_limit(current->files))
        return -EINVAL;
    struct pollfd *fds = kmalloc((count + 1) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    long ready = copy_from_user(fds, user, count * sizeof(*fds)) ? -EFAULT : 0;
    if (!ready)
        ready = wait_for_events(fds, count, deadline);
    if (ready >= 0 && copy_to_user(user, fds, count * sizeof(*fds)))
        ready = -EFAULT;
    kfree(fds);
    return ready;
}

long sys_poll(struct pollfd __user *fds, u64 count, int timeout_ms)
{
    s64 deadline = WAIT_FOREVER;
    if (timeout_ms >= 0)
        deadline = timeout_ms ? time_deadline_ns(timeout_ms * 1000000ll) : 0;
    return do_poll(fds, count, deadline);
}

static long deadline_from_user(const struct __kernel_timespec __user *user, s64 *ret_deadline)
{
    s64 ns;

    *ret_deadline = WAIT_FOREVER;
    int err = user ? timespec_from_user(user, &ns) : 0;
    if (!user || err)
        return err;
    *ret_deadline = ns == 0 ? 0 : time_deadline_ns(ns);
    return 0;
}

// ppoll, pselect6 and select write the time left back. It may fail: the memory may be read-only, as Linux allows.
static s64 time_left(s64 deadline) { return deadline ? MAX(deadline - time_monotonic_ns(), (s64)0) : 0; }

static long put_time_left(struct __kernel_timespec __user *user, s64 deadline, long result)
{
    if (!user || deadline == WAIT_FOREVER)
        return result;
    s64 left = time_left(deadline);
    struct __kernel_timespec ts = { left / NSEC_PER_SEC, left % NSEC_PER_SEC };
    (void)!copy_to_user(user, &ts, sizeof(ts));
    return result;
}

long sys_ppoll(struct pollfd __user *fds, u64 count, struct __kernel_timespec __user *timeout, const u64 __user *mask,
               size_t mask_size)
{
    s64 deadline;
    long err = deadline_from_user(timeout, &deadline);
    if (!err)
        err = signal_mask_swap(mask, mask_size);
    return err ? err : put_time_left(timeout, deadline, signal_mask_done(do_poll(fds, count, deadline)));
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

// The descriptors that are in any of the sets: how many.
static size_t list_wanted(int n, const struct sets *in, struct pollfd *fds)
{
    static const short events[3] = { POLLIN | POLLRDNORM, POLLOUT | POLLWRNORM, POLLPRI };
    size_t count = 0;

    for (int fd = 0; fd < n; fd++) {
        short wanted = 0;
        for (int k = 0; k < 3; k++)
            wanted |= bitmap_test(in->bits[k], (size_t)fd) ? events[k] : 0;
        if (wanted)
            fds[count++] = (struct pollfd){ .fd = fd, .events = wanted };
    }
    return count;
}

// Fills the sets from the answers: the number of bits, or -EBADF.
static long fill_sets(const struct pollfd *fds, size_t count, const struct sets *in, struct sets *out)
{
    static const short hits[3] = { POLLIN | POLLRDNORM | POLLHUP | POLLERR, POLLOUT | POLLWRNORM | POLLERR, POLLPRI };
    long bits = 0;

    memset(out, 0, sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        if (fds[i].revents & POLLNVAL)
            return -EBADF;
        for (int k = 0; k < 3; k++)
            if (bitmap_test(in->bits[k], (size_t)fds[i].fd) && (fds[i].revents & hits[k])) {
                bitmap_set(out->bits[k], (size_t)fds[i].fd);
                bits++;
            }
    }
    return bits;
}

static long do_select(int n, u64 __user *const user[3], s64 deadline)
{
    struct sets in, out;

    if (n < 0)
        return -EINVAL;
    n = MIN(n, 1024);
    long ready = read_sets(n, user, &in);
    if (ready)
        return ready;
    struct pollfd *fds = kmalloc(((size_t)n + 1) * sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    size_t count = list_wanted(n, &in, fds);
    ready = wait_for_events(fds, count, deadline);
    long bits = ready < 0 ? ready : fill_sets(fds, count, &in, &out);
    kfree(fds);
    for (int k = 0; bits >= 0 && k < 3; k++)
        if (user[k] && copy_to_user(user[k], out.bits[k], (size_t)DIV_ROUND_UP(n, 64) * 8))
            bits = -EFAULT;
    return bits;
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
    long bits = do_select(n, sets, deadline);
    if (timeout) {
        s64 left = time_left(deadline);
        tv = (struct __kernel_old_timeval){ left / NSEC_PER_SEC, left % NSEC_PER_SEC / 1000 };
        (void)!copy_to_user(timeout, &tv, sizeof(tv));
    }
    return bits;
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
    return err ? err : put_time_left(timeout, deadline, signal_mask_done(do_select(n, sets, deadline)));
}
