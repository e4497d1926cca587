// SPDX-License-Identifier: BSD-3-Clause
// POSIX message queues (mq_overview(7)) as files: names, and what a descriptor of one is.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/ipc/mq_queue.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

struct mutex mq_lock = MUTEX_INIT(LOCK_MQ);
static struct list_head queues = LIST_INIT(queues);
static u32 queue_count;
static const u64 bytes_limit = 8 << 20; // what all queues may promise to hold; guarded by mq_lock
static u64 bytes_promised;

struct mq_attributes {
    long flags, maxmsg, msgsize, curmsgs, reserved[4];
};

static u64 promise_of(long messages, long bytes) { return (u64)messages * ((u64)bytes + sizeof(struct mq_message)); }

void mq_put(struct mq *mq)
{
    struct mq_message *m, *next;

    mutex_lock(&mq_lock);
    bool last = --mq->refs == 0;
    if (last) {
        bytes_promised -= promise_of(mq->max_messages, mq->max_bytes);
        queue_count--;
    }
    mutex_unlock(&mq_lock);
    if (!last)
        return;
    list_for_each_safe (m, next, &mq->messages, link)
        kfree(m);
    kfree(mq);
}

// --- as a file

static void release(struct file *file) { mq_put(file->private); }

// Who closes a descriptor of the queue no longer wants to hear of it.
static void flush(struct file *file)
{
    struct mq *mq = file->private;

    mutex_lock(&mq_lock);
    if (mq->notify_pid == fs_current_pid())
        mq->notify_pid = 0;
    mutex_unlock(&mq_lock);
}

// The text of /dev/mqueue's files.
static long read_state(struct file *file, struct uio *uio, u64 *offset)
{
    struct mq *mq = file->private;
    char text[120];

    mutex_lock(&mq_lock);
    size_t len = fmt_format(text, sizeof(text), "QSIZE:%-10lu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6u\n", mq->bytes,
                            mq->notify_pid ? mq->notify.sigev_notify : 0, mq->notify_pid ? mq->notify.sigev_signo : 0,
                            mq->notify_pid);
    mutex_unlock(&mq_lock);
    if (*offset >= len)
        return 0;
    size_t n = MIN(uio->left, len - *offset);
    if (uio_put(uio, text + *offset, n))
        return -EFAULT;
    *offset += n;
    return (long)n;
}

static u32 poll(struct file *file, struct poll_table *table)
{
    struct mq *mq = file->private;

    poll_wait_pair(table, &mq->readable, &mq->writable);
    mutex_lock(&mq_lock);
    u32 events = mq->count ? POLLIN | POLLRDNORM : 0;
    events |= mq->count < (u64)mq->max_messages ? POLLOUT | POLLWRNORM : 0;
    mutex_unlock(&mq_lock);
    return events;
}

static const struct file_ops mq_ops = {
    .read = read_state, .poll = poll, .release = release, .flush = flush, .type = S_IFREG
};

struct mq *mq_of(const struct file *file) { return file->ops == &mq_ops ? file->private : NULL; }

int mq_file(struct mq *mq, u32 flags, struct file **ret_file)
{
    char path[MQ_NAME_BYTES + 2];
    int err = file_alloc(NULL, (flags & (O_ACCMODE | O_NONBLOCK)) | O_LARGEFILE, ret_file);

    if (err) {
        mq_put(mq);
        return err;
    }
    (*ret_file)->ops = &mq_ops;
    (*ret_file)->private = mq;
    fmt_format(path, sizeof(path), "/%s", mq->name);
    (*ret_file)->path = kstrdup(path);
    return 0;
}

// --- names

static struct mq *find(const char *name)
{
    struct mq *mq;
    list_for_each (mq, &queues, link)
        if (str_eq(mq->name, name))
            return mq;
    return NULL;
}

// The name without its slash, which libc takes off.
static long name_from_user(char name[MQ_NAME_BYTES], const char __user *user)
{
    long n = strncpy_from_user(name, user, MQ_NAME_BYTES);
    if (n <= 0)
        return n ? n : -ENOENT;
    if (strchr(name, '/') || str_eq(name, ".") || str_eq(name, ".."))
        return -EACCES;
    return 0;
}

static long check_attributes(const struct mq_attributes *a)
{
    if (a->maxmsg <= 0 || a->msgsize <= 0)
        return -EINVAL;
    bool may = capable(CAP_SYS_RESOURCE);
    if (a->maxmsg > (may ? MQ_HARD_MESSAGES : MQ_DEFAULT_MESSAGES) ||
        a->msgsize > (may ? MQ_HARD_BYTES : MQ_DEFAULT_BYTES))
        return -EINVAL;
    return 0;
}

// A new queue under a name that there is none of. With mq_lock held.
static long make(const char *name, u32 mode, const struct mq_attributes *a, struct mq **ret_mq)
{
    const struct cred *cred = current_cred();
    u64 promise = promise_of(a->maxmsg, a->msgsize);

    if (queue_count >= MQ_QUEUES)
        return -ENOSPC;
    if (promise > bytes_limit || bytes_promised + promise > bytes_limit)
        return -EMFILE;
    struct mq *mq = kzalloc(sizeof(*mq));
    if (!mq)
        return -ENOMEM;
    memcpy(mq->name, name, strlen(name) + 1);
    mq->refs = 1;
    mq->uid = cred->fsuid;
    mq->gid = cred->fsgid;
    mq->mode = mode & 0777 & ~READ_ONCE(current->fs->umask);
    mq->ino = inode_new_number();
    mq->atime = mq->mtime = mq->ctime = time_realtime_ns();
    mq->max_messages = a->maxmsg;
    mq->max_bytes = a->msgsize;
    list_init(&mq->messages);
    wait_queue_init(&mq->readable);
    wait_queue_init(&mq->writable);
    list_add_tail(&mq->link, &queues);
    queue_count++;
    bytes_promised += promise;
    *ret_mq = mq;
    return 0;
}

static long permission(const struct mq *mq, u32 flags)
{
    const struct cred *cred = current_cred();
    static const u32 wanted[] = { [O_RDONLY] = 04, [O_WRONLY] = 02, [O_RDWR] = 06 };
    u32 granted = mq->mode;

    if (cred->fsuid == mq->uid)
        granted >>= 6;
    else if (cred_in_group(cred, mq->gid))
        granted >>= 3;
    return (wanted[flags & O_ACCMODE] & ~granted) && !cred_capable(cred, CAP_DAC_OVERRIDE) ? -EACCES : 0;
}

// The queue of the name, referenced. With mq_lock held.
static long find_or_make(const char *name, u32 flags, u32 mode, const struct mq_attributes *a, struct mq **ret_mq)
{
    struct mq *mq = find(name);
    long err = 0;

    if (mq && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
        return -EEXIST;
    if (!mq && !(flags & O_CREAT))
        return -ENOENT;
    if (mq && (flags & O_ACCMODE) == O_ACCMODE)
        return -EINVAL;
    err = mq ? permission(mq, flags) : make(name, mode, a, &mq);
    if (err)
        return err;
    mq->refs++;
    *ret_mq = mq;
    return 0;
}

long sys_mq_open(const char __user *user_name, int flags, u32 mode, const void __user *user)
{
    struct mq_attributes a = { .maxmsg = MQ_DEFAULT_MESSAGES, .msgsize = MQ_DEFAULT_BYTES };
    char name[MQ_NAME_BYTES];
    struct file *file;
    struct mq *mq;

    if (user && copy_from_user(&a, user, sizeof(a)))
        return -EFAULT;
    long err = name_from_user(name, user_name);
    if (!err && (flags & O_CREAT) && user)
        err = check_attributes(&a);
    if (err)
        return err;
    mutex_lock(&mq_lock);
    err = find_or_make(name, (u32)flags, mode, &a, &mq);
    mutex_unlock(&mq_lock);
    if (!err)
        err = mq_file(mq, (u32)flags, &file);
    if (err)
        return err;
    return files_give(file, 0, true);
}

long sys_mq_unlink(const char __user *user_name)
{
    const struct cred *cred = current_cred();
    char name[MQ_NAME_BYTES];
    long err = name_from_user(name, user_name);

    if (err)
        return err;
    mutex_lock(&mq_lock);
    struct mq *mq = find(name);
    if (!mq)
        err = -ENOENT;
    else if (cred->fsuid != mq->uid && !cred_capable(cred, CAP_FOWNER))
        err = -EACCES; // the folder of queues is sticky
    else
        list_del(&mq->link);
    mutex_unlock(&mq_lock);
    if (!err)
        mq_put(mq);
    return err;
}

long sys_mq_getsetattr(int fd, const void __user *new, void __user *old)
{
    struct mq_attributes a = { 0 }, before = { 0 };
    struct mq *mq;

    if (new &&copy_from_user(&a, new, sizeof(a)))
        return -EFAULT;
    if (new && (a.flags & ~O_NONBLOCK))
        return -EINVAL;
    struct file *file = files_get(fd);
    if (!file || !(mq = mq_of(file))) {
        if (file)
            file_unref(file);
        return -EBADF;
    }
    mutex_lock(&mq_lock);
    before = (struct mq_attributes){ .flags = file->flags & O_NONBLOCK,
                                     .maxmsg = mq->max_messages,
                                     .msgsize = mq->max_bytes,
                                     .curmsgs = (long)mq->count };
    mutex_unlock(&mq_lock);
    if (new)
        file_change_flags(file, O_NONBLOCK, (u32)a.flags);
    file_unref(file);
    return old && copy_to_user(old, &before, sizeof(before)) ? -EFAULT : 0;
}
