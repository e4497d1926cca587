// SPDX-License-Identifier: BSD-3-Clause
// signalfd(2): signals that wait are read from a descriptor. They are those of whoever reads or polls.
#include <linux/signalfd.h>

#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/tree/process.h"
#include "libos/signal/signal_queue.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

// Who reads or polls any signalfd: signals are few, and a wake-up for nothing looks again.
static struct wait_queue waiters = WAIT_QUEUE_INIT(waiters);

void signalfd_notify(void) { wake_up_all(&waiters); }

// The mask is the file's private pointer.
static u64 mask_of(struct file *file) { return __atomic_load_n((u64 *)&file->private, __ATOMIC_RELAXED); }

static int take(u64 mask, siginfo_t *ret_info)
{
    struct process_signals *signals = &current_process()->signals;
    spin_lock(&signals->lock);
    int signo = signal_dequeue(current, mask, ret_info);
    spin_unlock(&signals->lock);
    return signo;
}

static bool waits(u64 mask)
{
    struct process_signals *signals = &current_process()->signals;
    spin_lock(&signals->lock);
    bool some = (signal_thread_queue(current)->pending | signals->queue.pending) & mask;
    spin_unlock(&signals->lock);
    return some;
}

static void describe(int signo, const siginfo_t *info, struct signalfd_siginfo *ret_record)
{
    *ret_record = (struct signalfd_siginfo){
        .ssi_signo = (u32)signo,
        .ssi_errno = info->si_errno,
        .ssi_code = info->si_code,
        .ssi_pid = (u32)info->si_pid,
        .ssi_uid = (u32)info->si_uid,
    };
    if (signo == SIGCHLD) {
        ret_record->ssi_status = info->si_status;
        ret_record->ssi_utime = (u64)info->si_utime;
        ret_record->ssi_stime = (u64)info->si_stime;
    } else if (info->si_code == SI_TIMER) {
        ret_record->ssi_tid = (u32)info->si_tid;
        ret_record->ssi_overrun = (u32)info->si_overrun;
    } else if (info->si_code > 0 && (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE)) {
        ret_record->ssi_addr = (u64)(uintptr_t)info->si_addr;
    }
    if (info->si_code == SI_QUEUE || info->si_code == SI_TIMER) {
        ret_record->ssi_int = info->si_int;
        ret_record->ssi_ptr = (u64)(uintptr_t)info->si_ptr;
    }
}

// As many as there are and fit; waits for the first.
static long signalfd_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct signalfd_siginfo record;
    siginfo_t info;
    long done = 0;

    if (uio->left < sizeof(record))
        return -EINVAL;
    while (uio->left >= sizeof(record)) {
        int signo = take(mask_of(file), &info);
        if (signo) {
            describe(signo, &info, &record);
            if (uio_put(uio, &record, sizeof(record)))
                return done ? done : -EFAULT;
            done += (long)sizeof(record);
        } else if (done) {
            break;
        } else if (file->flags & O_NONBLOCK) {
            return -EAGAIN;
        } else if (wait_event(&waiters, waits(mask_of(file)), WAIT_FOREVER)) {
            return -ERESTARTSYS;
        }
    }
    return done;
}

static u32 signalfd_poll(struct file *file, struct poll_table *table)
{
    poll_wait(table, &waiters);
    return waits(mask_of(file)) ? POLLIN | POLLRDNORM : 0;
}

static const struct file_ops signalfd_ops = {
    .read = signalfd_read, .poll = signalfd_poll, .stream = true, .unmoved = true
};

static long change(int fd, u64 mask)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    bool ours = file->ops == &signalfd_ops;
    if (ours)
        __atomic_store_n((u64 *)&file->private, mask, __ATOMIC_RELAXED);
    file_unref(file);
    if (!ours)
        return -EINVAL;
    signalfd_notify();
    return fd;
}

long sys_signalfd4(int fd, const u64 __user *user, size_t size, int flags)
{
    struct file *file;
    u64 mask;

    if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) || size != sizeof(mask))
        return -EINVAL;
    if (get_user(mask, user))
        return -EFAULT;
    mask &= ~SIGMASK_UNBLOCKABLE;
    if (fd != -1)
        return change(fd, mask);
    int err = file_alloc(NULL, O_RDWR | ((u32)flags & O_NONBLOCK), &file);
    if (err)
        return err;
    file->ops = &signalfd_ops;
    file->private = (void *)mask;
    file->path = kstrdup("anon_inode:[signalfd]");
    return files_give(file, 0, flags & SFD_CLOEXEC);
}

long sys_signalfd(int fd, const u64 __user *user, size_t size) { return sys_signalfd4(fd, user, size, 0); }
