// SPDX-License-Identifier: BSD-3-Clause
// Attributes of files.
#include <linux/magic.h>

#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/fs/sys/userpath.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"

// Before 1970 the seconds are negative, the nanoseconds never.
static struct __kernel_timespec timespec_of(s64 ns)
{
    s64 rest = ns % NSEC_PER_SEC;
    rest += rest < 0 ? NSEC_PER_SEC : 0;
    return (struct __kernel_timespec){ (ns - rest) / NSEC_PER_SEC, rest };
}

static void split(s64 ns, u64 *ret_sec, u64 *ret_nsec)
{
    struct __kernel_timespec ts = timespec_of(ns);
    *ret_sec = (u64)ts.tv_sec;
    *ret_nsec = (u64)ts.tv_nsec;
}

static long put_stat(const struct kstat *k, struct stat __user *user)
{
    struct stat st;
    u64 sec, nsec;

    memset(&st, 0, sizeof(st));
    st.st_dev = k->dev;
    st.st_ino = k->ino;
    st.st_nlink = k->nlink;
    st.st_mode = k->mode;
    st.st_uid = k->uid;
    st.st_gid = k->gid;
    st.st_rdev = k->rdev;
    st.st_size = (long)k->size;
    st.st_blksize = k->blksize ? k->blksize : 4096;
    st.st_blocks = (long)k->blocks;
    split(k->atime, &sec, &nsec);
    st.st_atime = sec, st.st_atime_nsec = nsec;
    split(k->mtime, &sec, &nsec);
    st.st_mtime = sec, st.st_mtime_nsec = nsec;
    split(k->ctime, &sec, &nsec);
    st.st_ctime = sec, st.st_ctime_nsec = nsec;
    return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

static const struct kstat nameless = { .mode = S_IFIFO | 0600, .nlink = 1, .blksize = 4096, .dev = 0xf1 };

static long file_stat(struct file *file, struct kstat *ret_stat)
{
    if (file->inode)
        return file->inode->ops->getattr(file->inode, ret_stat);
    *ret_stat = nameless;
    ret_stat->ino = file->owner_key;
    if (file->ops->type)
        ret_stat->mode = file->ops->type | 0777;
    else if (file->ops->unmoved)
        ret_stat->mode = 0600; // anonymous files are of no kind
    return 0;
}

static long kstat_at(int dirfd, const char __user *path, int flags, struct kstat *ret_stat)
{
    struct inode *inode;
    char first;

    if ((flags & AT_EMPTY_PATH) && (!path || (copy_from_user(&first, path, 1) == 0 && !first)) && dirfd != AT_FDCWD) {
        struct file *file = files_get_path(dirfd);
        if (!file)
            return -EBADF;
        long err = file_stat(file, ret_stat);
        file_unref(file);
        return err;
    }
    u32 look = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    long err = user_inode(dirfd, path, look, &inode);
    if (err)
        return err;
    err = inode->ops->getattr(inode, ret_stat);
    inode_unref(inode);
    return err;
}

long sys_newfstatat(int dirfd, const char __user *path, struct stat __user *user, int flags)
{
    struct kstat st;
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE))
        return -EINVAL;
    long err = kstat_at(dirfd, path, flags, &st);
    return err ? err : put_stat(&st, user);
}

long sys_stat(const char __user *path, struct stat __user *user) { return sys_newfstatat(AT_FDCWD, path, user, 0); }
long sys_lstat(const char __user *path, struct stat __user *user)
{
    return sys_newfstatat(AT_FDCWD, path, user, AT_SYMLINK_NOFOLLOW);
}

long sys_fstat(int fd, struct stat __user *user)
{
    struct file *file = files_get_path(fd);
    struct kstat st;
    if (!file)
        return -EBADF;
    long err = file_stat(file, &st);
    file_unref(file);
    return err ? err : put_stat(&st, user);
}

static struct statx_timestamp statx_time(s64 ns)
{
    struct __kernel_timespec ts = timespec_of(ns);
    return (struct statx_timestamp){ ts.tv_sec, (u32)ts.tv_nsec, 0 };
}

long sys_statx(int dirfd, const char __user *path, int flags, u32 mask, struct statx __user *user)
{
    struct kstat k;
    struct statx st;

    if ((mask & 0x80000000) ||
        (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_STATX_SYNC_TYPE)) ||
        (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE)
        return -EINVAL;
    long err = kstat_at(dirfd, path, flags, &k);
    if (err)
        return err;
    memset(&st, 0, sizeof(st));
    st.stx_mask = STATX_BASIC_STATS;
    st.stx_blksize = (u32)(k.blksize ? k.blksize : 4096);
    st.stx_nlink = k.nlink;
    st.stx_uid = k.uid;
    st.stx_gid = k.gid;
    st.stx_mode = (u16)k.mode;
    st.stx_ino = k.ino;
    st.stx_size = k.size;
    st.stx_blocks = k.blocks;
    st.stx_atime = statx_time(k.atime);
    st.stx_mtime = statx_time(k.mtime);
    st.stx_ctime = statx_time(k.ctime);
    st.stx_rdev_major = (u32)(k.rdev >> 8) & 0xfff;
    st.stx_rdev_minor = (u32)k.rdev & 0xff;
    st.stx_dev_major = (u32)(k.dev >> 8) & 0xfff;
    st.stx_dev_minor = (u32)k.dev & 0xff;
    return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

// The change, if the caller may make it. now: of times, all are the present one.
static long change_inode(struct inode *inode, struct attr_change change, bool now)
{
    int err = 0;
    if (!inode->ops->setattr)
        return -EROFS;
    if (change.valid & (ATTR_ATIME | ATTR_MTIME))
        err = may_set_times(inode, !now);
    else if (change.valid & ATTR_SIZE) // its callers know who may
        err = file_limit_size(inode, change.size);
    else
        err = may_change(inode, &change);
    return err ? err : inode_setattr(inode, &change);
}

// Something happened to the inode that the path led to.
static void notify_path(int dirfd, const char __user *path, u32 look, struct inode *inode, u32 events)
{
    struct lookup l;

    if (!notify_active() || !events)
        return;
    if (user_lookup(dirfd, path, look, &l)) { // changed meanwhile
        notify_child(NULL, NULL, inode, events);
        return;
    }
    bool named = l.inode == inode && l.name[0];
    notify_child(named ? l.parent : NULL, l.name, inode, events);
    lookup_done(&l);
}

static long change_at(int dirfd, const char __user *path, u32 look, const struct attr_change *change, bool now)
{
    struct inode *inode;
    long err = user_inode(dirfd, path, look, &inode);
    if (err)
        return err;
    if ((change->valid & ATTR_SIZE) && S_ISREG(inode->mode))
        err = inode_permission(inode, MAY_WRITE);
    if (!err)
        err = change_inode(inode, *change, now);
    if (!err)
        notify_path(dirfd, path, look, inode, notify_change_events(change));
    inode_unref(inode);
    return err;
}

static long change_fd(int fd, const struct attr_change *change, bool now)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    // Of what has no inode here sockets take changes, which nobody sees, and the anonymous files do not.
    long err = file->inode ? change_inode(file->inode, *change, now) : file->ops->unmoved ? -EOPNOTSUPP : 0;
    if (!file->inode && (change->valid & ATTR_SIZE))
        err = -EINVAL;
    if (!err)
        notify_file(file, notify_change_events(change));
    file_unref(file);
    return err;
}

long sys_fchmodat(int dirfd, const char __user *path, u32 mode)
{
    struct attr_change change = { .valid = ATTR_MODE, .mode = mode };
    return change_at(dirfd, path, LOOKUP_FOLLOW, &change, false);
}

long sys_chmod(const char __user *path, u32 mode) { return sys_fchmodat(AT_FDCWD, path, mode); }

long sys_fchmod(int fd, u32 mode)
{
    struct attr_change change = { .valid = ATTR_MODE, .mode = mode };
    return change_fd(fd, &change, false);
}

static struct attr_change owner_change(u32 uid, u32 gid)
{
    return (struct attr_change){ .valid = (uid != (u32)-1 ? ATTR_UID : 0) | (gid != (u32)-1 ? ATTR_GID : 0),
                                 .uid = uid,
                                 .gid = gid };
}

long sys_fchownat(int dirfd, const char __user *path, u32 uid, u32 gid, int flags)
{
    struct attr_change change = owner_change(uid, gid);
    u32 look = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    return flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) ? -EINVAL : change_at(dirfd, path, look, &change, false);
}

long sys_chown(const char __user *path, u32 uid, u32 gid) { return sys_fchownat(AT_FDCWD, path, uid, gid, 0); }
long sys_lchown(const char __user *path, u32 uid, u32 gid)
{
    return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long sys_fchown(int fd, u32 uid, u32 gid)
{
    struct attr_change change = owner_change(uid, gid);
    return change_fd(fd, &change, false);
}

static long size_change(s64 size, struct attr_change *ret_change)
{
    *ret_change = (struct attr_change){ .valid = ATTR_SIZE, .size = (u64)size };
    return size < 0 ? -EINVAL : 0;
}

long sys_truncate(const char __user *path, s64 size)
{
    struct attr_change change;
    long err = size_change(size, &change);
    return err ? err : change_at(AT_FDCWD, path, LOOKUP_FOLLOW, &change, false);
}

long sys_ftruncate(int fd, s64 size)
{
    struct attr_change change;
    long err = size_change(size, &change);
    struct file *file = err ? NULL : files_get(fd);
    if (!file)
        return err ? err : -EBADF;
    bool writable = file_writable(file);
    file_unref(file);
    return writable ? change_fd(fd, &change, false) : -EINVAL;
}

// Times are kept as nanoseconds in 64 bits: from 1677 to 2262. What lies beyond becomes the end of that, as Linux does
// with the ends of a file system's range.
static s64 to_ns(const struct __kernel_timespec *ts)
{
    const s64 most = INT64_MAX / NSEC_PER_SEC - 1;

    if (ts->tv_sec > most || ts->tv_sec < -most)
        return (ts->tv_sec > 0 ? most : -most) * NSEC_PER_SEC;
    return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

static long time_change(const struct __kernel_timespec times[2], struct attr_change *change)
{
    s64 now = time_realtime_ns();
    for (int i = 0; i < 2; i++) {
        s64 *to = i ? &change->mtime : &change->atime;
        if (times[i].tv_nsec == UTIME_OMIT)
            continue;
        change->valid |= i ? ATTR_MTIME : ATTR_ATIME;
        if (times[i].tv_nsec == UTIME_NOW)
            *to = now;
        else if (times[i].tv_nsec < 0 || times[i].tv_nsec >= NSEC_PER_SEC)
            return -EINVAL;
        else
            *to = to_ns(&times[i]);
    }
    return 0;
}

static long set_times(int dirfd, const char __user *path, const struct __kernel_timespec times[2], int flags)
{
    struct attr_change change = { 0 };
    u32 look = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    long err = time_change(times, &change);
    if (err || !change.valid)
        return err;
    bool now = times[0].tv_nsec == UTIME_NOW && times[1].tv_nsec == UTIME_NOW;
    return path || dirfd == AT_FDCWD ? change_at(dirfd, path, look, &change, now) : change_fd(dirfd, &change, now);
}

static const struct __kernel_timespec now_times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

long sys_utimensat(int dirfd, const char __user *path, const struct __kernel_timespec __user *user, int flags)
{
    struct __kernel_timespec times[2] = { now_times[0], now_times[1] };
    if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    if (user && copy_from_user(times, user, sizeof(times)))
        return -EFAULT;
    if (!path && dirfd != AT_FDCWD && flags)
        return -EINVAL;
    return set_times(dirfd, path, times, flags);
}

long sys_futimesat(int dirfd, const char __user *path, const struct __kernel_old_timeval __user *user)
{
    struct __kernel_old_timeval tv[2];
    struct __kernel_timespec times[2] = { now_times[0], now_times[1] };
    if (user) {
        if (copy_from_user(tv, user, sizeof(tv)))
            return -EFAULT;
        for (int i = 0; i < 2; i++) {
            if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
                return -EINVAL;
            times[i] = (struct __kernel_timespec){ tv[i].tv_sec, tv[i].tv_usec * 1000 };
        }
    }
    return set_times(dirfd, path, times, 0);
}

long sys_utimes(const char __user *path, const struct __kernel_old_timeval __user *user)
{
    return sys_futimesat(AT_FDCWD, path, user);
}

long sys_utime(const char __user *path, const s64 __user *user)
{
    s64 seconds[2];
    struct __kernel_timespec times[2] = { now_times[0], now_times[1] };
    if (user) {
        if (copy_from_user(seconds, user, sizeof(seconds)))
            return -EFAULT;
        for (int i = 0; i < 2; i++)
            times[i] = (struct __kernel_timespec){ seconds[i], 0 };
    }
    return set_times(AT_FDCWD, path, times, 0);
}

// What the mount forbids although the file allows it.
static long mount_allows(int dirfd, const char __user *path, int mode, u32 look)
{
    struct inode *inode;

    if (!(mode & 3) || user_inode(dirfd, path, look, &inode) != 0)
        return 0;
    bool kept = S_ISREG(inode->mode) || S_ISDIR(inode->mode) || S_ISLNK(inode->mode);
    bool read_only = (mode & 2) && kept && inode_may_change(inode);
    bool no_exec = (mode & 1) && S_ISREG(inode->mode) && inode_mount_flags(inode, MS_NOEXEC);
    inode_unref(inode);
    if (no_exec)
        return -EACCES;
    return read_only ? -EROFS : 0;
}

// access(2) asks for the real ids, and for the capabilities that their owner would have. Puts such credentials in place
// of the caller's for a while, where they differ; NULL with *ret_err 0: they do not.
static const struct cred *as_real_user(int *ret_err)
{
    const struct cred *own = current_cred();
    u64 effective = own->uid == 0 ? own->permitted : 0;

    *ret_err = 0;
    if (own->securebits & SECURE_NO_SETUID_FIXUP)
        effective = own->effective;
    if (own->fsuid == own->uid && own->fsgid == own->gid && own->effective == effective)
        return NULL;
    struct cred *real = cred_copy(own, NULL, 0);
    if (!real) {
        *ret_err = -ENOMEM;
        return NULL;
    }
    real->fsuid = own->uid;
    real->fsgid = own->gid;
    real->effective = effective;
    return thread_swap(cred, (const struct cred *)real);
}

static long access_as_current(int dirfd, const char __user *path, int mode, int flags)
{
    struct kstat st;
    long err = kstat_at(dirfd, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), &st);
    if (err || !mode)
        return err;
    u32 look = (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0);
    err = cred_permission(current_cred(), &st, (u32)mode);
    return err ? err : mount_allows(dirfd, path, mode, look);
}

static_assert(MAY_EXEC == 1 && MAY_WRITE == 2 && MAY_READ == 4); // as X_OK, W_OK and R_OK

static long access_at(int dirfd, const char __user *path, int mode, int flags)
{
    const struct cred *own = NULL;
    int err = 0;

    if ((mode & ~7) || (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
        return -EINVAL;
    if (!(flags & AT_EACCESS))
        own = as_real_user(&err);
    if (err)
        return err;
    long result = access_as_current(dirfd, path, mode, flags);
    if (own)
        cred_unref(thread_swap(cred, own));
    return result;
}

long sys_access(const char __user *path, int mode) { return access_at(AT_FDCWD, path, mode, 0); }
long sys_faccessat(int dirfd, const char __user *path, int mode) { return access_at(dirfd, path, mode, 0); }
long sys_faccessat2(int dirfd, const char __user *path, int mode, int flags)
{
    if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    return access_at(dirfd, path, mode, flags);
}

static long put_statfs(struct inode *inode, struct statfs __user *user)
{
    struct statfs st;
    memset(&st, 0, sizeof(st));
    long err = inode->ops->statfs ? inode->ops->statfs(inode, &st) : 0;
    if (!inode->ops->statfs) {
        st.f_bsize = st.f_frsize = 4096;
        st.f_namelen = 255;
    }
    st.f_flags = instance_statfs_flags(inode_mount_flags(inode, MOUNT_FLAGS));
    return err ? err : copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

long sys_statfs(const char __user *path, struct statfs __user *user)
{
    struct inode *inode;
    long err = user_inode(AT_FDCWD, path, LOOKUP_FOLLOW, &inode);
    if (err)
        return err;
    err = put_statfs(inode, user);
    inode_unref(inode);
    return err;
}

// Of a file without a name: Linux has it in a file system that is mounted nowhere.
static long put_nameless_statfs(const struct file *file, struct statfs __user *user)
{
    struct statfs st = { .f_type = S_ISSOCK(file->ops->type) ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC,
                         .f_bsize = PAGE_SIZE,
                         .f_frsize = PAGE_SIZE,
                         .f_namelen = 255 };
    return copy_to_user(user, &st, sizeof(st)) ? -EFAULT : 0;
}

long sys_fstatfs(int fd, struct statfs __user *user)
{
    struct file *file = files_get_path(fd);
    if (!file)
        return -EBADF;
    long err = file->inode ? put_statfs(file->inode, user) : put_nameless_statfs(file, user);
    file_unref(file);
    return err;
}
