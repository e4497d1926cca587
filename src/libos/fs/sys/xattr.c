// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes: no file system here keeps any. Programs that copy files ask for them and accept that there are
// none.
#include "libos/fs/file.h"
#include "libos/fs/sys/userpath.h"
#include "libos/syscall/prototypes.h"

static long on_path(const char __user *path, u32 look, long answer)
{
    struct inode *inode;
    long err = user_inode(AT_FDCWD, path, look, &inode);
    if (err)
        return err;
    inode_unref(inode);
    return answer;
}

static long on_fd(int fd, long answer)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    file_unref(file);
    return answer;
}

long sys_getxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
    return on_path(path, LOOKUP_FOLLOW, -EOPNOTSUPP);
}
long sys_lgetxattr(const char __user *path, const char __user *name, void __user *value, size_t size)
{
    return on_path(path, 0, -EOPNOTSUPP);
}
long sys_fgetxattr(int fd, const char __user *name, void __user *value, size_t size) { return on_fd(fd, -EOPNOTSUPP); }
long sys_listxattr(const char __user *path, char __user *list, size_t size) { return on_path(path, LOOKUP_FOLLOW, 0); }
long sys_llistxattr(const char __user *path, char __user *list, size_t size) { return on_path(path, 0, 0); }
long sys_flistxattr(int fd, char __user *list, size_t size) { return on_fd(fd, 0); }

long sys_setxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_path(path, LOOKUP_FOLLOW, -EOPNOTSUPP);
}

long sys_lsetxattr(const char __user *path, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_path(path, 0, -EOPNOTSUPP);
}

long sys_fsetxattr(int fd, const char __user *name, const void __user *value, size_t size, int flags)
{
    return on_fd(fd, -EOPNOTSUPP);
}
long sys_removexattr(const char __user *path, const char __user *name)
{
    return on_path(path, LOOKUP_FOLLOW, -EOPNOTSUPP);
}
long sys_lremovexattr(const char __user *path, const char __user *name) { return on_path(path, 0, -EOPNOTSUPP); }
long sys_fremovexattr(int fd, const char __user *name) { return on_fd(fd, -EOPNOTSUPP); }
