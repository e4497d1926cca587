// SPDX-License-Identifier: BSD-3-Clause
// Durability, space and advice.
#include "libos/fs/file.h"
#include "libos/fs/mount.h"
#include "libos/fs/notify.h"
#include "libos/syscall/prototypes.h"

static bool is_stored(const struct file *file)
{
    return file->inode && !file->ops->stream && (S_ISREG(file->inode->mode) || inode_is_dir(file->inode));
}

long file_sync(struct file *file)
{
    if (file->ops->fsync)
        return file->ops->fsync(file);
    return is_stored(file) ? 0 : -EINVAL;
}

long sys_fsync(int fd)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file_sync(file);
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

long sys_sync_file_range(int fd, s64 offset, s64 size, u32 flags)
{
    const u32 known = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
    struct file *file = files_get(fd);
    s64 end;

    if (!file)
        return -EBADF;
    bool bad = (flags & ~known) || offset < 0 || __builtin_add_overflow(offset, size, &end) || end < offset;
    long err = bad ? -EINVAL : 0;
    if (!err && !is_stored(file))
        err = -ESPIPE;
    if (!err && file->ops->fsync)
        err = file->ops->fsync(file);
    file_unref(file);
    return err;
}

// What is asked of the kind of change, whatever the file.
static long check_mode(int mode)
{
    const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
                      FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
    int kind = mode & ~FALLOC_FL_KEEP_SIZE;

    if ((mode & ~known) || (kind & (kind - 1)))
        return -EOPNOTSUPP;
    bool keeps = mode & FALLOC_FL_KEEP_SIZE;
    if ((kind == FALLOC_FL_PUNCH_HOLE && !keeps) ||
        ((kind == FALLOC_FL_COLLAPSE_RANGE || kind == FALLOC_FL_INSERT_RANGE) && keeps))
        return -EOPNOTSUPP;
    return 0;
}

static long check_allocation(struct file *file, int mode, s64 offset, s64 size)
{
    s64 end;
    u32 type = (file->inode ? file->inode->mode : file->ops->type) & S_IFMT;

    if (offset < 0 || size <= 0)
        return -EINVAL;
    long err = check_mode(mode);
    if (err)
        return err;
    if (!file_writable(file))
        return -EBADF;
    if (type == S_IFIFO)
        return -ESPIPE;
    if (type == S_IFDIR)
        return -EISDIR;
    if (type != S_IFREG)
        return -ENODEV;
    if (__builtin_add_overflow(offset, size, &end))
        return -EFBIG;
    return file->ops->fallocate ? 0 : -EOPNOTSUPP;
}

long sys_fallocate(int fd, int mode, s64 offset, s64 size)
{
    struct file *file = files_get(fd);

    if (!file)
        return -EBADF;
    long err = check_allocation(file, mode, offset, size);
    if (!err && file->inode && !(mode & FALLOC_FL_KEEP_SIZE))
        err = file_limit_size(file->inode, (u64)offset + (u64)size);
    if (!err)
        err = file->ops->fallocate(file, mode, (u64)offset, (u64)size);
    if (!err)
        notify_file(file, IN_MODIFY);
    file_unref(file);
    return err;
}

long sys_fadvise64(int fd, s64 offset, s64 size, int advice)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    bool pipe = file->inode && S_ISFIFO(file->inode->mode);
    long err = advice < 0 || advice > 5 || size < 0 ? -EINVAL : 0;
    if (pipe)
        err = -ESPIPE;
    file_unref(file);
    return err;
}

long sys_readahead(int fd, s64 offset, size_t size)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file->inode && S_ISREG(file->inode->mode) ? 0 : -EINVAL;
    if (!file_readable(file))
        err = -EBADF;
    file_unref(file);
    return err;
}
