// SPDX-License-Identifier: BSD-3-Clause
// openat2(2): flags that are not known are refused, and the way to the file can be confined.
#include "libos/fs/file.h"
#include "libos/fs/sys/userpath.h"
#include "libos/mem/heap.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

enum {
    SIZE_MIN = 24, // OPEN_HOW_SIZE_VER0
    FLAGS_OF_PATH = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
    FLAGS_KNOWN = O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC |
                  FASYNC | O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC | O_PATH |
                  O_TMPFILE,
    RESOLVE_KNOWN = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT |
                    RESOLVE_CACHED,
    MODE_KNOWN = 07777,
    TMPFILE_ALONE = O_TMPFILE & ~O_DIRECTORY,
};

// A struct of a later Linux may be longer: what is behind ours must be zero (-E2BIG).
static long how_from_user(const struct open_how __user *user, size_t size, struct open_how *how)
{
    u8 rest[64];

    if (size < SIZE_MIN)
        return -EINVAL;
    if (size > PAGE_SIZE)
        return -E2BIG;
    if (copy_from_user(how, user, sizeof(*how)))
        return -EFAULT;
    for (size_t at = sizeof(*how); at < size;) {
        size_t n = MIN(size - at, sizeof(rest));
        if (copy_from_user(rest, (const u8 __user *)user + at, n))
            return -EFAULT;
        for (size_t i = 0; i < n; i++)
            if (rest[i])
                return -E2BIG;
        at += n;
    }
    return 0;
}

static long check_how(const struct open_how *how)
{
    bool makes = how->flags & (O_CREAT | TMPFILE_ALONE);

    if ((how->flags & ~(u64)FLAGS_KNOWN) || (how->resolve & ~(u64)RESOLVE_KNOWN))
        return -EINVAL;
    if ((how->resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) == (RESOLVE_BENEATH | RESOLVE_IN_ROOT))
        return -EINVAL;
    if (makes ? how->mode & ~(u64)MODE_KNOWN : how->mode)
        return -EINVAL;
    if ((how->flags & O_PATH) && (how->flags & ~(u64)FLAGS_OF_PATH))
        return -EINVAL;
    if ((how->resolve & RESOLVE_CACHED) && (how->flags & (O_TRUNC | O_CREAT | TMPFILE_ALONE)))
        return -EAGAIN;
    return 0;
}

long sys_openat2(int dirfd, const char __user *user_path, const struct open_how __user *user, size_t size)
{
    struct open_how how;
    struct file *file;
    long err = how_from_user(user, size, &how);
    if (!err)
        err = check_how(&how);
    char *path = err ? err_ptr(err) : path_from_user(user_path);
    if (is_err(path))
        return ptr_err(path);
    err = open_at(dirfd, path, (u32)how.flags, (u32)how.mode, (u32)how.resolve, &file);
    kfree(path);
    if (err)
        return err;
    return files_give(file, 0, how.flags & O_CLOEXEC);
}
