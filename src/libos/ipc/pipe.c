// SPDX-License-Identifier: BSD-3-Clause
#include "libos/ipc/pipe.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/byteq.h"
#include "libos/fs/poll.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

#include <asm/ioctls.h>

// PIPE_SIZE_MAX: what /proc/sys/fs/pipe-max-size says on Linux.
enum { PIPE_SIZE_DEFAULT = 64 << 10, PIPE_SIZE_MAX = 1 << 20, PIPE_BUF_BYTES = 4096, SMALL = 512 };

struct pipe {
    u32 refs; // atomic: open files
    struct mutex lock;
    struct byteq queue; // this and below: guarded by lock
    u64 capacity;
    u32 readers, writers;
    bool unnamed;                         // of pipe(2), not a FIFO: who opens it again through /proc waits for nobody
    u64 reader_opens, writer_opens;       // of a FIFO: who ever came
    struct wait_queue readable, writable; // data or writers came or went; room or readers
};

// A FIFO's inode points to its pipe while somebody has it open. Taken before pipe->lock.
static struct mutex fifo_lock = MUTEX_INIT(LOCK_FIFO);

static struct pipe *pipe_of(struct file *file) { return file->private; }

static struct pipe *pipe_alloc(void)
{
    struct pipe *pipe = kzalloc(sizeof(*pipe));
    if (!pipe)
        return NULL;
    mutex_init(&pipe->lock, LOCK_PIPE);
    byteq_init(&pipe->queue);
    pipe->capacity = PIPE_SIZE_DEFAULT;
    wait_queue_init(&pipe->readable);
    wait_queue_init(&pipe->writable);
    return pipe;
}

static void drop(struct pipe *pipe)
{
    if (__atomic_fetch_sub(&pipe->refs, 1, __ATOMIC_ACQ_REL) != 1)
        return;
    byteq_clear(&pipe->queue);
    kfree(pipe);
}

// Bytes that still fit. A packet takes a page of the capacity, as on Linux. pipe->lock held.
static u64 room(const struct pipe *pipe)
{
    mutex_assert_held(&pipe->lock);
    u64 taken = MAX(pipe->queue.used, (u64)pipe->queue.packets * PAGE_SIZE);
    return taken < pipe->capacity ? pipe->capacity - taken : 0;
}

// What a reader and a writer wait for.
static bool can_read(struct pipe *pipe)
{
    mutex_lock(&pipe->lock);
    bool can = pipe->queue.used || !pipe->writers;
    mutex_unlock(&pipe->lock);
    return can;
}

static bool can_write(struct pipe *pipe, size_t need)
{
    mutex_lock(&pipe->lock);
    bool can = room(pipe) >= need || !pipe->readers;
    mutex_unlock(&pipe->lock);
    return can;
}

static u64 room_now(struct pipe *pipe)
{
    mutex_lock(&pipe->lock);
    u64 now = room(pipe);
    mutex_unlock(&pipe->lock);
    return now;
}

// --- reading

// Takes one span. Writers wait for at most PIPE_BUF_BYTES of room: where there was as much before, none of them sleeps.
static bool take(struct pipe *pipe, size_t max, struct span *ret_span, bool *ret_ended)
{
    mutex_lock(&pipe->lock);
    bool waited = room(pipe) < PIPE_BUF_BYTES;
    bool some = byteq_take(&pipe->queue, max, ret_span);
    *ret_ended = !some && !pipe->writers;
    mutex_unlock(&pipe->lock);
    if (some && waited)
        wake_up_all(&pipe->writable);
    return some;
}

static long deliver(struct pipe *pipe, struct span *span, struct uio *uio)
{
    size_t before = uio->left;
    int err = uio_put(uio, span->data, span->size);
    size_t done = before - uio->left;
    if (err) {
        mutex_lock(&pipe->lock);
        byteq_restore(&pipe->queue, span, span->size - done);
        mutex_unlock(&pipe->lock);
    }
    span_done(span);
    return err && !done ? err : (long)done;
}

// What is there, up to the size of the uio, or one packet. 0: nothing, and whether no writer is left.
static long read_some(struct pipe *pipe, struct uio *uio, bool *ret_ended)
{
    struct span span;
    long done = 0;

    while (uio->left && take(pipe, uio->left, &span, ret_ended)) {
        bool packet = span.piece->packet;
        long n = deliver(pipe, &span, uio);
        if (n < 0)
            return done ? done : n;
        done += n;
        if (packet)
            break;
    }
    return done;
}

static long pipe_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct pipe *pipe = pipe_of(file);
    long n;

    if (!uio->left)
        return 0;
    bool ended = false;
    while ((n = read_some(pipe, uio, &ended)) == 0 && !ended) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event(&pipe->readable, can_read(pipe), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
    return n;
}

// --- writing

// What one step of a write carries: a few bytes on the stack, or a piece that the queue takes over as it is.
struct chunk {
    u8 small[SMALL];
    struct piece *piece; // NULL: small
    size_t size, done;
};

static int chunk_fill(struct chunk *chunk, struct uio *uio, size_t size, bool packet)
{
    chunk->size = size;
    chunk->done = 0;
    chunk->piece = NULL;
    if (size <= SMALL && !packet)
        return uio_take(uio, chunk->small, size);
    struct piece *piece = piece_new(size);
    if (!piece)
        return -ENOMEM;
    int err = uio_take(uio, piece->data, size);
    if (err) {
        piece_put(piece);
        return err;
    }
    piece->end = (u32)size;
    piece->packet = packet;
    chunk->piece = piece;
    return 0;
}

static const u8 *chunk_data(const struct chunk *chunk) { return chunk->piece ? chunk->piece->data : chunk->small; }

// Moves what fits; a whole chunk or nothing if it is to stay in one piece. pipe->lock held.
static long chunk_move(struct pipe *pipe, struct chunk *chunk, bool whole)
{
    mutex_assert_held(&pipe->lock);
    size_t left = chunk->size - chunk->done, fits = MIN((u64)left, room(pipe));

    if (!pipe->readers)
        return -EPIPE;
    if (whole && fits < left)
        return 0;
    if (chunk->piece && fits == chunk->size) {
        byteq_push(&pipe->queue, chunk->piece);
        chunk->piece = NULL;
    } else {
        size_t n = byteq_append(&pipe->queue, chunk_data(chunk) + chunk->done, fits);
        if (n < fits && !n)
            return -ENOMEM;
        fits = n;
    }
    chunk->done += fits;
    return (long)fits;
}

static int wait_for_room(struct pipe *pipe, struct file *file, size_t need)
{
    if (file->flags & O_NONBLOCK)
        return -EAGAIN;
    int err = wait_event(&pipe->writable, can_write(pipe, need), WAIT_FOREVER);
    return err ? -ERESTARTSYS : 0;
}

// Writes one chunk, waiting for room as needed. Adds what went in to *ret_done, also on failure.
static long write_chunk(struct pipe *pipe, struct file *file, struct chunk *chunk, bool whole, long *ret_done)
{
    size_t size = chunk->size;
    while (chunk->done < size) {
        mutex_lock(&pipe->lock);
        long n = chunk_move(pipe, chunk, whole);
        mutex_unlock(&pipe->lock);
        if (n > 0) {
            wake_up_all(&pipe->readable);
            *ret_done += n;
        } else {
            int err = n ? (int)n : wait_for_room(pipe, file, whole ? size : 1);
            if (err)
                return err;
        }
    }
    return 0;
}

static long pipe_write(struct file *file, struct uio *uio, u64 *offset)
{
    struct pipe *pipe = pipe_of(file);
    bool packet = file->flags & O_DIRECT, atomic = packet || uio->left <= PIPE_BUF_BYTES;
    size_t most = packet ? PIPE_BUF_BYTES : PIECE_MAX;
    long done = 0, err = 0;
    struct chunk chunk;

    while (!err && uio->left) {
        size_t size = MIN(uio->left, most);
        // Not more than fits: the rest would have to be kept. But something, or nobody would wait.
        if (!atomic)
            size = MIN(size, (size_t)MAX(room_now(pipe), (u64)PIPE_BUF_BYTES));
        err = chunk_fill(&chunk, uio, size, packet);
        if (!err) {
            err = write_chunk(pipe, file, &chunk, atomic, &done);
            piece_put(chunk.piece);
        }
    }
    if (err == -EPIPE)
        fs_raise_signal(SIGPIPE);
    return done ? done : err;
}

// --- for splice

bool pipe_is_same(const struct file *a, const struct file *b) { return a->private == b->private; }

long pipe_wait_room(struct file *file, bool nonblock)
{
    struct pipe *pipe = pipe_of(file);

    for (;;) {
        mutex_lock(&pipe->lock);
        u64 fits = room(pipe);
        bool broken = !pipe->readers;
        mutex_unlock(&pipe->lock);
        if (broken)
            fs_raise_signal(SIGPIPE);
        if (broken || fits)
            return broken ? -EPIPE : (long)fits;
        if (nonblock)
            return -EAGAIN;
        if (wait_event(&pipe->writable, can_write(pipe, 1), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
}

long pipe_wait_data(struct file *file, bool nonblock)
{
    struct pipe *pipe = pipe_of(file);

    for (;;) {
        mutex_lock(&pipe->lock);
        u64 there = pipe->queue.used;
        bool ended = !pipe->writers;
        mutex_unlock(&pipe->lock);
        if (there || ended)
            return (long)there;
        if (nonblock)
            return -EAGAIN;
        if (wait_event(&pipe->readable, can_read(pipe), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
}

long pipe_put(struct file *file, const void *data, size_t size, bool force)
{
    struct pipe *pipe = pipe_of(file);
    long n = -EPIPE;

    mutex_lock(&pipe->lock);
    if (pipe->readers) {
        size_t fits = force ? size : MIN((u64)size, room(pipe));
        n = (long)byteq_append(&pipe->queue, data, fits);
        if (!n && fits)
            n = -ENOMEM;
    }
    mutex_unlock(&pipe->lock);
    if (n > 0)
        wake_up_all(&pipe->readable);
    return n;
}

bool pipe_take(struct file *file, size_t max, struct span *ret_span)
{
    bool ended;
    return take(pipe_of(file), max, ret_span, &ended);
}

void pipe_give_back(struct file *file, const struct span *span, size_t size)
{
    struct pipe *pipe = pipe_of(file);
    mutex_lock(&pipe->lock);
    byteq_return(&pipe->queue, span, size);
    mutex_unlock(&pipe->lock);
    wake_up_all(&pipe->readable);
}

bool pipe_peek(struct file *file, u64 offset, size_t max, struct span *ret_span)
{
    struct pipe *pipe = pipe_of(file);
    mutex_lock(&pipe->lock);
    bool some = offset < pipe->queue.used && byteq_peek(&pipe->queue, offset, max, ret_span);
    mutex_unlock(&pipe->lock);
    return some;
}

// --- the rest of a file's operations

static u32 pipe_poll(struct file *file, struct poll_table *table)
{
    struct pipe *pipe = pipe_of(file);
    u32 events = 0;

    if (file_readable(file))
        poll_wait(table, &pipe->readable);
    if (file_writable(file))
        poll_wait(table, &pipe->writable);
    mutex_lock(&pipe->lock);
    if (file_readable(file)) {
        events |= pipe->queue.used ? POLLIN | POLLRDNORM : 0;
        events |= !pipe->writers && pipe->writer_opens ? POLLHUP : 0;
    }
    if (file_writable(file)) {
        events |= room(pipe) >= PIPE_BUF_BYTES ? POLLOUT | POLLWRNORM : 0;
        events |= pipe->readers ? 0 : POLLERR;
    }
    mutex_unlock(&pipe->lock);
    return events;
}

static long pipe_ioctl(struct file *file, u32 command, u64 argument)
{
    if (command != FIONREAD)
        return -ENOTTY;
    struct pipe *pipe = pipe_of(file);
    mutex_lock(&pipe->lock);
    u32 n = (u32)pipe->queue.used;
    mutex_unlock(&pipe->lock);
    return put_user(n, (u32 __user *)argument) ? -EFAULT : 0;
}

// F_SETPIPE_SZ: a power of two of pages. Never below what is in it (EBUSY).
static long set_size(struct pipe *pipe, u64 size)
{
    u64 capacity = PAGE_SIZE;

    if (size > PIPE_SIZE_MAX)
        return size > INT32_MAX ? -EINVAL : -EPERM;
    while (capacity < size)
        capacity *= 2;
    mutex_lock(&pipe->lock);
    bool fits = pipe->capacity - room(pipe) <= capacity;
    if (fits)
        pipe->capacity = capacity;
    mutex_unlock(&pipe->lock);
    if (!fits)
        return -EBUSY;
    wake_up_all(&pipe->writable);
    return (long)capacity;
}

static long get_size(struct pipe *pipe)
{
    mutex_lock(&pipe->lock);
    u64 capacity = pipe->capacity;
    mutex_unlock(&pipe->lock);
    return (long)capacity;
}

static long pipe_fcntl(struct file *file, u32 command, u64 argument)
{
    if (command == F_SETPIPE_SZ)
        return set_size(pipe_of(file), argument);
    return command == F_GETPIPE_SZ ? get_size(pipe_of(file)) : -EINVAL;
}

static void pipe_release(struct file *file)
{
    struct pipe *pipe = pipe_of(file);
    bool fifo = file->inode;

    if (fifo)
        mutex_lock(&fifo_lock);
    mutex_lock(&pipe->lock);
    if (file_readable(file))
        pipe->readers--;
    if (file_writable(file))
        pipe->writers--;
    if (fifo && !pipe->readers && !pipe->writers)
        file->inode->pipe = NULL;
    mutex_unlock(&pipe->lock);
    if (fifo)
        mutex_unlock(&fifo_lock);
    wake_up_all(&pipe->readable);
    wake_up_all(&pipe->writable);
    drop(pipe); // the reference kept it while its queues were woken
}

static const struct file_ops pipe_ops = {
    .read = pipe_read,
    .write = pipe_write,
    .poll = pipe_poll,
    .ioctl = pipe_ioctl,
    .fcntl = pipe_fcntl,
    .release = pipe_release,
    .stream = true,
};

bool pipe_is(const struct file *file) { return file->ops == &pipe_ops; }

// Before others can see the pipe, or with pipe->lock held.
static void attach(struct pipe *pipe, struct file *file)
{
    file->ops = &pipe_ops;
    file->private = pipe;
    __atomic_fetch_add(&pipe->refs, 1, __ATOMIC_RELAXED);
    if (file_readable(file)) {
        pipe->readers++;
        WRITE_ONCE(pipe->reader_opens, pipe->reader_opens + 1);
    }
    if (file_writable(file)) {
        pipe->writers++;
        WRITE_ONCE(pipe->writer_opens, pipe->writer_opens + 1);
    }
}

int pipe_create(u32 flags, struct file *ret_ends[2])
{
    struct inode *inode = pipe_inode_alloc();
    struct pipe *pipe = inode ? pipe_alloc() : NULL;
    u32 keep = flags & (O_NONBLOCK | O_DIRECT);
    char path[32];

    int err = pipe ? file_alloc(inode, O_RDONLY | keep, &ret_ends[0]) : -ENOMEM;
    if (!err) {
        err = file_alloc(inode, O_WRONLY | keep, &ret_ends[1]);
        if (err)
            file_unref(ret_ends[0]);
    }
    if (err) {
        kfree(pipe);
        if (inode)
            inode_unref(inode);
        return err;
    }
    inode->pipe = pipe;
    fmt_format(path, sizeof(path), "pipe:[%lu]", inode->ino);
    pipe->unnamed = true;
    for (int i = 0; i < 2; i++) {
        attach(pipe, ret_ends[i]);
        ret_ends[i]->path = kstrdup(path);
    }
    inode_unref(inode); // the ends hold it
    return 0;
}

// fifo(7): a reader waits for a writer and the other way round; one that came and went since the attach counts.
struct partner {
    bool there;
    const u64 *opens; // of the other side,
    u64 seen;         // as many when this one came
};

// pipe->lock held.
static struct partner partner_of(struct pipe *pipe, const struct file *file)
{
    mutex_assert_held(&pipe->lock);
    u32 mode = file->flags & O_ACCMODE;
    const u64 *opens = mode == O_RDONLY ? &pipe->writer_opens : &pipe->reader_opens;
    bool there = mode == O_RDWR || (mode == O_RDONLY ? pipe->writers : pipe->readers);

    return (struct partner){ there, opens, *opens };
}

static bool has_readers(struct pipe *pipe)
{
    if (!pipe)
        return false;
    mutex_lock(&pipe->lock);
    bool has = pipe->readers;
    mutex_unlock(&pipe->lock);
    return has;
}

// The pipe of the inode, made if need be, with the file attached. fifo_lock held.
static int fifo_attach(struct inode *inode, struct file *file, struct pipe **ret_pipe, struct partner *ret_partner)
{
    mutex_assert_held(&fifo_lock);
    struct pipe *pipe = inode->pipe;

    if ((file->flags & O_NONBLOCK) && (file->flags & O_ACCMODE) == O_WRONLY && !has_readers(pipe) &&
        !(pipe && pipe->unnamed))
        return -ENXIO;
    if (!pipe)
        pipe = pipe_alloc();
    if (!pipe)
        return -ENOMEM;
    mutex_lock(&pipe->lock);
    attach(pipe, file);
    *ret_partner = partner_of(pipe, file);
    mutex_unlock(&pipe->lock);
    inode->pipe = pipe;
    *ret_pipe = pipe;
    return 0;
}

int fifo_open(struct inode *inode, struct file *file)
{
    struct partner partner;
    struct pipe *pipe;

    mutex_lock(&fifo_lock);
    int err = fifo_attach(inode, file, &pipe, &partner);
    mutex_unlock(&fifo_lock);
    if (err)
        return err;
    wake_up_all(&pipe->readable);
    wake_up_all(&pipe->writable);
    if ((file->flags & O_NONBLOCK) || partner.there || pipe->unnamed)
        return 0;
    struct wait_queue *queue = (file->flags & O_ACCMODE) == O_RDONLY ? &pipe->readable : &pipe->writable;
    return wait_event(queue, READ_ONCE(*partner.opens) != partner.seen, WAIT_FOREVER) ? -ERESTARTSYS : 0;
}
