// SPDX-License-Identifier: BSD-3-Clause
// Calls that change or read names.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/fs/place.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

static long make_at(int dirfd, const char __user *path, u32 mode, u64 rdev)
{
    struct lookup l;
    struct inode *made;
    long err = user_lookup(dirfd, path, LOOKUP_NAME, &l);
    if (err)
        return err;
    if (l.inode || !l.name[0])
        err = -EEXIST;
    else if (l.must_be_dir && !S_ISDIR(mode))
        err = -ENOENT;
    else if (!l.parent->ops->create)
        err = -EROFS;
    else if (!(err = may_create(l.parent)))
        err = l.parent->ops->create(l.parent, l.name, mode & ~READ_ONCE(current->fs->umask), rdev, &made);
    if (!err) {
        inode_unref(made);
        notify_event(l.parent, IN_CREATE | (S_ISDIR(mode) ? IN_ISDIR : 0), 0, l.name);
    }
    lookup_done(&l);
    return err;
}

long sys_mkdirat(int dirfd, const char __user *path, u32 mode)
{
    return make_at(dirfd, path, S_IFDIR | (mode & 01777), 0);
}
long sys_mkdir(const char __user *path, u32 mode) { return sys_mkdirat(AT_FDCWD, path, mode); }

long sys_mknodat(int dirfd, const char __user *path, u32 mode, u32 rdev)
{
    switch (mode & S_IFMT) {
    case 0:
        mode |= S_IFREG;
        [[fallthrough]];
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
        return make_at(dirfd, path, mode, 0);
    case S_IFCHR:
    case S_IFBLK:
        // major in bits 8..19, minor in the others, of which inodes keep 20 (makedev(3))
        return make_at(dirfd, path, mode, rdev);
    case S_IFDIR:
        return -EPERM;
    default:
        return -EINVAL;
    }
}

long sys_mknod(const char __user *path, u32 mode, u32 rdev) { return sys_mknodat(AT_FDCWD, path, mode, rdev); }

// The last component as a name that can be removed. -errno for "/", "." and "..".
static long removable(const struct lookup *l, bool directory)
{
    if (l->last != LAST_NAME && !directory)
        return -EISDIR;
    if (l->last != LAST_NAME)
        return l->last == LAST_DOT ? -EINVAL : l->last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
    int err = inode_may_change(l->parent);
    if (err)
        return err;
    if (!l->inode)
        return -ENOENT;
    return l->inode->covered ? -EBUSY : 0;
}

long sys_unlinkat(int dirfd, const char __user *path, int flags)
{
    bool directory = flags & AT_REMOVEDIR;
    struct lookup l;

    if (flags & ~AT_REMOVEDIR)
        return -EINVAL;
    long err = user_lookup(dirfd, path, LOOKUP_NAME, &l);
    if (err)
        return err;
    err = removable(&l, directory);
    if (!err && !directory && l.must_be_dir)
        err = inode_is_dir(l.inode) ? -EISDIR : -ENOTDIR;
    if (!err)
        err = may_delete(l.parent, l.inode);
    if (!err && directory)
        err = l.parent->ops->rmdir ? l.parent->ops->rmdir(l.parent, l.name) : -EROFS;
    else if (!err)
        err = l.parent->ops->unlink ? l.parent->ops->unlink(l.parent, l.name) : -EROFS;
    if (!err) {
        place_removed(l.parent, l.name, l.inode);
        notify_unlinked(l.inode);
        notify_event(l.parent, IN_DELETE | (directory ? IN_ISDIR : 0), 0, l.name);
    }
    lookup_done(&l);
    return err;
}

long sys_unlink(const char __user *path) { return sys_unlinkat(AT_FDCWD, path, 0); }
long sys_rmdir(const char __user *path) { return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

static bool same_fs(const struct inode *a, const struct inode *b)
{
    return a->ops == b->ops && a->instance == b->instance;
}

// What the names alone rule out, in Linux's order.
static long may_rename(const struct lookup *from, const struct lookup *to, u32 flags)
{
    if (from->last != LAST_NAME)
        return -EBUSY;
    if (to->last != LAST_NAME)
        return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
    int err = inode_may_change(from->parent);
    if (err)
        return err;
    if (!from->inode)
        return -ENOENT;
    if (to->inode && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (!to->inode && (flags & RENAME_EXCHANGE))
        return -ENOENT;
    bool slash = from->must_be_dir || (to->must_be_dir && !(flags & RENAME_EXCHANGE));
    if (slash && !inode_is_dir(from->inode))
        return -ENOTDIR;
    if ((flags & RENAME_EXCHANGE) && to->must_be_dir && !inode_is_dir(to->inode))
        return -ENOTDIR;
    return from->inode->covered || (to->inode && to->inode->covered) ? -EBUSY : 0;
}

// Both folders lose or gain a name; a folder that gets another parent has its ".." changed.
static long rename_allowed(const struct lookup *from, const struct lookup *to, u32 flags)
{
    if (from->inode == to->inode)
        return 0;
    long err = may_delete(from->parent, from->inode);
    if (!err)
        err = to->inode ? may_delete(to->parent, to->inode) : may_create(to->parent);
    if (err || from->parent == to->parent)
        return err;
    if (inode_is_dir(from->inode))
        err = inode_permission(from->inode, MAY_WRITE);
    if (!err && (flags & RENAME_EXCHANGE) && inode_is_dir(to->inode))
        err = inode_permission(to->inode, MAY_WRITE);
    return err;
}

static void tell_places(const struct lookup *from, const struct lookup *to, u32 flags)
{
    if (to->inode && (flags & RENAME_EXCHANGE))
        place_moved(to->parent, to->name, to->inode, from->parent, from->name);
    else if (to->inode)
        place_removed(to->parent, to->name, to->inode);
    place_moved(from->parent, from->name, from->inode, to->parent, to->name);
}

static void tell_watchers(const struct lookup *from, const struct lookup *to, u32 flags)
{
    if (!notify_active())
        return;
    bool exchange = flags & RENAME_EXCHANGE;
    struct lookup back = *to, there = *from;
    notify_renamed(from, to);
    if (exchange)
        notify_renamed(&back, &there);
    else if (to->inode)
        notify_unlinked(to->inode);
    notify_event(from->inode, IN_MOVE_SELF, 0, NULL);
    if (exchange)
        notify_event(to->inode, IN_MOVE_SELF, 0, NULL);
}

long sys_renameat2(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath, u32 flags)
{
    struct lookup from, to;

    if ((flags & ~(u32)(RENAME_NOREPLACE | RENAME_EXCHANGE)) || flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
        return -EINVAL;
    long err = user_lookup(olddirfd, oldpath, LOOKUP_NAME, &from);
    if (err)
        return err;
    err = user_lookup(newdirfd, newpath, LOOKUP_NAME, &to);
    if (err) {
        lookup_done(&from);
        return err;
    }
    err = !same_fs(from.parent, to.parent) ? -EXDEV : may_rename(&from, &to, flags);
    if (!err)
        err = rename_allowed(&from, &to, flags);
    if (!err)
        err = from.parent->ops->rename ? from.parent->ops->rename(from.parent, from.name, to.parent, to.name, flags)
                                       : -EROFS;
    if (!err && from.inode != to.inode) {
        tell_places(&from, &to, flags);
        tell_watchers(&from, &to, flags);
    }
    lookup_done(&from);
    lookup_done(&to);
    return err;
}

long sys_renameat(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath)
{
    return sys_renameat2(olddirfd, oldpath, newdirfd, newpath, 0);
}

long sys_rename(const char __user *oldpath, const char __user *newpath)
{
    return sys_renameat2(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

// Links to files of others, as with fs.protected_hardlinks: to regular ones without set-id bits that the caller may
// read and write. 0 or -EPERM.
static int may_link(struct inode *inode)
{
    struct kstat st;
    int err = may_own(inode);
    if (!err)
        return 0;
    err = inode->ops->getattr(inode, &st);
    if (err)
        return err;
    bool set_id = (st.mode & S_ISUID) || (st.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
    return !S_ISREG(st.mode) || set_id || inode_permission(inode, MAY_READ | MAY_WRITE) ? -EPERM : 0;
}

long sys_linkat(int olddirfd, const char __user *oldpath, int newdirfd, const char __user *newpath, int flags)
{
    struct inode *inode;
    struct lookup to;

    if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
        return -EINVAL;
    long err = user_inode(olddirfd, oldpath,
                          (flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0),
                          &inode);
    if (err)
        return err;
    err = user_lookup(newdirfd, newpath, LOOKUP_NAME, &to);
    if (!err) {
        if (to.inode || !to.name[0])
            err = -EEXIST;
        else if (to.must_be_dir)
            err = -ENOENT;
        else if ((err = may_link(inode)) != 0)
            ;
        else if ((err = inode_may_change(to.parent)) != 0)
            ;
        else if (inode->ops != to.parent->ops)
            err = -EXDEV;
        else if ((err = may_create(to.parent)) != 0)
            ;
        else // a folder is refused by the file system: with -EPERM, but first with -ENOENT where the parent is gone
            err = to.parent->ops->link ? to.parent->ops->link(to.parent, to.name, inode) : -EROFS;
        if (!err) {
            notify_event(inode, IN_ATTRIB, 0, NULL);
            notify_event(to.parent, IN_CREATE, 0, to.name);
        }
        lookup_done(&to);
    }
    inode_unref(inode);
    return err;
}

long sys_link(const char __user *oldpath, const char __user *newpath)
{
    return sys_linkat(AT_FDCWD, oldpath, AT_FDCWD, newpath, 0);
}

long sys_symlinkat(const char __user *user_target, int dirfd, const char __user *path)
{
    struct lookup l;
    char *target = path_from_user(user_target);
    if (is_err(target))
        return ptr_err(target);
    long err = target[0] ? user_lookup(dirfd, path, LOOKUP_NAME, &l) : -ENOENT;
    if (!err) {
        if (l.inode || !l.name[0])
            err = -EEXIST;
        else if (l.must_be_dir)
            err = -ENOENT;
        else if (!(err = may_create(l.parent)))
            err = l.parent->ops->symlink ? l.parent->ops->symlink(l.parent, l.name, target) : -EROFS;
        if (!err)
            notify_event(l.parent, IN_CREATE, 0, l.name);
        lookup_done(&l);
    }
    kfree(target);
    return err;
}

long sys_symlink(const char __user *target, const char __user *path) { return sys_symlinkat(target, AT_FDCWD, path); }

long sys_readlinkat(int dirfd, const char __user *path, char __user *user, int size)
{
    struct inode *inode;

    if (size <= 0)
        return -EINVAL;
    long err = user_inode(dirfd, path, LOOKUP_EMPTY, &inode);
    if (err)
        return err;
    char *buf = kmalloc(4096), first = 0;
    if (!buf)
        err = -ENOMEM;
    else if (!S_ISLNK(inode->mode) || !inode->ops->readlink)
        err = copy_from_user(&first, path, 1) == 0 && first ? -EINVAL : -ENOENT;
    else
        err = inode->ops->readlink(inode, buf, MIN((size_t)size, (size_t)4096));
    if (err > 0 && copy_to_user(user, buf, (size_t)err))
        err = -EFAULT;
    kfree(buf);
    inode_unref(inode);
    return err;
}

long sys_readlink(const char __user *path, char __user *user, int size)
{
    return sys_readlinkat(AT_FDCWD, path, user, size);
}

long sys_getcwd(char __user *user, size_t size)
{
    char *buf = kmalloc(4096);
    if (!buf)
        return -ENOMEM;
    long n = fs_context_cwd(current->fs, buf, 4096);
    if (n == -ERANGE)
        n = -ENAMETOOLONG;
    else if (n >= 0 && (size_t)n + 1 > size)
        n = -ERANGE;
    if (n >= 0)
        n = copy_to_user(user, buf, (size_t)n + 1) ? -EFAULT : n + 1;
    kfree(buf);
    return n;
}

// Takes over the reference of inode.
static long set_directory(struct inode **place, struct inode *inode, bool allowed)
{
    struct fs_context *fs = current->fs;
    long err = inode_is_dir(inode) ? inode_permission(inode, MAY_EXEC) : -ENOTDIR;
    if (!err && !allowed)
        err = -EPERM;
    if (err) {
        inode_unref(inode);
        return err;
    }
    mutex_lock(&fs->lock);
    struct inode *old = *place;
    *place = inode;
    mutex_unlock(&fs->lock);
    inode_unref(old);
    return 0;
}

long sys_chdir(const char __user *path)
{
    struct inode *inode;
    long err = user_inode(AT_FDCWD, path, LOOKUP_FOLLOW, &inode);
    return err ? err : set_directory(&current->fs->cwd, inode, true);
}

long sys_fchdir(int fd)
{
    struct file *file = files_get_path(fd);
    if (!file)
        return -EBADF;
    long err = file->inode ? set_directory(&current->fs->cwd, inode_ref(file->inode), true) : -ENOTDIR;
    file_unref(file);
    return err;
}

long sys_chroot(const char __user *path)
{
    struct inode *inode;
    long err = user_inode(AT_FDCWD, path, LOOKUP_FOLLOW, &inode);
    return err ? err : set_directory(&current->fs->root, inode, capable(CAP_SYS_CHROOT));
}

long sys_umask(u32 mask) { return (long)__atomic_exchange_n(&current->fs->umask, mask & 0777, __ATOMIC_RELAXED); }

// One getdents64 record: u64 ino, s64 next, u16 size, u8 type, name.
struct user_sink {
    struct dir_sink sink;
    u8 *buf;
    size_t size, used;
    bool refused; // an entry did not fit
};

static int emit(struct dir_sink *sink, const char *name, size_t len, u64 ino, u32 type, u64 next)
{
    struct user_sink *s = container_of(sink, struct user_sink, sink);
    size_t record = ALIGN_UP(19 + len + 1, 8);
    u16 size = (u16)record;

    if (record > s->size - s->used) {
        s->refused = true;
        return 1;
    }
    u8 *at = s->buf + s->used;
    memset(at, 0, record);
    memcpy(at, &ino, 8);
    memcpy(at + 8, &next, 8);
    memcpy(at + 16, &size, 2);
    at[18] = (u8)type;
    memcpy(at + 19, name, len);
    s->used += record;
    return 0;
}

long sys_getdents64(int fd, void __user *user, u32 size)
{
    struct file *file = files_get(fd);
    struct user_sink s = { .sink.emit = emit, .size = MIN(size, 32u << 10) };
    long err;

    if (!file)
        return -EBADF;
    while (!(s.buf = kmalloc(s.size ? s.size : 1)) && s.size > 1024)
        s.size /= 2; // a full heap must not hide what could be removed
    if (!s.buf) {
        err = -ENOMEM;
    } else if (!file->ops->getdents) {
        err = -ENOTDIR;
    } else {
        mutex_lock(&file->offset_lock);
        err = file->ops->getdents(file, &s.sink, &file->offset);
        if (!err && !s.used && s.refused)
            err = -EINVAL; // not even one fits
        mutex_unlock(&file->offset_lock);
    }
    if (!err)
        err = copy_to_user(user, s.buf, s.used) ? -EFAULT : (long)s.used;
    if (err > 0)
        notify_file(file, IN_ACCESS);
    kfree(s.buf);
    file_unref(file);
    return err;
}
