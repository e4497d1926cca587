// SPDX-License-Identifier: BSD-3-Clause
// execve(2) and execveat(2) with what they take from the program's memory.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/process/strings.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum { PATH_SIZE = 4096, FD_PREFIX = 32 }; // the latter: "/dev/fd/N/"

static long exec_user(const char *path, const u64 __user *user_argv, const u64 __user *user_envp)
{
    char **argv = NULL, **envp = NULL;

    int err = strings_from_user(user_argv, &argv);
    if (!err)
        err = strings_from_user(user_envp, &envp);
    if (!err)
        err = process_exec(path, argv, envp);
    strings_free(argv);
    strings_free(envp);
    return err;
}

long sys_execve(const char __user *user_path, const u64 __user *argv, const u64 __user *envp)
{
    char *path = kmalloc(PATH_SIZE);
    if (!path)
        return -ENOMEM;
    long err = strncpy_from_user(path, user_path, PATH_SIZE);
    if (err >= 0)
        err = exec_user(path, argv, envp);
    kfree(path);
    return err;
}

// Makes the name that a program started by execveat has, and scripts get, on Linux too: /dev/fd/N, /dev/fd/N/NAME. path
// has the given name from FD_PREFIX on; *ret_path is where the whole begins.
static int name_by_fd(int dirfd, char *path, char **ret_path)
{
    char *given = path + FD_PREFIX, prefix[FD_PREFIX];

    *ret_path = given;
    if (*given == '/' || (*given && dirfd == AT_FDCWD))
        return 0;
    struct file *file = dirfd == AT_FDCWD ? NULL : files_get_path(dirfd);
    if (!file && dirfd != AT_FDCWD)
        return -EBADF;
    if (file)
        file_unref(file);
    if (dirfd == AT_FDCWD) // and no name: the working folder
        return -EACCES;
    size_t n = fmt_format(prefix, sizeof(prefix), *given ? "/dev/fd/%d/" : "/dev/fd/%d", dirfd);
    memcpy(given - n, prefix, n);
    *ret_path = given - n;
    return 0;
}

static int check_no_link(const char *path)
{
    struct file *file;
    int err = file_open(path, O_PATH | O_NOFOLLOW, 0, &file);
    if (err)
        return err;
    bool link = S_ISLNK(file->inode->mode);
    file_unref(file);
    return link ? -ELOOP : 0;
}

long sys_execveat(int dirfd, const char __user *user_path, const u64 __user *argv, const u64 __user *envp, int flags)
{
    char *buf, *path;

    if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
        return -EINVAL;
    buf = kmalloc(FD_PREFIX + PATH_SIZE);
    if (!buf)
        return -ENOMEM;
    long err = strncpy_from_user(buf + FD_PREFIX, user_path, PATH_SIZE);
    bool empty = err == 0;
    if (empty && !(flags & AT_EMPTY_PATH))
        err = -ENOENT;
    if (err >= 0)
        err = name_by_fd(dirfd, buf, &path);
    if (err >= 0 && !empty && (flags & AT_SYMLINK_NOFOLLOW))
        err = check_no_link(path);
    if (err >= 0)
        err = exec_user(path, argv, envp);
    kfree(buf);
    return err;
}
