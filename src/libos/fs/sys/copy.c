// SPDX-License-Identifier: BSD-3-Clause
// sendfile(2) and copy_file_range(2): from one descriptor to another through memory of the LibOS. The source has
// positions: what the target does not take is read again later, so that nothing is lost.
#include "libos/fs/devfs.h"
#include "libos/fs/file.h"
#include "libos/fs/notify.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { COPY_CHUNK = 64 << 10 };

// Moves up to n bytes from *in_at to the target, at *out_at or (NULL) at its own offset, and advances both by what was
// written. Bytes, 0 at the end, -errno.
static long copy_piece(struct file *in, u64 *in_at, struct file *out, u64 *out_at, u8 *buf, size_t n)
{
    struct iovec one;
    struct uio uio;
    u64 from = *in_at, none = 0;
    long wrote;

    uio_kernel(&uio, &one, buf, n);
    long got = in->ops->read(in, &uio, &from);
    if (got <= 0)
        return got;
    size_t fits = (size_t)got;
    int err = file_limit_write(out, out_at ? *out_at : READ_ONCE(out->offset), &fits);
    if (err)
        return err;
    uio_kernel(&uio, &one, buf, fits);
    if (out_at || out->ops->stream) {
        wrote = out->ops->write(out, &uio, out_at ? out_at : &none);
    } else {
        mutex_lock(&out->offset_lock);
        wrote = out->ops->write(out, &uio, &out->offset);
        mutex_unlock(&out->offset_lock);
    }
    *in_at += wrote > 0 ? (u64)wrote : 0;
    return wrote;
}

static long copy_loop(struct file *in, u64 *in_at, struct file *out, u64 *out_at, size_t size)
{
    size_t pages = DIV_ROUND_UP(MIN(size, (size_t)COPY_CHUNK), PAGE_SIZE), done = 0;
    u8 *buf = pages ? kpages_alloc(pages) : NULL;
    long n = buf || !pages ? 1 : -ENOMEM;

    while (done < size && n > 0) {
        size_t part = MIN(size - done, (size_t)COPY_CHUNK);
        n = copy_piece(in, in_at, out, out_at, buf, part);
        done += n > 0 ? (size_t)n : 0;
        if (n > 0 && (size_t)n < part && out->ops->stream && (out->flags & O_NONBLOCK))
            break; // it is full
    }
    if (buf)
        kpages_free(buf, pages);
    if (done) {
        notify_file(in, IN_ACCESS);
        notify_file(out, IN_MODIFY);
    }
    return done || n > 0 ? (long)done : n;
}

static u64 own_offset(struct file *file)
{
    mutex_lock(&file->offset_lock);
    u64 at = file->offset;
    mutex_unlock(&file->offset_lock);
    return at;
}

static void set_own_offset(struct file *file, u64 at)
{
    mutex_lock(&file->offset_lock);
    file->offset = at;
    mutex_unlock(&file->offset_lock);
}

// What the descriptors rule out, in Linux's order. has_offset: the caller gave one.
static long may_send(const struct file *in, const struct file *out, bool has_offset, s64 offset)
{
    if (!in || !file_readable(in))
        return -EBADF;
    if (has_offset && in->ops->stream)
        return -ESPIPE;
    if (offset < 0)
        return -EINVAL;
    if (!out || !file_writable(out))
        return -EBADF;
    return in->ops->stream || device_is_null(in) || !in->ops->read || !out->ops->write || (out->flags & O_APPEND)
               ? -EINVAL
               : 0;
}

long sys_sendfile(int out_fd, int in_fd, s64 __user *offset, size_t size)
{
    u64 at = 0;
    if (offset && get_user(at, offset))
        return -EFAULT;
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    long n = may_send(in, out, offset, (s64)at);

    if (!n && (s64)size < 0)
        n = -EINVAL;
    if (!n && !offset)
        at = own_offset(in);
    if (!n)
        n = copy_loop(in, &at, out, NULL, MIN(size, (size_t)UIO_MAX_BYTES));
    if (n > 0 && !offset)
        set_own_offset(in, at);
    if (n >= 0 && offset && put_user(at, (u64 __user *)offset))
        n = -EFAULT;
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}

// The same as for sendfile, of two regular files. *size is cut at the end of the source.
static long may_copy(struct file *in, u64 in_at, struct file *out, u64 out_at, size_t *size)
{
    if ((in->inode && inode_is_dir(in->inode)) || (out->inode && inode_is_dir(out->inode)))
        return -EISDIR;
    if (!in->inode || !out->inode || !S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode))
        return -EINVAL;
    if (!file_readable(in) || !file_writable(out) || (out->flags & O_APPEND))
        return -EBADF;
    if (in_at + *size < in_at || out_at + *size < out_at)
        return -EOVERFLOW;
    if ((s64)in_at < 0 || (s64)out_at < 0)
        return -EINVAL;
    if (out_at >= INT64_MAX)
        return -EFBIG;
    u64 end = file_size(in);
    *size = MIN(*size, end > in_at ? end - in_at : 0);
    if (in->inode == out->inode && in_at < out_at + *size && out_at < in_at + *size)
        return -EINVAL;
    return in->inode->ops != out->inode->ops ? -EXDEV : 0;
}

static long copy_range(struct file *in, u64 __user *in_offset, struct file *out, u64 __user *out_offset, size_t size)
{
    u64 in_at = 0, out_at = 0;

    if ((in_offset && get_user(in_at, in_offset)) || (out_offset && get_user(out_at, out_offset)))
        return -EFAULT;
    if (!in_offset)
        in_at = own_offset(in);
    if (!out_offset)
        out_at = own_offset(out);
    long n = may_copy(in, in_at, out, out_at, &size);
    if (!n)
        n = copy_loop(in, &in_at, out, &out_at, MIN(size, (size_t)UIO_MAX_BYTES));
    if (n <= 0)
        return n;
    if (!in_offset)
        set_own_offset(in, in_at);
    if (!out_offset)
        set_own_offset(out, out_at);
    if ((in_offset && put_user(in_at, in_offset)) || (out_offset && put_user(out_at, out_offset)))
        return -EFAULT;
    return n;
}

long sys_copy_file_range(int in_fd, u64 __user *in_offset, int out_fd, u64 __user *out_offset, size_t size, u32 flags)
{
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    long n = -EBADF;

    if (in && out)
        n = flags ? -EINVAL : copy_range(in, in_offset, out, out_offset, size);
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}
