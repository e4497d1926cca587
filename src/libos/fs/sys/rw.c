// SPDX-License-Identifier: BSD-3-Clause
// Reading and writing.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

typedef long (*transfer_op)(struct file *, struct uio *, u64 *);

static transfer_op op_of(const struct file *file, bool write) { return write ? file->ops->write : file->ops->read; }

// The thread counts alone; others read (cputime.c).
static void count_io(bool write, long n)
{
    struct thread_io *io = &current->io;
    u64 moved = n > 0 ? (u64)n : 0;
    u64 *calls = write ? &io->writes : &io->reads, *bytes = write ? &io->written_bytes : &io->read_bytes;

    WRITE_ONCE(*calls, *calls + 1);
    WRITE_ONCE(*bytes, *bytes + moved);
}

// What the descriptor rules out, in Linux's order.
static long may_transfer(const struct file *file, bool at, bool write)
{
    if (at && file->ops->stream)
        return -ESPIPE;
    if (write ? !file_writable(file) : !file_readable(file))
        return -EBADF;
    if (op_of(file, write))
        return 0;
    return file->inode && inode_is_dir(file->inode) ? -EISDIR : -EINVAL;
}

static long told(struct file *file, bool write, long n)
{
    if (n > 0)
        notify_file(file, write ? IN_MODIFY : IN_ACCESS);
    return n;
}

// The following once may_transfer said yes. At the file's own offset, under its lock where it has one.
static long transfer_own(struct file *file, struct uio *uio, bool write)
{
    u64 none = 0;

    if (file->ops->stream)
        return told(file, write, op_of(file, write)(file, uio, &none));
    long err = write && file->inode ? drop_set_id(file->inode) : 0;
    if (err)
        return err;
    mutex_lock(&file->offset_lock);
    long n = write ? file_limit_write(file, file->offset, &uio->left) : 0;
    if (!n)
        n = op_of(file, write)(file, uio, &file->offset);
    mutex_unlock(&file->offset_lock);
    return told(file, write, n);
}

static long transfer_at(struct file *file, struct uio *uio, u64 at, bool write)
{
    long err = write && file->inode ? drop_set_id(file->inode) : 0;
    if (!err && write)
        err = file_limit_write(file, at, &uio->left);
    return err ? err : told(file, write, op_of(file, write)(file, uio, &at));
}

static bool is_beyond(s64 offset, const struct uio *uio) { return offset < 0 || (s64)((u64)offset + uio->left) < 0; }

static long transfer(struct file *file, struct uio *uio, s64 offset, bool at, bool write)
{
    if (!at)
        return transfer_own(file, uio, write);
    return is_beyond(offset, uio) ? -EINVAL : transfer_at(file, uio, (u64)offset, write);
}

long file_transfer(struct file *file, struct uio *uio, bool write)
{
    long err = may_transfer(file, false, write);
    return err ? err : transfer_own(file, uio, write);
}

long file_transfer_at(struct file *file, struct uio *uio, s64 offset, bool write)
{
    long err = is_beyond(offset, uio) ? -EINVAL : may_transfer(file, true, write);
    return err ? err : transfer_at(file, uio, (u64)offset, write);
}

static long with_buffer(int fd, const void __user *buf, size_t size, s64 offset, bool at, bool write)
{
    struct iovec one;
    struct uio uio;

    if (at && offset < 0)
        return -EINVAL;
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    uio_user(&uio, &one, (const void *)(uintptr_t)buf, size);
    long n = may_transfer(file, at, write);
    if (!n && !uio_can_be_user(buf, size))
        n = -EFAULT;
    if (!n && (s64)size < 0)
        n = -EINVAL;
    if (!n)
        n = transfer(file, &uio, offset, at, write);
    file_unref(file);
    count_io(write, n);
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
    struct iovec *iov;
    struct uio uio;

    if (at && offset < 0)
        return -EINVAL;
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long refusal = may_transfer(file, at, write);
    // A vector of no bytes is answered before a folder says that it is one; read(2) of no bytes is not.
    long n = refusal && refusal != -EISDIR ? refusal : uio_import(user, count, &iov, &uio);
    if (!n) {
        if (uio.left)
            n = refusal ? refusal : transfer(file, &uio, offset, at, write);
        kfree(iov);
    }
    file_unref(file);
    count_io(write, n);
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

enum { RWF_KNOWN = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND };

// preadv2(2), pwritev2(2): whose flags ask for nothing that is not so anyway, but two: to write durably and at the end.
static long with_flags(int fd, const struct iovec __user *iov, u64 count, s64 offset, int flags, bool write)
{
    struct file *file = files_get(fd);
    long n = 0;

    if (!file)
        return -EBADF;
    if ((flags & ~RWF_KNOWN) || ((flags & RWF_NOWAIT) && file->ops->stream))
        n = -EOPNOTSUPP;
    if (!n && write && (flags & RWF_APPEND) && !file->ops->stream)
        n = with_iov(fd, iov, count, (s64)file_size(file), true, write);
    else if (!n)
        n = with_iov(fd, iov, count, offset, offset != -1, write);
    if (n > 0 && write && (flags & (RWF_DSYNC | RWF_SYNC)) && file->ops->fsync) {
        int err = file->ops->fsync(file);
        n = err ? err : n;
    }
    file_unref(file);
    return n;
}

long sys_preadv2(int fd, const struct iovec __user *iov, u64 count, s64 offset, u64 high, int flags)
{
    return flags ? with_flags(fd, iov, count, offset, flags, false)
                 : with_iov(fd, iov, count, offset, offset != -1, false);
}

long sys_pwritev2(int fd, const struct iovec __user *iov, u64 count, s64 offset, u64 high, int flags)
{
    return flags ? with_flags(fd, iov, count, offset, flags, true)
                 : with_iov(fd, iov, count, offset, offset != -1, true);
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
    if (whence > SEEK_HOLE) { // of any file
        file_unref(file);
        return -EINVAL;
    }
    mutex_lock(&file->offset_lock);
    if (file->ops->stream)
        base = file->ops->unmoved ? 0 : -ESPIPE;
    else if (file->inode && S_ISCHR(file->inode->mode))
        offset = 0; // devices without a position
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
    if (base >= 0 && !file->ops->stream) {
        s64 target = base;
        if (whence <= SEEK_END && __builtin_add_overflow(base, offset, &target))
            base = -EINVAL;
        else if (target < 0)
            base = -EINVAL;
        else
            base = (s64)(file->offset = (u64)target);
    }
    mutex_unlock(&file->offset_lock);
    file_unref(file);
    return base;
}
