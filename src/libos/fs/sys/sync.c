// SPDX-License-Identifier: BSD-3-Clause
// Durability, space and advice.
#include "libos/fs/file.h"
#include "libos/fs/mount.h"
#include "libos/fs/notify.h"
#include "libos/syscall/prototypes.h"

long sys_fsync(int fd)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file->ops->fsync ? file->ops->fsync(file) : file->inode && !file->ops->stream ? 0 : -EINVAL;
    file_unref(file);
    return err;
}

long sys_fdatasync(int fd) { return sys_fsync(fd); }

long sys_sync(void)
{
    (void)fs_sync(); // whoever must know asks fsync(2)
    return 0;
}

long sys_syncfs(int fd)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file->inode ? mount_sync(file->inode) : 0;
    file_unref(file);
    return err;
}

long sys_sync_file_range(int fd, s64 offset, s64 size, u32 flags) { return sys_fsync(fd); }

long sys_fallocate(int fd, int mode, s64 offset, s64 size)
{
    struct file *file = files_get(fd);
    long err;

    if (!file)
        return -EBADF;
    if (offset < 0 || size <= 0)
        err = -EINVAL;
    else if (!file_writable(file))
        err = -EBADF;
    else
        err = file->ops->fallocate ? file->ops->fallocate(file, mode, (u64)offset, (u64)size)
              : file->ops->stream  ? -ESPIPE
                                   : -EOPNOTSUPP;
    if (!err)
        notify_file(file, IN_MODIFY);
    file_unref(file);
    return err;
}

static long check_fd(int fd)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file->ops->stream ? -ESPIPE : 0;
    file_unref(file);
    return err;
}

long sys_fadvise64(int fd, s64 offset, s64 size, int advice)
{
    return advice < 0 || advice > 5 || size < 0 ? -EINVAL : check_fd(fd);
}
long sys_readahead(int fd, s64 offset, size_t size) { return check_fd(fd); }
