// SPDX-License-Identifier: BSD-3-Clause
// inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2), and reading events.
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/fs/poll.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/thread.h"
#include "libos/vm/user.h"

#include <asm/ioctls.h>

enum {
    FLAGS = IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE | IN_MASK_ADD | IN_ISDIR | IN_UNMOUNT |
            IN_Q_OVERFLOW | IN_IGNORED,
};

// As many whole events as there is room for. 0: there are none.
static long read_some(struct notify_instance *instance, struct uio *uio)
{
    struct inotify_event *event;
    long done = 0, n;

    while ((n = notify_next(instance, uio->left, &event)) > 0) {
        int err = uio_put(uio, event, (size_t)n);
        kfree(event);
        if (err)
            return done ? done : -EFAULT;
        done += n;
    }
    return done ? done : n;
}

static long inotify_read(struct file *file, struct uio *uio, u64 *offset)
{
    struct notify_instance *instance = file->private;
    long n;

    while (!(n = read_some(instance, uio))) {
        if (file->flags & O_NONBLOCK)
            return -EAGAIN;
        if (wait_event(&notify_readable, notify_pending(instance), WAIT_FOREVER))
            return -ERESTARTSYS;
    }
    return n;
}

static u32 inotify_poll(struct file *file, struct poll_table *table)
{
    struct notify_instance *instance = file->private;
    poll_wait(table, &notify_readable);
    return notify_pending(instance) ? POLLIN | POLLRDNORM : 0;
}

static long inotify_ioctl(struct file *file, u32 command, u64 argument)
{
    if (command != FIONREAD)
        return -ENOTTY;
    return put_user((int)notify_pending(file->private), (int __user *)argument) ? -EFAULT : 0;
}

static void inotify_release(struct file *file) { notify_destroy(file->private); }

static const struct file_ops inotify_ops = { .read = inotify_read,
                                             .poll = inotify_poll,
                                             .ioctl = inotify_ioctl,
                                             .release = inotify_release,
                                             .stream = true,
                                             .unmoved = true };

long sys_inotify_init1(int flags)
{
    struct notify_instance *instance;
    struct file *file;

    if (flags & ~(O_CLOEXEC | O_NONBLOCK))
        return -EINVAL;
    int err = notify_create(&instance);
    if (err)
        return err;
    err = file_alloc(NULL, O_RDONLY | ((u32)flags & O_NONBLOCK), &file);
    if (err) {
        notify_destroy(instance);
        return err;
    }
    file->ops = &inotify_ops;
    file->private = instance;
    file->path = kstrdup("anon_inode:inotify");
    return files_give(file, 0, flags & O_CLOEXEC);
}

long sys_inotify_init(void) { return sys_inotify_init1(0); }

// The instance of a descriptor, or NULL and why.
static struct file *instance_get(int fd, long *ret_err)
{
    struct file *file = files_get(fd);
    *ret_err = 0;
    if (file && file->ops == &inotify_ops)
        return file;
    *ret_err = file ? -EINVAL : -EBADF;
    if (file)
        file_unref(file);
    return NULL;
}

static long add_watch(struct notify_instance *instance, const char __user *path, u32 mask)
{
    struct inode *inode;

    if ((mask & (IN_MASK_ADD | IN_MASK_CREATE)) == (IN_MASK_ADD | IN_MASK_CREATE))
        return -EINVAL;
    long err = user_inode(AT_FDCWD, path, mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW, &inode);
    if (err)
        return err;
    if ((mask & IN_ONLYDIR) && !inode_is_dir(inode))
        err = -ENOTDIR;
    if (!err)
        err = inode_permission(inode, MAY_READ);
    if (!err)
        err = notify_watch(instance, inode, mask);
    inode_unref(inode);
    return err;
}

long sys_inotify_add_watch(int fd, const char __user *path, u32 mask)
{
    long err;

    if (!(mask & (IN_ALL_EVENTS | (u32)IN_ONESHOT | FLAGS)))
        return -EINVAL;
    struct file *file = instance_get(fd, &err);
    if (!file)
        return err;
    err = add_watch(file->private, path, mask);
    file_unref(file);
    return err;
}

long sys_inotify_rm_watch(int fd, int number)
{
    long err;
    struct file *file = instance_get(fd, &err);
    if (!file)
        return err;
    err = notify_unwatch(file->private, number);
    file_unref(file);
    return err;
}
