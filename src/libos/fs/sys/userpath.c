// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/vm/user.h"

char *path_from_user(const char __user *user)
{
    char *path = kmalloc(PATH_BYTES);
    if (!path)
        return err_ptr(-ENOMEM);
    long n = strncpy_from_user(path, user, PATH_BYTES);
    if (n < 0) {
        kfree(path);
        return err_ptr(n);
    }
    return path;
}

int user_lookup(int dirfd, const char __user *user, u32 flags, struct lookup *ret_lookup)
{
    char *path = path_from_user(user);
    if (is_err(path))
        return (int)ptr_err(path);
    int err = path_lookup(dirfd, path, flags, ret_lookup);
    kfree(path);
    return err;
}

int user_inode(int dirfd, const char __user *user, u32 flags, struct inode **ret_inode)
{
    char *path = path_from_user(user);
    if (is_err(path))
        return (int)ptr_err(path);
    int err = path_inode(dirfd, path, flags, ret_inode);
    kfree(path);
    return err;
}
