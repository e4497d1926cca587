// SPDX-License-Identifier: BSD-3-Clause
// unshare(2), setns(2): there are no namespaces but the first ones; tables and folders that clone shared are told
// apart.
#include "libos/fs/file.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"

enum {
    NAMESPACES =
        CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP,
    ALONE = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, // what only a process of one thread has for itself
};

long sys_unshare(u64 flags)
{
    struct files *files = NULL;
    struct fs_context *fs = NULL;

    if (flags & ~(u64)(NAMESPACES | ALONE | CLONE_NEWTIME | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM))
        return -EINVAL;
    if ((flags & ALONE) && READ_ONCE(current_process()->live_count) > 1)
        return -EINVAL;
    if (flags & (NAMESPACES | CLONE_NEWTIME))
        return -EPERM;
    int err = flags & CLONE_FILES ? files_own(current->files, &files) : 0;
    if (!err && (flags & CLONE_FS))
        err = fs_context_copy(current->fs, &fs);
    if (fs)
        fs_context_unref(thread_swap(fs, fs));
    if (files && !err)
        files_unref(thread_swap(files, files));
    else if (files)
        files_unref(files);
    return err;
}

long sys_setns(int fd, int type)
{
    struct file *file = files_get(fd);
    if (!file)
        return -EBADF;
    file_unref(file);
    return -EINVAL; // no descriptor is one of a namespace
}

long sys_restart_syscall(void) { return -EINTR; } // the LibOS restarts calls by their own number
