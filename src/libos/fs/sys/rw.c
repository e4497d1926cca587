// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/permission.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { COPY_CHUNK = 64 << 10 };

// At the file's own offset, under its lock where it has one.
static long transfer(struct file *file, struct uio *uio, bool write)
{
    long (*op)(struct file *, struct uio *, u64 *) = write ? file->ops->write : file->ops->read;
    u64 none = 0;

    if (write ? !file_writable(file) : !file_readable(file))
        return -EBADF;
    if (!op)
        return file->inode && inode_is_dir(file->inode) ? -EISDIR : -EINVAL;
    if (file->ops->stream)
        return op(file, uio, &none);
    int err = write && file->inode ? drop_set_id(file->inode) : 0;
    if (err)
        return err;
    mutex_lock(&file->offset_lock);
    long n = op(file, uio, &file->offset);
    mutex_unlock(&file->offset_lock);
    return n;
}

static long transfer_at(struct file *file, struct uio *uio, s64 offset, bool write)
{
    long (*op)(struct file *, struct uio *, u64 *) = write ? file->ops->write : file->ops->read;
    u64 at = (u64)offset;

    if (offset < 0)
        return -EINVAL;
    if (file->ops->stream)
        return -ESPIPE;
    if (write ? !file_writable(file) : !file_readable(file))
        return -EBADF;
    if (!op)
        return file->inode && inode_is_dir(file->inode) ? -EISDIR : -EINVAL;
    int err = write && file->inode ? drop_set_id(file->inode) : 0;
    return err ? err : op(file, uio, &at);
}

static long with_buffer(int fd, const void __user *buf, size_t size, s64 offset, bool at, bool write)
{
    struct file *file = files_get(fd);
    struct iovec one;
    struct uio uio;

    if (!file)
        return -EBADF;
    uio_user(&uio, &one, (const void *)(uintptr_t)buf, size);
    long n = (s64)size < 0 ? -EINVAL : at ? transfer_at(file, &uio, offset, write) : transfer(file, &uio, write);
    file_unref(file);
    return n;
}

long sys_read(int fd, void __user *buf, size_t size) { return with_buffer(fd, buf, size, 0, false, false); }
long sys_write(int fd, const void __user *buf, size_t size) { return with_buffer(fd, buf, size, 0, false, true); }
long sys_pread64(int fd, void __user *buf, size_t size, s64 offset)
{
    return with_buffer(fd, buf, size, offset, true, false);
}

long sys_pwrite64(int fd, const void __user *buf, size_t size, s64 offset)
{
    return with_buffer(fd, buf, size, offset, true, true);
}

static long with_iov(int fd, const struct iovec __user *user, u64 count, s64 offset, bool at, bool write)
{
    struct file *file = files_get(fd);
    struct iovec *iov;
    struct uio uio;

    if (!file)
        return -EBADF;
    long n = uio_import(user, count, &iov, &uio);
    if (!n) {
        n = at ? transfer_at(file, &uio, offset, write) : transfer(file, &uio, write);
        kfree(iov);
    }
    file_unref(file);
    return n;
}

long sys_readv(int fd, const struct iovec __user *iov, u64 count) { return with_iov(fd, iov, count, 0, false, false); }
long sys_writev(int fd, const struct iovec __user *iov, u64 count) { return with_iov(fd, iov, count, 0, false, true); }
long sys_preadv(int fd, const struct iovec __user *iov, u64 count, s64 offset)
{
    return with_iov(fd, iov, count, offset, true, false);
}
long sys_pwritev(int fd, const struct iovec __user *iov, u64 count, s64 offset)
{
    return with_iov(fd, iov, count, offset, true, true);
}

long sys_preadv2(int fd, const struct iovec __user *iov, u64 count, s64 offset, u64 high, int flags)
{
    return flags ? -EOPNOTSUPP : with_iov(fd, iov, count, offset, offset != -1, false);
}

long sys_pwritev2(int fd, const struct iovec __user *iov, u64 count, s64 offset, u64 high, int flags)
{
    return flags ? -EOPNOTSUPP : with_iov(fd, iov, count, offset, offset != -1, true);
}

static s64 seek_end(struct file *file)
{
    struct kstat st;
    if (!file->inode || !file->inode->ops->getattr)
        return -ESPIPE;
    int err = file->inode->ops->getattr(file->inode, &st);
    return err ? err : (s64)st.size;
}

long sys_lseek(int fd, s64 offset, u32 whence)
{
    struct file *file = files_get(fd);
    s64 base = 0;

    if (!file)
        return -EBADF;
    mutex_lock(&file->offset_lock);
    if (file->ops->stream)
        base = -ESPIPE;
    else if (whence == SEEK_CUR)
        base = (s64)file->offset;
    else if (whence == SEEK_END)
        base = file->inode && inode_is_dir(file->inode) ? -EINVAL : seek_end(file); // as tmpfs has it
    else if (whence == SEEK_DATA || whence == SEEK_HOLE)
        base = offset < 0             ? -ENXIO
               : file->ops->seek_data ? file->ops->seek_data(file, (u64)offset, whence == SEEK_HOLE)
                                      : -EINVAL;
    else if (whence != SEEK_SET)
        base = -EINVAL;
    if (base >= 0) {
        s64 target = base;
        if (whence <= SEEK_END && __builtin_add_overflow(base, offset, &target))
            base = -EOVERFLOW;
        else if (target < 0)
            base = -EINVAL;
        else
            base = (s64)(file->offset = (u64)target);
    }
    mutex_unlock(&file->offset_lock);
    file_unref(file);
    return base;
}

// Copies through kernel memory. An offset pointer of NULL means the file's own offset.
static long copy_loop(struct file *in, u64 *in_offset, struct file *out, u64 *out_offset, size_t size)
{
    size_t pages = DIV_ROUND_UP(MIN(size, (size_t)COPY_CHUNK), PAGE_SIZE), done = 0;
    u8 *buf = pages ? kpages_alloc(pages) : NULL;
    struct iovec one;
    struct uio uio;
    long n = buf || !pages ? 0 : -ENOMEM;

    while (!n && done < size) {
        uio_kernel(&uio, &one, buf, MIN(size - done, (size_t)COPY_CHUNK));
        long got = in_offset ? transfer_at(in, &uio, (s64)*in_offset, false) : transfer(in, &uio, false);
        if (got <= 0) {
            n = got ? got : 1;
            break;
        }
        for (long put = 0; put < got && !n;) {
            uio_kernel(&uio, &one, buf + put, (size_t)(got - put));
            long w = out_offset ? transfer_at(out, &uio, (s64)*out_offset, true) : transfer(out, &uio, true);
            if (w <= 0) {
                n = w ? w : -EIO;
                break;
            }
            put += w;
            done += (size_t)w;
            if (in_offset)
                *in_offset += (u64)w;
            if (out_offset)
                *out_offset += (u64)w;
        }
    }
    if (buf)
        kpages_free(buf, pages);
    return done || n > 0 ? (long)done : n;
}

// sendfile(2): EBADF by access mode; no appending, and only from what has positions.
static long may_send(const struct file *in, const struct file *out)
{
    if (!in || !out || !file_readable(in) || !file_writable(out))
        return -EBADF;
    return in->ops->stream || (in->inode && inode_is_dir(in->inode)) || (out->flags & O_APPEND) ? -EINVAL : 0;
}

long sys_sendfile(int out_fd, int in_fd, s64 __user *offset, size_t size)
{
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    u64 at = 0;
    long n = may_send(in, out);

    if (!n && offset && get_user(at, offset))
        n = -EFAULT;
    if (!n)
        n = copy_loop(in, offset ? &at : NULL, out, NULL, MIN(size, (size_t)UIO_MAX_BYTES));
    if (n >= 0 && offset && put_user(at, (u64 __user *)offset))
        n = -EFAULT;
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}

long sys_copy_file_range(int in_fd, u64 __user *in_offset, int out_fd, u64 __user *out_offset, size_t size, u32 flags)
{
    struct file *in = files_get(in_fd), *out = files_get(out_fd);
    u64 in_at = 0, out_at = 0;
    long n = in && out ? 0 : -EBADF;

    if (!n && flags)
        n = -EINVAL;
    if (!n && (!in->inode || !out->inode || !S_ISREG(in->inode->mode) || !S_ISREG(out->inode->mode)))
        n = -EINVAL;
    if (!n && ((in_offset && get_user(in_at, in_offset)) || (out_offset && get_user(out_at, out_offset))))
        n = -EFAULT;
    if (!n)
        n = copy_loop(in, in_offset ? &in_at : NULL, out, out_offset ? &out_at : NULL,
                      MIN(size, (size_t)UIO_MAX_BYTES));
    if (n >= 0 && ((in_offset && put_user(in_at, in_offset)) || (out_offset && put_user(out_at, out_offset))))
        n = -EFAULT;
    if (in)
        file_unref(in);
    if (out)
        file_unref(out);
    return n;
}
