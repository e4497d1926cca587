// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/pidfd.h"
#include "libos/fs/poll.h"
#include "libos/fs/procfs.h"
#include "libos/mem/heap.h"
#include "libos/process/cred.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

#include <linux/pidfd.h>

// Of one process and all the descriptors that stand for it.
struct process_handle {
    u32 refs;                // atomic
    struct process *process; // guarded by process_lock; NULL: reaped
    bool ended, gone;        // atomic: it is a zombie; it is reaped
    struct wait_queue changed;
};

static void put_handle(struct process_handle *handle)
{
    if (__atomic_sub_fetch(&handle->refs, 1, __ATOMIC_ACQ_REL) == 0)
        kfree(handle);
}

static void release(struct file *file) { put_handle(file->private); }

static u32 poll(struct file *file, struct poll_table *table)
{
    struct process_handle *handle = file->private;

    poll_wait(table, &handle->changed);
    bool gone = __atomic_load_n(&handle->gone, __ATOMIC_ACQUIRE);
    bool ended = gone || __atomic_load_n(&handle->ended, __ATOMIC_ACQUIRE);
    return (ended ? POLLIN | POLLRDNORM : 0) | (gone ? POLLHUP : 0);
}

static void describe(struct file *file, struct proc_text *text)
{
    const struct process_handle *handle = file->private;
    mutex_lock(&process_lock);
    int pid = handle->process ? (int)handle->process->pid : -1;
    mutex_unlock(&process_lock);
    proc_print(text, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static const struct file_ops pidfd_ops = {
    .poll = poll, .describe = describe, .release = release, .stream = true, .unmoved = true
};

static struct process_handle *handle_of(struct process *process)
{
    if (process->handle)
        return process->handle;
    struct process_handle *handle = kzalloc(sizeof(*handle));
    if (!handle)
        return NULL;
    handle->refs = 1; // the process's
    handle->process = process;
    handle->ended = process->zombie;
    wait_queue_init(&handle->changed);
    process->handle = handle;
    return handle;
}

int pidfd_make(struct process *process, u32 flags, struct file **ret_file)
{
    struct process_handle *handle = handle_of(process);
    struct file *file;

    if (!handle)
        return -ENOMEM;
    int err = file_alloc(NULL, O_RDWR | flags, &file);
    if (err)
        return err;
    __atomic_fetch_add(&handle->refs, 1, __ATOMIC_RELAXED);
    file->private = handle;
    file->ops = &pidfd_ops;
    file->path = kstrdup("anon_inode:[pidfd]");
    *ret_file = file;
    return 0;
}

int pidfd_get(int fd, bool proc_too, struct file **ret_file)
{
    struct file *file = files_get(fd);

    if (!file)
        return -EBADF;
    if (file->ops != &pidfd_ops && !(proc_too && procfs_process_of(file))) {
        file_unref(file);
        return -EBADF;
    }
    *ret_file = file;
    return 0;
}

bool pidfd_nonblocking(const struct file *file) { return file->flags & O_NONBLOCK; }

struct process *pidfd_process(const struct file *file)
{
    if (file->ops == &pidfd_ops)
        return ((const struct process_handle *)file->private)->process;
    return process_find(procfs_process_of(file));
}

void pidfd_tell(struct process *process)
{
    if (!process->handle)
        return;
    __atomic_store_n(&process->handle->ended, true, __ATOMIC_RELEASE);
    wake_up_all(&process->handle->changed);
}

void pidfd_forget(struct process *process)
{
    struct process_handle *handle = process->handle;

    if (!handle)
        return;
    process->handle = NULL;
    handle->process = NULL;
    __atomic_store_n(&handle->gone, true, __ATOMIC_RELEASE);
    wake_up_all(&handle->changed);
    put_handle(handle);
}

long sys_pidfd_open(int pid, u32 flags)
{
    struct file *file;

    if (pid <= 0 || (flags & ~(u32)PIDFD_NONBLOCK))
        return -EINVAL;
    mutex_lock(&process_lock);
    struct process *process = process_find((u32)pid);
    long err = process                         ? pidfd_make(process, flags & O_NONBLOCK, &file)
               : process_find_thread((u32)pid) ? -EINVAL
                                               : -ESRCH;
    mutex_unlock(&process_lock);
    if (err)
        return err;
    return files_give(file, 0, true);
}

static long chosen_info(siginfo_t *info, const siginfo_t __user *user, int signo, bool self)
{
    int named;

    if (get_user(named, &user->si_signo))
        return -EFAULT;
    return named == signo ? signal_info_from_user(info, user, signo, self) : -EINVAL;
}

long sys_pidfd_send_signal(int fd, int signo, const siginfo_t __user *user, u32 flags)
{
    struct file *file;
    siginfo_t info;

    if (flags || signo < 0 || signo > SIGNALS)
        return -EINVAL;
    long err = pidfd_get(fd, true, &file);
    if (err)
        return err;
    mutex_lock(&process_lock);
    const struct process *process = pidfd_process(file);
    bool self = process == current_process();
    mutex_unlock(&process_lock);
    if (user)
        err = chosen_info(&info, user, signo, self);
    else
        info = signal_sender_info(SI_USER);
    mutex_lock(&process_lock);
    if (!err) // it may be gone meanwhile, but not be another one
        err = pidfd_process(file) ? signal_send_checked(pidfd_process(file), NULL, signo, &info) : -ESRCH;
    mutex_unlock(&process_lock);
    file_unref(file);
    return err;
}

// The file behind a descriptor of another process, referenced.
static long foreign_file(struct file *pidfd, int wanted, struct file **ret_file)
{
    struct files *files = NULL;

    mutex_lock(&process_lock);
    struct process *process = pidfd_process(pidfd);
    long err = process && !process->zombie ? may_look_into(process) : -ESRCH;
    if (!err)
        files = process_get_files(process);
    mutex_unlock(&process_lock);
    if (err)
        return err;
    if (!files)
        return -ESRCH;
    *ret_file = NULL;
    int found = files_next(files, wanted, ret_file);
    files_unref(files);
    if (found == wanted)
        return 0;
    if (*ret_file)
        file_unref(*ret_file);
    return -EBADF;
}

long sys_pidfd_getfd(int fd, int wanted, u32 flags)
{
    struct file *pidfd, *file;

    if (flags)
        return -EINVAL;
    long err = pidfd_get(fd, false, &pidfd);
    if (err)
        return err;
    err = wanted < 0 ? -EBADF : foreign_file(pidfd, wanted, &file);
    file_unref(pidfd);
    if (err)
        return err;
    int got = files_install(file, 0, true);
    if (got < 0)
        file_unref(file);
    return got;
}
