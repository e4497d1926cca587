// SPDX-License-Identifier: BSD-3-Clause
// Messages of POSIX queues: sending, receiving, and the notice to who waits for the first (mq_send(3), mq_notify(3)).
#include "base/string.h"
#include "libos/ipc/mq_queue.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "libos/vm/user_time.h"

void (*mq_send_signal)(u32 pid, int signo, sigval_t value, u32 sender_pid, u32 sender_uid);

// The deadline of an absolute time on CLOCK_REALTIME. -EINVAL, -EFAULT.
static long deadline_of(const struct __kernel_timespec __user *user, s64 *ret_deadline)
{
    s64 ns;

    *ret_deadline = WAIT_FOREVER;
    int err = user ? timespec_from_user(user, &ns) : 0;
    if (!user || err)
        return err;
    *ret_deadline = time_deadline_ns(ns - time_realtime_ns());
    return 0;
}

// The file of a descriptor of a queue, if it is open so. -EBADF.
static long queue_file(int fd, bool write, struct file **ret_file)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    if (!mq_of(file) || !(write ? file_writable(file) : file_readable(file))) {
        file_unref(file);
        return -EBADF;
    }
    *ret_file = file;
    return 0;
}

// What a message that came to an empty queue tells somebody; taken under the lock, sent after it.
struct notice {
    u32 pid;
    struct sigevent event;
};

// Behind those of its priority. With mq_lock held.
static void insert(struct mq *mq, struct mq_message *m)
{
    struct mq_message *at;
    struct list_head *before = &mq->messages;

    list_for_each (at, &mq->messages, link) {
        if (at->priority < m->priority) {
            before = &at->link;
            break;
        }
    }
    list_add_tail(&m->link, before);
}

// Nobody is told while somebody waits for the message. With mq_lock held.
static void put_in(struct mq *mq, struct mq_message *m, struct notice *ret_notice)
{
    if (!mq->count && !mq->receivers && mq->notify_pid) {
        *ret_notice = (struct notice){ mq->notify_pid, mq->notify };
        mq->notify_pid = 0;
    }
    insert(mq, m);
    WRITE_ONCE(mq->count, mq->count + 1); // who waits looks without the lock
    mq->bytes += m->size;
    mq->mtime = mq->ctime = time_realtime_ns();
}

static long send(struct mq *mq, struct mq_message *m, bool wait, s64 deadline)
{
    struct notice notice = { 0 };
    bool sent = false;
    int err = 0;

    while (!sent && !err) {
        mutex_lock(&mq_lock);
        sent = mq->count < (u64)mq->max_messages;
        if (sent)
            put_in(mq, m, &notice);
        mutex_unlock(&mq_lock);
        if (!sent)
            err = !wait ? -EAGAIN : wait_event(&mq->writable, READ_ONCE(mq->count) < (u64)mq->max_messages, deadline);
    }
    if (!sent)
        return err == -EINTR ? -ERESTARTSYS : err;
    wake_up_all(&mq->readable);
    if (notice.pid && notice.event.sigev_notify == SIGEV_SIGNAL && mq_send_signal)
        mq_send_signal(notice.pid, notice.event.sigev_signo, notice.event.sigev_value, fs_current_pid(),
                       current_cred()->uid);
    return 0;
}

long sys_mq_timedsend(int fd, const char __user *text, size_t size, u32 priority,
                      const struct __kernel_timespec __user *timeout)
{
    struct file *file;
    s64 deadline;
    long err = deadline_of(timeout, &deadline);

    if (!err && priority >= MQ_PRIORITIES)
        err = -EINVAL;
    if (!err)
        err = queue_file(fd, true, &file);
    if (err)
        return err;
    struct mq *mq = mq_of(file);
    struct mq_message *m = NULL;
    if (size > (size_t)mq->max_bytes)
        err = -EMSGSIZE;
    else if (!(m = kmalloc(sizeof(*m) + size)))
        err = -ENOMEM;
    else if (copy_from_user(m->text, text, size))
        err = -EFAULT;
    if (!err) {
        m->size = size;
        m->priority = priority;
        err = send(mq, m, !(file->flags & O_NONBLOCK), deadline);
    }
    if (err)
        kfree(m);
    file_unref(file);
    return err;
}

// The first message, or NULL. With mq_lock held.
static struct mq_message *take_out(struct mq *mq)
{
    if (!mq->count)
        return NULL;
    struct mq_message *m = container_of(mq->messages.next, struct mq_message, link);
    list_del(&m->link);
    WRITE_ONCE(mq->count, mq->count - 1);
    mq->bytes -= m->size;
    mq->atime = mq->ctime = time_realtime_ns();
    return m;
}

static long receive(struct mq *mq, bool wait, s64 deadline, struct mq_message **ret_message)
{
    struct mq_message *m = NULL;
    bool counted = false;
    int err = 0;

    while (!m && !err) {
        mutex_lock(&mq_lock);
        m = take_out(mq);
        if (!m && wait && !counted)
            mq->receivers += counted = true;
        if (m && counted)
            mq->receivers--;
        mutex_unlock(&mq_lock);
        if (!m)
            err = wait ? wait_event(&mq->readable, READ_ONCE(mq->count), deadline) : -EAGAIN;
    }
    if (m) {
        wake_up_all(&mq->writable);
        *ret_message = m;
        return 0;
    }
    if (counted) {
        mutex_lock(&mq_lock);
        mq->receivers--;
        mutex_unlock(&mq_lock);
    }
    return err == -EINTR ? -ERESTARTSYS : err;
}

long sys_mq_timedreceive(int fd, char __user *text, size_t size, u32 __user *priority,
                         const struct __kernel_timespec __user *timeout)
{
    struct mq_message *m = NULL;
    struct file *file;
    s64 deadline;
    long err = deadline_of(timeout, &deadline);

    if (!err)
        err = queue_file(fd, false, &file);
    if (err)
        return err;
    struct mq *mq = mq_of(file);
    err = size < (size_t)mq->max_bytes ? -EMSGSIZE : receive(mq, !(file->flags & O_NONBLOCK), deadline, &m);
    file_unref(file);
    if (err)
        return err;
    long n = (long)m->size;
    if ((priority && put_user(m->priority, priority)) || copy_to_user(text, m->text, m->size))
        n = -EFAULT;
    kfree(m);
    return n;
}

// --- mq_notify

static long check_event(const struct sigevent *event)
{
    if (event->sigev_notify != SIGEV_NONE && event->sigev_notify != SIGEV_SIGNAL)
        return -EINVAL; // SIGEV_THREAD comes as a socket of AF_NETLINK, which there is none of
    if (event->sigev_notify == SIGEV_SIGNAL && (event->sigev_signo < 1 || event->sigev_signo > 64))
        return -EINVAL;
    return 0;
}

long sys_mq_notify(int fd, const struct sigevent __user *user)
{
    struct sigevent event;
    struct file *file = NULL;
    u32 pid = fs_current_pid();

    if (user && copy_from_user(&event, user, sizeof(event)))
        return -EFAULT;
    long err = user ? check_event(&event) : 0;
    if (!err && (!(file = files_get(fd)) || !mq_of(file)))
        err = -EBADF;
    if (!err) {
        struct mq *mq = mq_of(file);
        mutex_lock(&mq_lock);
        if (!user && mq->notify_pid == pid)
            mq->notify_pid = 0;
        else if (user && mq->notify_pid)
            err = -EBUSY;
        else if (user) {
            mq->notify_pid = pid;
            mq->notify = event;
        }
        mutex_unlock(&mq_lock);
    }
    if (file)
        file_unref(file);
    return err;
}
