// SPDX-License-Identifier: BSD-3-Clause
// pipe(2) and pipe2(2).
#include "libos/ipc/pipe.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

static int install(struct file *file, u32 flags) { return files_give(file, 0, flags & O_CLOEXEC); }

long sys_pipe2(int __user *user, int flags)
{
    struct file *ends[2];
    int fds[2];

    if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT))
        return -EINVAL;
    int err = pipe_create((u32)flags, ends);
    if (err)
        return err;
    fds[0] = install(ends[0], (u32)flags);
    if (fds[0] < 0) {
        file_unref(ends[1]);
        return fds[0];
    }
    fds[1] = install(ends[1], (u32)flags);
    if (fds[1] < 0) {
        (void)!files_close(fds[0]);
        return fds[1];
    }
    if (!copy_to_user(user, fds, sizeof(fds)))
        return 0;
    (void)!files_close(fds[0]);
    (void)!files_close(fds[1]);
    return -EFAULT;
}

long sys_pipe(int __user *user) { return sys_pipe2(user, 0); }
