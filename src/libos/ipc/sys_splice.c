// SPDX-License-Identifier: BSD-3-Clause
// splice(2), tee(2), vmsplice(2). Bytes are copied once; what the target does not take goes back to the pipe.
#include "libos/fs/byteq.h"
#include "libos/fs/devfs.h"
#include "libos/fs/poll.h"
#include "libos/ipc/pipe.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum {
    SPLICE_F_MOVE = 1,
    SPLICE_F_NONBLOCK = 2,
    SPLICE_F_MORE = 4,
    SPLICE_F_GIFT = 8,
    SPLICE_FLAGS = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT,
    CHUNK = 64 << 10,
};

// One side of a splice: a file and where in it; at NULL: at its own offset.
struct side {
    struct file *file;
    s64 *at;
};

static bool waits_not(const struct file *pipe, u32 flags)
{
    return (flags & SPLICE_F_NONBLOCK) || (pipe->flags & O_NONBLOCK);
}

static long move(const struct side *side, void *data, size_t size, bool write)
{
    struct iovec one;
    struct uio uio;

    uio_kernel(&uio, &one, data, size);
    if (!side->at)
        return file_transfer(side->file, &uio, write);
    long n = file_transfer_at(side->file, &uio, *side->at, write);
    if (n > 0)
        *side->at += n;
    return n;
}

// --- to and from pipes

// The target took n bytes (or none, with an error): the rest goes back. True if there was none.
static bool span_passed_on(struct file *pipe, struct span *span, long n)
{
    size_t left = span->size - (size_t)MAX(n, 0l);
    if (left)
        pipe_give_back(pipe, span, left);
    span_done(span);
    return !left;
}

// What of a file was read and did not fit after all is read again; what came from a stream is kept in the pipe.
static long put_what_was_read(const struct side *in, struct file *pipe, const void *data, long got)
{
    bool stream = in->file->ops->stream;
    long put = pipe_put(pipe, data, (size_t)got, stream), back = got - MAX(put, 0l);

    if (!stream && back && in->at)
        *in->at -= back;
    else if (!stream && back) {
        mutex_lock(&in->file->offset_lock);
        in->file->offset -= (u64)back;
        mutex_unlock(&in->file->offset_lock);
    }
    return put;
}

static long file_to_pipe(const struct side *in, struct file *pipe, size_t size, u32 flags)
{
    long room = pipe_wait_room(pipe, waits_not(pipe, flags));
    if (room < 0)
        return room;
    // A socket is asked not to wait by the flag too; what has a position never waits.
    if ((flags & SPLICE_F_NONBLOCK) && in->file->ops->stream &&
        !(file_poll(in->file, NULL) & (POLLIN | POLLHUP | POLLERR)))
        return -EAGAIN;
    size = MIN(MIN(size, (size_t)room), (size_t)CHUNK);
    void *data = kmalloc(size);
    if (!data)
        return -ENOMEM;
    long n = move(in, data, size, false);
    if (n > 0)
        n = put_what_was_read(in, pipe, data, n);
    kfree(data);
    return n;
}

static long pipe_to_file(struct file *pipe, const struct side *out, size_t size, u32 flags)
{
    struct span span;
    long done = 0, n = 0;

    while ((size_t)done < size) {
        n = pipe_wait_data(pipe, done || waits_not(pipe, flags));
        if (n <= 0)
            break;
        if (!pipe_take(pipe, size - (size_t)done, &span))
            continue; // another reader was faster
        n = move(out, (void *)(uintptr_t)span.data, span.size, true);
        done += MAX(n, 0l);
        if (!span_passed_on(pipe, &span, n))
            break;
    }
    return done ? done : n;
}

static long pipe_to_pipe(struct file *in, struct file *out, size_t size, u32 flags)
{
    struct span span;
    long done = 0;

    bool nonblock = waits_not(in, flags) || waits_not(out, flags);
    long n = pipe_wait_data(in, nonblock);
    if (n > 0)
        n = pipe_wait_room(out, nonblock);
    if (n <= 0)
        return n;
    size = MIN(size, (size_t)n);
    while ((size_t)done < size && pipe_take(in, size - (size_t)done, &span)) {
        n = pipe_put(out, span.data, span.size, false);
        done += MAX(n, 0l);
        if (!span_passed_on(in, &span, n))
            break;
    }
    return done ? done : n;
}

// --- splice

static long check(const struct side *in, const struct side *out)
{
    bool from_pipe = pipe_is(in->file), to_pipe = pipe_is(out->file);

    if (!file_readable(in->file) || !file_writable(out->file))
        return -EBADF;
    if ((from_pipe && in->at) || (to_pipe && out->at))
        return -ESPIPE;
    if (from_pipe && to_pipe)
        return pipe_is_same(in->file, out->file) ? -EINVAL : 0;
    if (!from_pipe && !to_pipe)
        return -EINVAL;
    const struct side *other = from_pipe ? out : in;
    if (other->at && (other->file->ops->stream || *other->at < 0))
        return -EINVAL;
    if (from_pipe && (out->file->flags & O_APPEND))
        return -EINVAL;
    if (to_pipe && (in->file->ops->unmoved || device_is_null(in->file)))
        return -EINVAL; // anonymous files are read by read(2) alone
    return (from_pipe ? other->file->ops->write : other->file->ops->read) ? 0 : -EINVAL;
}

static long splice(const struct side *in, const struct side *out, size_t size, u32 flags)
{
    long err = check(in, out);
    if (err)
        return err;
    if (!pipe_is(in->file))
        return file_to_pipe(in, out->file, size, flags);
    if (pipe_is(out->file))
        return pipe_to_pipe(in->file, out->file, size, flags);
    return pipe_to_file(in->file, out, size, flags);
}

long sys_splice(int in_fd, s64 __user *in_offset, int out_fd, s64 __user *out_offset, size_t size, u32 flags)
{
    s64 in_at = 0, out_at = 0;
    long n = -EBADF;

    if (!size)
        return 0;
    if (flags & ~(u32)SPLICE_FLAGS)
        return -EINVAL;
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    if (in && out) {
        n = (in_offset && get_user(in_at, in_offset)) || (out_offset && get_user(out_at, out_offset)) ? -EFAULT : 0;
        const struct side from = { in, in_offset ? &in_at : NULL }, to = { out, out_offset ? &out_at : NULL };
        if (!n)
            n = splice(&from, &to, MIN(size, (size_t)UIO_MAX_BYTES), flags);
    }
    if (n > 0 && ((in_offset && put_user(in_at, in_offset)) || (out_offset && put_user(out_at, out_offset))))
        n = -EFAULT;
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}

// --- tee

static long tee(struct file *in, struct file *out, size_t size, u32 flags)
{
    struct span span;
    long done = 0;

    if (!file_readable(in) || !file_writable(out))
        return -EBADF;
    if (!pipe_is(in) || !pipe_is(out) || pipe_is_same(in, out))
        return -EINVAL;
    bool nonblock = waits_not(in, flags) || waits_not(out, flags);
    long n = pipe_wait_data(in, nonblock);
    if (n > 0)
        n = pipe_wait_room(out, nonblock);
    if (n <= 0)
        return n;
    size = MIN(size, (size_t)n);
    while ((size_t)done < size && n > 0 && pipe_peek(in, (u64)done, size - (size_t)done, &span)) {
        n = pipe_put(out, span.data, span.size, false);
        span_done(&span);
        done += n > 0 ? n : 0;
    }
    return done ? done : n;
}

long sys_tee(int in_fd, int out_fd, size_t size, u32 flags)
{
    if (flags & ~(u32)SPLICE_FLAGS)
        return -EINVAL;
    if (!size)
        return 0;
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    long n = in && out ? tee(in, out, MIN(size, (size_t)UIO_MAX_BYTES), flags) : -EBADF;
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}

// --- vmsplice

// As much as the pipe has room for, once there is some. O_NONBLOCK of the pipe says nothing here.
static long memory_to_pipe(struct file *pipe, struct uio *uio, u32 flags)
{
    long done = 0;
    void *data = kmalloc(CHUNK);
    if (!data)
        return -ENOMEM;
    long n = uio->left ? pipe_wait_room(pipe, flags & SPLICE_F_NONBLOCK) : 0;
    while (n > 0 && uio->left) {
        size_t part = MIN(MIN(uio->left, (size_t)n), (size_t)CHUNK);
        n = uio_take(uio, data, part);
        if (!n)
            n = pipe_put(pipe, data, part, true); // other writers may have come: what was taken is not given back
        done += n > 0 ? n : 0;
        if (n > 0)
            n = pipe_wait_room(pipe, true);
    }
    kfree(data);
    return done ? done : n;
}

long sys_vmsplice(int fd, const struct iovec __user *user, u64 count, u32 flags)
{
    struct iovec *iov;
    struct uio uio;

    if (flags & ~(u32)SPLICE_FLAGS)
        return -EINVAL;
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long n = pipe_is(file) && (file_readable(file) || file_writable(file)) ? 0 : -EBADF;
    if (!n)
        n = uio_import(user, count, &iov, &uio);
    if (!n) {
        if (file_writable(file))
            n = memory_to_pipe(file, &uio, flags);
        else if ((n = uio.left ? pipe_wait_data(file, flags & SPLICE_F_NONBLOCK) : 0) > 0)
            n = file_transfer(file, &uio, false);
        kfree(iov);
    }
    file_unref(file);
    return n;
}
