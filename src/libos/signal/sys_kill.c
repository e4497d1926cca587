// SPDX-License-Identifier: BSD-3-Clause
// System calls that send.
#include "base/string.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

siginfo_t signal_sender_info(int code)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = code;
    info.si_pid = (int)current_process()->pid;
    info.si_uid = current_cred()->uid;
    return info;
}

int signal_send_checked(struct process *process, struct thread *thread, int signo, const siginfo_t *info)
{
    if (signo < 0 || signo > SIGNALS)
        return -EINVAL;
    if (!may_signal(process, signo))
        return -EPERM;
    return signo && !process->zombie ? signal_send(process, thread, signo, info) : 0;
}

// Whether kill(2) of pid means the process. With process_lock held.
static bool is_meant(const struct process *process, int pid)
{
    mutex_assert_held(&process_lock);
    if (pid > 0)
        return process->pid == (u32)pid;
    if (pid == 0)
        return process->pgid == current_process()->pgid;
    if (pid == -1)
        return process != current_process() && process != process_first;
    return process->pgid == (u32)-pid;
}

// pid > 0: that process; 0: the caller's group; -1: all others; < -1: a group.
static long send_by_pid(int pid, int signo, const siginfo_t *info)
{
    struct process *process;
    long err = -ESRCH;
    bool sent = false;

    if (pid == INT32_MIN)
        return -ESRCH; // has no positive counterpart
    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all) {
        if (!is_meant(process, pid))
            continue;
        long one = signal_send_checked(process, NULL, signo, info);
        sent |= one == 0;
        if (pid != -1 || one != -EPERM) // who means all others does not mean those of other users
            err = one;
    }
    mutex_unlock(&process_lock);
    return sent ? 0 : err;
}

long sys_kill(int pid, int signo)
{
    siginfo_t info = signal_sender_info(SI_USER);
    return send_by_pid(pid, signo, &info);
}

static long send_to_thread(int tgid, int tid, int signo, const siginfo_t *info)
{
    if (tid <= 0 || tgid == 0 || tgid < -1)
        return -EINVAL;
    mutex_lock(&process_lock);
    struct thread *thread = process_find_thread((u32)tid);
    long err = -ESRCH;
    if (thread && (tgid == -1 || thread->process->pid == (u32)tgid))
        err = signal_send_checked(thread->process, thread, signo, info);
    mutex_unlock(&process_lock);
    return err;
}

long sys_tgkill(int tgid, int tid, int signo)
{
    siginfo_t info = signal_sender_info(SI_TKILL);
    return tgid <= 0 ? -EINVAL : send_to_thread(tgid, tid, signo, &info);
}

long sys_tkill(int tid, int signo)
{
    siginfo_t info = signal_sender_info(SI_TKILL);
    return send_to_thread(-1, tid, signo, &info);
}

int signal_info_from_user(siginfo_t *info, const siginfo_t __user *user, int signo, bool self)
{
    if (copy_from_user(info, user, sizeof(*info)))
        return -EFAULT;
    if ((info->si_code >= 0 || info->si_code == SI_TKILL) && !self)
        return -EPERM;
    info->si_signo = signo;
    return 0;
}

long sys_rt_sigqueueinfo(int pid, int signo, const siginfo_t __user *user)
{
    siginfo_t info;
    int err = signal_info_from_user(&info, user, signo, (u32)pid == current_process()->pid);
    if (err)
        return err;
    return pid > 0 ? send_by_pid(pid, signo, &info) : -ESRCH; // a process, no group
}

long sys_rt_tgsigqueueinfo(int tgid, int tid, int signo, const siginfo_t __user *user)
{
    siginfo_t info;
    int err = signal_info_from_user(&info, user, signo, (u32)tgid == current_process()->pid);
    return err ? err : tgid <= 0 ? -EINVAL : send_to_thread(tgid, tid, signo, &info);
}
