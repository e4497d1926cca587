// SPDX-License-Identifier: BSD-3-Clause
// Descriptors.
#include <asm/ioctls.h>
#include <asm/sockios.h>
#include <linux/memfd.h>

#include "base/fmt.h"
#include "libos/fs/devfs.h"
#include "libos/fs/file.h"
#include "libos/fs/locks.h"
#include "libos/fs/memfs.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

static long install(struct file *file, u32 flags) { return files_give(file, 0, flags & O_CLOEXEC); }

long sys_openat(int dirfd, const char __user *user, int flags, u32 mode)
{
    struct file *file;
    char *path = path_from_user(user);
    if (is_err(path))
        return ptr_err(path);
    if (fs_special.before_open)
        fs_special.before_open(path);
    long err = open_at(dirfd, path, (u32)flags, mode, 0, &file);
    kfree(path);
    return err ? err : install(file, (u32)flags);
}

long sys_open(const char __user *path, int flags, u32 mode) { return sys_openat(AT_FDCWD, path, flags, mode); }
long sys_creat(const char __user *path, u32 mode)
{
    return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

long sys_close(int fd) { return files_close(fd); }

long sys_close_range(u32 first, u32 last, u32 flags)
{
    enum { UNSHARE = 2, CLOEXEC = 4 };
    struct files *own;
    if (first > last || (flags & ~(u32)(UNSHARE | CLOEXEC)))
        return -EINVAL;
    if (flags & UNSHARE) {
        int err = files_copy(current->files, &own);
        if (err)
            return err;
        files_unref(thread_swap(files, own));
    }
    files_close_range(first, last, flags & CLOEXEC);
    return 0;
}

long sys_dup(int fd)
{
    struct file *file = files_get_path(fd);
    return file ? install(file, 0) : -EBADF;
}

long sys_dup3(int old, int new, int flags)
{
    if (old == new || (flags & ~O_CLOEXEC))
        return -EINVAL;
    struct file *file = files_get_path(old);
    if (!file)
        return -EBADF;
    int fd = files_replace(new, file, flags & O_CLOEXEC);
    if (fd < 0)
        file_unref(file);
    return fd;
}

long sys_dup2(int old, int new)
{
    if (old != new)
        return sys_dup3(old, new, 0);
    struct file *file = files_get_path(old);
    if (!file)
        return -EBADF;
    file_unref(file);
    return new;
}

static long dup_from(struct file *file, u64 from, bool close_on_exec)
{
    if (from > INT32_MAX)
        return -EINVAL;
    return files_give(file_ref(file), (int)from, close_on_exec);
}

// The range of a lock request, made absolute.
static long lock_range(struct file *file, struct flock *lock)
{
    s64 base = 0;
    if (lock->l_whence == SEEK_CUR)
        base = (s64)file->offset;
    else if (lock->l_whence == SEEK_END)
        base = (s64)file_size(file);
    else if (lock->l_whence != SEEK_SET)
        return -EINVAL;
    if (__builtin_add_overflow(base, lock->l_start, &lock->l_start))
        return -EOVERFLOW;
    if (lock->l_len < 0) {
        lock->l_start += lock->l_len;
        lock->l_len = -lock->l_len;
    }
    lock->l_whence = SEEK_SET;
    if (lock->l_start < 0)
        return -EINVAL;
    return lock->l_len && lock->l_len - 1 > INT64_MAX - lock->l_start ? -EOVERFLOW : 0;
}

static long fcntl_lock(struct file *file, int command, u64 argument)
{
    struct flock lock, asked;
    bool get = command == F_GETLK || command == F_OFD_GETLK;

    if (copy_from_user(&lock, (const void __user *)argument, sizeof(lock)))
        return -EFAULT;
    asked = lock;
    if (lock.l_type != F_RDLCK && lock.l_type != F_WRLCK && (lock.l_type != F_UNLCK || command == F_GETLK))
        return -EINVAL;
    long err = lock_range(file, &lock);
    if (!err && file->inode)
        err = file_locks_fcntl(file, command, &lock);
    else if (!err && get) // what has no inode here nobody else has open
        lock.l_type = F_UNLCK;
    else if (!err &&
             ((lock.l_type == F_RDLCK && !file_readable(file)) || (lock.l_type == F_WRLCK && !file_writable(file))))
        err = -EBADF;
    if (get && lock.l_type == F_UNLCK) { // nothing but the kind changes
        asked.l_type = F_UNLCK;
        lock = asked;
    }
    return !err && get && copy_to_user((void __user *)argument, &lock, sizeof(lock)) ? -EFAULT : err;
}

static long set_status_flags(struct file *file, u64 flags)
{
    const u32 settable = O_APPEND | O_NONBLOCK | O_NOATIME | O_DIRECT;
    file_change_flags(file, settable, (u32)flags & settable);
    return 0;
}

static long do_fcntl(int fd, struct file *file, u32 command, u64 argument)
{
    u32 seals;

    switch (command) {
    case F_DUPFD:
        return dup_from(file, argument, false);
    case F_DUPFD_CLOEXEC:
        return dup_from(file, argument, true);
    case F_GETFD:
        return files_get_flags(fd);
    case F_SETFD:
        return files_set_flags(fd, argument & FD_CLOEXEC);
    case F_GETFL:
        return (long)file->flags;
    case F_SETFL:
        return set_status_flags(file, argument);
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
        return fcntl_lock(file, (int)command, argument);
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
        return file->ops->fcntl ? file->ops->fcntl(file, command, argument) : -EBADF;
    case F_SETOWN:
    case F_GETOWN:
    case F_SETOWN_EX:
    case F_GETOWN_EX:
    case F_SETSIG:
    case F_GETSIG:
        return file_owner_fcntl(file, command, argument);
    case F_NOTIFY:
        return 0;
    case F_GET_SEALS:
        return memfs_get_seals(file->inode, &seals) ? -EINVAL : (long)seals;
    case F_ADD_SEALS:
        return file_writable(file) ? memfs_add_seals(file->inode, (u32)argument) : -EPERM;
    default:
        return -EINVAL;
    }
}

long sys_fcntl(int fd, u32 command, u64 argument)
{
    bool of_descriptor = command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD ||
                         command == F_GETFL;
    struct file *file = of_descriptor ? files_get_path(fd) : files_get(fd);
    if (!file)
        return -EBADF;
    long result = do_fcntl(fd, file, command, argument);
    file_unref(file);
    return result;
}

// The lock of a file that nobody else can open.
static long flock_alone(u32 operation)
{
    u32 kind = operation & ~(u32)LOCK_NB;
    return (operation & LOCK_MAND) || kind == LOCK_SH || kind == LOCK_EX || kind == LOCK_UN ? 0 : -EINVAL;
}

long sys_flock(int fd, u32 operation)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    long err = file->inode ? file_locks_flock(file, (int)operation) : flock_alone(operation);
    file_unref(file);
    return err;
}

long sys_ioctl(int fd, u32 command, u64 argument)
{
    struct file *file = files_get(fd);
    u32 on;
    long err;

    if (!file)
        return -EBADF;
    switch (command) {
    case FIOCLEX:
    case FIONCLEX:
        err = files_set_flags(fd, command == FIOCLEX);
        break;
    case FIONBIO:
        err = get_user(on, argument) ? -EFAULT : 0;
        if (!err)
            file_change_flags(file, O_NONBLOCK, on ? O_NONBLOCK : 0);
        break;
    case FIOASYNC: // the flag is kept; SIGIO is not sent
        err = file->ops->poll ? 0 : -ENOTTY;
        if (!err && get_user(on, argument))
            err = -EFAULT;
        if (!err)
            file_change_flags(file, FASYNC, on ? FASYNC : 0);
        break;
    case FIOSETOWN:
    case SIOCSPGRP:
        err = get_user(on, argument) ? -EFAULT : 0;
        if (!err)
            WRITE_ONCE(file->signal_owner, (s32)on);
        break;
    case FIOGETOWN:
    case SIOCGPGRP:
        err = put_user(READ_ONCE(file->signal_owner), (int __user *)argument) ? -EFAULT : 0;
        break;
    case FIONREAD:
        if (!file->ops->ioctl && file->inode && S_ISREG(file->inode->mode)) {
            u64 size = file_size(file);
            mutex_lock(&file->offset_lock);
            u64 offset = file->offset;
            mutex_unlock(&file->offset_lock);
            on = size > offset ? (u32)(size - offset) : 0;
            err = put_user(on, (u32 __user *)argument) ? -EFAULT : 0;
            break;
        }
        [[fallthrough]];
    default:
        err = file->ops->ioctl ? file->ops->ioctl(file, command, argument) : -ENOTTY;
    }
    file_unref(file);
    return err;
}

static void *file_for_map(int fd, const struct vm_file_ops **ret_ops, u32 *ret_access_mode)
{
    struct file *file = files_get(fd);
    if (!file)
        return err_ptr(-EBADF);
    *ret_access_mode = file->flags & O_ACCMODE;
    if (device_is_zero(file)) { // as anonymous memory
        file_unref(file);
        return NULL;
    }
    if (!file->inode || !S_ISREG(file->inode->mode) || (file->flags & O_PATH) || file->ops->made) {
        bool readable = file_readable(file);
        file_unref(file);
        return err_ptr(readable ? -ENODEV : -EACCES);
    }
    *ret_ops = &file_vm_ops;
    return file;
}

int file_unnamed(u64 len, const char *path, struct file **ret_file)
{
    struct inode *inode;
    int err = memfs_anonymous(0777, &inode);
    if (err)
        return err;
    struct attr_change size = { .valid = ATTR_SIZE, .size = len };
    err = len ? inode->ops->setattr(inode, &size) : 0;
    if (!err)
        err = file_alloc(inode, O_RDWR, ret_file);
    if (!err && (err = inode->ops->open(inode, *ret_file)) != 0)
        file_unref(*ret_file);
    inode_unref(inode);
    if (!err)
        (*ret_file)->path = kstrdup(path);
    return err;
}

long sys_memfd_create(const char __user *user_name, u32 flags)
{
    struct file *file;
    char name[256], path[300];

    if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING)) // no huge pages
        return -EINVAL;
    long n = strncpy_from_user(name, user_name, 250);
    if (n < 0)
        return n == -ENAMETOOLONG ? -EINVAL : n;
    fmt_format(path, sizeof(path), "/memfd:%s (deleted)", name);
    int err = file_unnamed(0, path, &file);
    if (err)
        return err;
    file_change_flags(file, 0, O_LARGEFILE); // as Linux shows it
    memfs_set_seals(file->inode, flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL);
    return install(file, flags & MFD_CLOEXEC ? O_CLOEXEC : 0);
}

static void *shared_memory(u64 len, const struct vm_file_ops **ret_ops)
{
    struct file *file;
    int err = file_unnamed(len, "/dev/zero (deleted)", &file);
    *ret_ops = &file_vm_ops;
    return err ? err_ptr(err) : file;
}

void fd_init(void)
{
    vm_file_from_fd = file_for_map;
    vm_shared_memory = shared_memory;
}
