// SPDX-License-Identifier: BSD-3-Clause
#include "libos/ipc/pipe.h"
#include "base/string.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

#include <asm/ioctls.h>

enum { CAPACITY = 64 << 10, PIPE_BUF_BYTES = 4096, CHUNK = 4096 };

struct pipe {
    struct mutex lock;
    u8 *data;       // CAPACITY bytes
    u64 head, tail; // bytes ever written and read
    u32 readers, writers, refs;
    u64 reader_opens, writer_opens;                // of a FIFO: who ever came
    struct wait_queue changed_read, changed_write; // data or writers came or went; room or readers
};

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = kzalloc(sizeof(*pipe));
    u8 *data = kpages_alloc(CAPACITY / PAGE_SIZE);
    if (!pipe || !data) {
        kfree(pipe);
        if (data)
            kpages_free(data, CAPACITY / PAGE_SIZE);
        return NULL;
    }
    pipe->data = data;
    mutex_init(&pipe->lock, LOCK_PIPE);
    wait_queue_init(&pipe->changed_read);
    wait_queue_init(&pipe->changed_write);
    return pipe;
}

static u64 used(const struct pipe *pipe) { return pipe->head - pipe->tail; }
static u64 room(const struct pipe *pipe) { return CAPACITY - used(pipe); }

static void ring_write(struct pipe *pipe, const u8 *from, size_t n)
{
    size_t at = pipe->head % CAPACITY, first = MIN(n, CAPACITY - at);
    memcpy(pipe->data + at, from, first);
    memcpy(pipe->data, from + first, n - first);
    pipe->head += n;
}

static void ring_peek(const struct pipe *pipe, u8 *to, size_t n)
{
    size_t at = pipe->tail % CAPACITY, first = MIN(n, CAPACITY - at);
    memcpy(to, pipe->data + at, first);
    memcpy(to + first, pipe->data, n - first);
}

static struct pipe *pipe_of(struct file *file) { return file->private; }

// Moves what is there, in chunks through a bounce buffer: the caller's memory may fault, the lock is not held then.
static long read_some(struct pipe *pipe, struct uio *uio, u8 *bounce)
{
    long done = 0;
    for (;;) {
        mutex_lock(&pipe->lock);
        size_t n = MIN(MIN(uio->left, used(pipe)), (u64)CHUNK);
        ring_peek(pipe, bounce, n);
        pipe->tail += n;
        mutex_unlock(&pipe->lock);
        if (!n)
            return done;
        if (uio_put(uio, bounce, n))
            return done ? done : -EFAULT;
        done += (long)n;
    }
}

static long pipe_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct pipe *pipe = pipe_of(file);
    u8 *bounce = kpages_alloc(1);
    long n = bounce ? 0 : -ENOMEM;

    if (!uio->left || !bounce) {
        if (bounce)
            kpages_free(bounce, 1);
        return n;
    }
    while ((n = read_some(pipe, uio, bounce)) == 0) {
        if (!READ_ONCE(pipe->writers) && !used(pipe))
            break;
        if (file->flags & O_NONBLOCK) {
            n = -EAGAIN;
            break;
        }
        if (wait_event(&pipe->changed_read, used(pipe) || !READ_ONCE(pipe->writers), WAIT_FOREVER)) {
            n = -ERESTARTSYS;
            break;
        }
    }
    kpages_free(bounce, 1);
    if (n > 0)
        wake_up_all(&pipe->changed_write);
    return n;
}

// A write of up to PIPE_BUF bytes goes in one piece or waits.
static long write_chunk(struct pipe *pipe, const u8 *data, size_t n, bool atomic)
{
    mutex_lock(&pipe->lock);
    size_t fits = MIN((u64)n, room(pipe));
    if (atomic && fits < n)
        fits = 0;
    long result = !pipe->readers ? -EPIPE : (long)fits;
    if (result > 0)
        ring_write(pipe, data, fits);
    mutex_unlock(&pipe->lock);
    if (result > 0)
        wake_up_all(&pipe->changed_read);
    return result;
}

static int wait_for_room(struct pipe *pipe, struct file *file, size_t need)
{
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    return wait_event(&pipe->changed_write, room(pipe) >= need || !READ_ONCE(pipe->readers), WAIT_FOREVER)
               ? -ERESTARTSYS
               : 0;
}

static long pipe_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct pipe *pipe = pipe_of(file);
    bool atomic = uio->left <= PIPE_BUF_BYTES;
    u8 *bounce = kpages_alloc(1);
    long done = 0, err = bounce ? 0 : -ENOMEM;

    while (!err && uio->left) {
        size_t n = MIN(uio->left, (size_t)CHUNK), at = 0;
        err = uio_take(uio, bounce, n);
        while (!err && at < n) {
            long moved = write_chunk(pipe, bounce + at, n - at, atomic);
            if (moved < 0)
                err = moved;
            else if (moved == 0)
                err = wait_for_room(pipe, file, atomic ? n : 1);
            else
                at += (size_t)moved, done += moved;
        }
    }
    if (bounce)
        kpages_free(bounce, 1);
    if (err == -EPIPE)
        fs_raise_signal(SIGPIPE);
    return done ? done : err;
}

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = pipe_of(file);
    u32 events = 0;

    if (file_readable(file)) {
        poll_wait(table, &pipe->changed_read);
        if (used(pipe))
            events |= POLLIN | POLLRDNORM;
        if (!READ_ONCE(pipe->writers) && pipe->writer_opens)
            events |= POLLHUP;
    }
    if (file_writable(file)) {
        poll_wait(table, &pipe->changed_write);
        if (room(pipe) >= PIPE_BUF_BYTES)
            events |= POLLOUT | POLLWRNORM;
        if (!READ_ONCE(pipe->readers))
            events |= POLLERR;
    }
    return events;
}

static long pipe_ioctl(struct file *file, u32 command, u64 argument)
{
    u32 n = (u32)used(pipe_of(file));
    if (command != FIONREAD)
        return -ENOTTY;
    return put_user(n, (u32 __user *)argument) ? -EFAULT : 0;
}

static void pipe_free(struct pipe *pipe)
{
    kpages_free(pipe->data, CAPACITY / PAGE_SIZE);
    kfree(pipe);
}

static void pipe_release(struct file *file)
{
    struct pipe *pipe = pipe_of(file);

    mutex_lock(&pipe->lock);
    if (file_readable(file))
        pipe->readers--;
    if (file_writable(file))
        pipe->writers--;
    bool last = --pipe->refs == 0;
    if (last && file->inode) // a FIFO keeps the pipe only while somebody has it open
        file->inode->pipe = NULL;
    mutex_unlock(&pipe->lock);
    if (last) {
        pipe_free(pipe);
        return;
    }
    wake_up_all(&pipe->changed_read);
    wake_up_all(&pipe->changed_write);
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .release = pipe_release,
    .stream = true,
};

static void attach(struct pipe *pipe, struct file *file)
{
    file->ops = &pipe_ops;
    file->private = pipe;
    pipe->refs++;
    if (file_readable(file))
        pipe->readers++, pipe->reader_opens++;
    if (file_writable(file))
        pipe->writers++, pipe->writer_opens++;
}

int pipe_create(u32 flags, struct file *ret_ends[2])
{
    struct pipe *pipe = pipe_alloc();
    u32 keep = flags & (O_NONBLOCK | O_DIRECT);

    if (!pipe)
        return -ENOMEM;
    int err = file_alloc(NULL, O_RDONLY | keep, &ret_ends[0]);
    if (!err) {
        err = file_alloc(NULL, O_WRONLY | keep, &ret_ends[1]);
        if (err)
            file_unref(ret_ends[0]);
    }
    if (err) {
        pipe_free(pipe);
        return err;
    }
    for (int i = 0; i < 2; i++) {
        attach(pipe, ret_ends[i]);
        ret_ends[i]->path = kstrdup("pipe:[1]");
    }
    return 0;
}

static struct mutex fifo_lock = MUTEX_INIT(LOCK_FIFO);

static int wait_for_partner(struct pipe *pipe, struct file *file)
{
    u64 readers = pipe->reader_opens, writers = pipe->writer_opens;

    if ((file->flags & O_ACCMODE) == O_RDONLY && !pipe->writers)
        return wait_event(&pipe->changed_read, READ_ONCE(pipe->writer_opens) != writers, WAIT_FOREVER);
    if ((file->flags & O_ACCMODE) == O_WRONLY && !pipe->readers)
        return wait_event(&pipe->changed_write, READ_ONCE(pipe->reader_opens) != readers, WAIT_FOREVER);
    return 0;
}

int fifo_open(struct inode *inode, struct file *file)
{
    bool nonblock = file->flags & O_NONBLOCK;
    int err = 0;

    mutex_lock(&fifo_lock);
    struct pipe *pipe = inode->pipe;
    if (!pipe)
        pipe = pipe_alloc();
    if (!pipe) {
        err = -ENOMEM;
    } else if (nonblock && (file->flags & O_ACCMODE) == O_WRONLY && !pipe->readers) {
        if (!inode->pipe)
            pipe_free(pipe);
        err = -ENXIO;
    } else {
        inode->pipe = pipe;
        attach(pipe, file);
    }
    mutex_unlock(&fifo_lock);
    if (err)
        return err;
    wake_up_all(&pipe->changed_read);
    wake_up_all(&pipe->changed_write);
    return nonblock || wait_for_partner(pipe, file) == 0 ? 0 : -ERESTARTSYS;
}
