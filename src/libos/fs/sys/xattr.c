// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes (xattr(7), setxattr(2) and its relatives). What file systems keep of them are whole names and
// values; which names there may be is decided here.
#include <linux/capability.h>
#include <linux/xattr.h>

#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { NAME_BYTES = XATTR_NAME_MAX + 1 };

struct attribute_name {
    char text[NAME_BYTES];
};

static long name_from_user(struct attribute_name *name, const char __user *user)
{
    long n = strncpy_from_user(name->text, user, NAME_BYTES);
    if (n == 0 || n == -ENAMETOOLONG)
        return -ERANGE;
    return n < 0 ? n : 0;
}

// Users' attributes: what may be done to the contents; in a sticky folder only by its owner.
static long may_touch_user(struct inode *inode, bool write)
{
    struct kstat st;

    // There are none on links and devices, where they would be no owner's.
    if (!S_ISREG(inode->mode) && !S_ISDIR(inode->mode))
        return write ? -EPERM : -ENODATA;
    if (write && S_ISDIR(inode->mode)) {
        int err = inode->ops->getattr(inode, &st);
        if (!err && (st.mode & S_ISVTX))
            err = may_own(inode);
        if (err)
            return err;
    }
    return inode_permission(inode, write ? MAY_WRITE : MAY_READ);
}

// xattr(7): of trusted.* nobody else knows, security.* everybody may read.
static long may_touch(struct inode *inode, const char *name, bool write)
{
    if (str_starts(name, XATTR_SECURITY_PREFIX)) {
        u32 needed = str_eq(name, XATTR_NAME_CAPS) ? CAP_SETFCAP : CAP_SYS_ADMIN;
        return !write || capable(needed) ? 0 : -EPERM;
    }
    if (str_starts(name, XATTR_SYSTEM_PREFIX))
        return 0;
    if (str_starts(name, XATTR_TRUSTED_PREFIX)) {
        if (capable(CAP_SYS_ADMIN))
            return 0;
        return write ? -EPERM : -ENODATA;
    }
    if (str_starts(name, XATTR_USER_PREFIX))
        return may_touch_user(inode, write);
    return inode_permission(inode, write ? MAY_WRITE : MAY_READ);
}

// The value of security.capability as Linux wants it, though no file has capabilities here.
static bool is_capability(const u8 *value, size_t size)
{
    u32 magic;

    if (size < sizeof(magic))
        return false;
    memcpy(&magic, value, sizeof(magic));
    magic &= ~(u32)VFS_CAP_FLAGS_EFFECTIVE;
    return (size == XATTR_CAPS_SZ_2 && magic == VFS_CAP_REVISION_2) ||
           (size == XATTR_CAPS_SZ_3 && magic == VFS_CAP_REVISION_3);
}

// Who asks may; then -EOPNOTSUPP for what is of no kind that is kept, -EINVAL without a name behind the kind.
static long check_kind(struct inode *inode, const char *name, bool write)
{
    static const char *const kinds[] = { XATTR_USER_PREFIX, XATTR_TRUSTED_PREFIX, XATTR_SECURITY_PREFIX };

    if (write && inode_may_change(inode))
        return -EROFS;
    long err = may_touch(inode, name, write);
    if (err)
        return err;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (str_starts(name, kinds[i]))
            return name[strlen(kinds[i])] ? 0 : -EINVAL;
    return -EOPNOTSUPP;
}

// One call: on what, and what of it.
struct request {
    enum { GET, SET, LIST, REMOVE } what;
    const char __user *name;
    const void __user *value; // or where it goes
    size_t size;
    int flags;
};

static long get(struct inode *inode, const struct request *r, const char *name)
{
    size_t size = MIN(r->size, (size_t)XATTR_SIZE_MAX);
    long err = check_kind(inode, name, false);
    if (err)
        return err;
    if (!inode->ops->get_xattr)
        return -EOPNOTSUPP;
    void *buf = size ? kmalloc(size) : NULL;
    if (size && !buf)
        return -ENOMEM;
    long n = inode->ops->get_xattr(inode, name, buf, size);
    if (n > 0 && size && copy_to_user((void __user *)(uintptr_t)r->value, buf, (size_t)n))
        n = -EFAULT;
    if (n == -ERANGE && r->size >= XATTR_SIZE_MAX)
        n = -E2BIG;
    kfree(buf);
    return n;
}

// Takes out the names that only CAP_SYS_ADMIN knows of; what is left.
static long without_trusted(char *names, long n)
{
    long kept = 0;

    for (long at = 0, len; at < n; at += len) {
        len = (long)strlen(names + at) + 1;
        if (str_starts(names + at, XATTR_TRUSTED_PREFIX))
            continue;
        memmove(names + kept, names + at, (size_t)len);
        kept += len;
    }
    return kept;
}

// The names that the caller may know, in a buffer to be freed. Their length, or -errno.
static long list_all(struct inode *inode, char **ret_names)
{
    char *names = kmalloc(XATTR_LIST_MAX);
    long n = names ? inode->ops->list_xattr(inode, names, XATTR_LIST_MAX) : -ENOMEM;

    if (n > 0 && !capable(CAP_SYS_ADMIN))
        n = without_trusted(names, n);
    *ret_names = names;
    return n;
}

static long list(struct inode *inode, const struct request *r)
{
    size_t size = MIN(r->size, (size_t)XATTR_LIST_MAX);
    char *buf;

    if (!inode->ops->list_xattr)
        return 0;
    long n = list_all(inode, &buf);
    if (n > 0 && size && (size_t)n > size)
        n = -ERANGE;
    if (n > 0 && size && copy_to_user((void __user *)(uintptr_t)r->value, buf, (size_t)n))
        n = -EFAULT;
    if (n == -ERANGE && r->size >= XATTR_LIST_MAX)
        n = -E2BIG;
    kfree(buf);
    return n;
}

static long set(struct inode *inode, const struct request *r, const char *name)
{
    if (r->size > XATTR_SIZE_MAX)
        return -E2BIG;
    void *value = kmalloc(r->size + 1);
    if (!value)
        return -ENOMEM;
    long err = r->size && copy_from_user(value, r->value, r->size) ? -EFAULT : 0;
    if (!err && str_eq(name, XATTR_NAME_CAPS) && !is_capability(value, r->size))
        err = -EINVAL;
    if (!err)
        err = check_kind(inode, name, true);
    if (!err)
        err = inode->ops->set_xattr ? inode->ops->set_xattr(inode, name, value, r->size, r->flags) : -EOPNOTSUPP;
    kfree(value);
    return err;
}

static long remove(struct inode *inode, const char *name)
{
    long err = check_kind(inode, name, true);
    if (err)
        return err;
    return inode->ops->set_xattr ? inode->ops->set_xattr(inode, name, NULL, 0, 0) : -EOPNOTSUPP;
}

static long serve(struct inode *inode, const struct request *r)
{
    struct attribute_name name;
    if (r->what == LIST)
        return list(inode, r);
    if (r->what == SET && (r->flags & ~(XATTR_CREATE | XATTR_REPLACE)))
        return -EINVAL;
    long err = name_from_user(&name, r->name);
    if (err)
        return err;
    switch (r->what) {
    case GET:
        return get(inode, r, name.text);
    case SET:
        return set(inode, r, name.text);
    default:
        return remove(inode, name.text);
    }
}

static long on_path(const char __user *path, u32 look, const struct request *r)
{
    struct inode *inode;
    long err = user_inode(AT_FDCWD, path, look, &inode);
    if (err)
        return err;
    err = serve(inode, r);
    if (!err && (r->what == SET || r->what == REMOVE))
        notify_event(inode, IN_ATTRIB | (inode_is_dir(inode) ? IN_ISDIR : 0), 0, NULL);
    inode_unref(inode);
    return err;
}

// The answer for a file that can have no attributes: -EOPNOTSUPP, or as xattr(7) says of those of users.
static long of_nothing(const struct request *r)
{
    char prefix[5];

    if (copy_from_user(prefix, r->name, sizeof(prefix)))
        return -EFAULT;
    if (memcmp(prefix, "user.", sizeof(prefix)))
        return -EOPNOTSUPP;
    return r->what == GET ? -ENODATA : -EPERM;
}

static long on_fd(int fd, const struct request *r)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    // Attributes of users are of files and folders only; what has no inode here has none.
    long result = 0;
    if (file->inode)
        result = serve(file->inode, r);
    else if (r->what != LIST)
        result = of_nothing(r);
    if (!result && (r->what == SET || r->what == REMOVE))
        notify_file(file, IN_ATTRIB);
    file_unref(file);
    return result;
}

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
    return on_path(path, LOOKUP_FOLLOW, &(struct request){ GET, name, value, size, 0 });
}

long sys_lgetxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
    return on_path(path, 0, &(struct request){ GET, name, value, size, 0 });
}

long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size)
{
    return on_fd(fd, &(struct request){ GET, name, value, size, 0 });
}

long sys_listxattr(const char __user *path, char __user *user, size_t size)
{
    return on_path(path, LOOKUP_FOLLOW, &(struct request){ LIST, NULL, user, size, 0 });
}

long sys_llistxattr(const char __user *path, char __user *user, size_t size)
{
    return on_path(path, 0, &(struct request){ LIST, NULL, user, size, 0 });
}

long sys_flistxattr(int fd, char __user *user, size_t size)
{
    return on_fd(fd, &(struct request){ LIST, NULL, user, size, 0 });
}

long sys_setxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_path(path, LOOKUP_FOLLOW, &(struct request){ SET, name, value, size, flags });
}

long sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_path(path, 0, &(struct request){ SET, name, value, size, flags });
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_fd(fd, &(struct request){ SET, name, value, size, flags });
}

long sys_removexattr(const char __user *path, const char __user *name)
{
    return on_path(path, LOOKUP_FOLLOW, &(struct request){ REMOVE, name, NULL, 0, 0 });
}

long sys_lremovexattr(const char __user *path, const char __user *name)
{
    return on_path(path, 0, &(struct request){ REMOVE, name, NULL, 0, 0 });
}

long sys_fremovexattr(int fd, const char __user *name)
{
    return on_fd(fd, &(struct request){ REMOVE, name, NULL, 0, 0 });
}
