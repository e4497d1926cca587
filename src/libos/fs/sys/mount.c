// SPDX-License-Identifier: BSD-3-Clause
// mount(2), umount2(2).
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/mount.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/thread/cred.h"
#include "libos/vm/user.h"

enum {
    PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE,
    OPTION_BYTES = PAGE_SIZE,
};

struct request {
    char *source, *type, *data; // NULL: not given
    u32 flags;
};

// A string that may be NULL. -EFAULT, -EINVAL: longer than a page.
static int take_string(const void __user *user, char **ret_text)
{
    *ret_text = NULL;
    if (!user)
        return 0;
    char *text = kmalloc(OPTION_BYTES);
    if (!text)
        return -ENOMEM;
    long n = strncpy_from_user(text, (const char __user *)user, OPTION_BYTES);
    if (n < 0) {
        kfree(text);
        return n == -ENAMETOOLONG ? -EINVAL : (int)n;
    }
    *ret_text = text;
    return 0;
}

static bool begins_fs(struct inode *inode) { return inode->instance && inode->instance->root == inode; }

// The directory's path for /proc/mounts, from the global root.
static char *path_of(struct inode *dir)
{
    char *buf = kmalloc(PATH_BYTES), *path = NULL;

    if (buf && inode_path(dir, buf, PATH_BYTES) >= 0)
        path = kstrdup(buf);
    kfree(buf);
    return path;
}

static int new_mount(struct inode *dir, const struct request *r)
{
    const char *type;
    struct inode *root = NULL;

    if (!r->type)
        return -EINVAL;
    mount_reap(); // what nobody holds any more may be mounted again
    int err = mount_make(r->type, r->source, r->data, &root, &type);
    if (!err && !inode_is_dir(dir))
        err = -ENOTDIR;
    char *target = err ? NULL : path_of(dir);
    if (!err && !target)
        err = -ENOMEM;
    if (!err)
        err = instance_set_flags(root->instance, r->flags & MOUNT_FLAGS);
    if (!err) {
        err = mount_attach(dir, root, r->source && *r->source ? r->source : "none", target, type);
        root = err ? root : NULL;
    }
    if (err && root && root->instance->ops->destroy)
        root->instance->ops->destroy(root->instance);
    kfree(target);
    return err;
}

// What the flags ask for, in Linux's order (path_mount).
static int act(struct inode *dir, const struct request *r)
{
    if (r->flags & MS_REMOUNT)
        return mount_reflag(dir, r->flags & MOUNT_FLAGS);
    if (r->flags & (MS_BIND | MS_MOVE)) // an inode has one place
        return -EINVAL;
    if (r->flags & PROPAGATION) { // there is one name space, so each kind is the same
        u32 kind = r->flags & ~(u32)(MS_REC | MS_SILENT);
        return (kind & ~(u32)PROPAGATION) || (kind & (kind - 1)) || !begins_fs(dir) ? -EINVAL : 0;
    }
    return new_mount(dir, r);
}

long sys_mount(const char __user *source, const char __user *target, const char __user *type, u64 flags,
               const void __user *data)
{
    struct request r = { .flags = (u32)flags };
    struct inode *dir;

    if ((r.flags & MS_MGC_MSK) == MS_MGC_VAL)
        r.flags &= ~(u32)MS_MGC_MSK;
    long err = take_string(type, &r.type);
    if (!err)
        err = take_string(source, &r.source);
    if (!err)
        err = take_string(data, &r.data);
    if (!err)
        err = user_inode(AT_FDCWD, target, LOOKUP_FOLLOW, &dir);
    if (!err) {
        if (r.flags & (u32)MS_NOUSER)
            err = -EINVAL;
        else
            err = capable(CAP_SYS_ADMIN) ? act(dir, &r) : -EPERM;
        inode_unref(dir);
    }
    kfree(r.type);
    kfree(r.source);
    kfree(r.data);
    return err;
}

long sys_umount2(const char __user *target, int flags)
{
    struct inode *root;

    if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
        return -EINVAL;
    long err = user_inode(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW, &root);
    if (err)
        return err;
    if (!capable(CAP_SYS_ADMIN)) {
        inode_unref(root);
        return -EPERM;
    }
    if (!begins_fs(root) || ((flags & MNT_EXPIRE) && (flags & (MNT_FORCE | MNT_DETACH)))) {
        inode_unref(root);
        return -EINVAL;
    }
    return mount_detach(root, (u32)flags);
}
