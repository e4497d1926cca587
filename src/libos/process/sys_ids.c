// SPDX-License-Identifier: BSD-3-Clause
// Processes, their groups and sessions by number.
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current->tid; }

long sys_getppid(void)
{
    mutex_lock(&process_lock);
    long pid = current_process()->parent ? current_process()->parent->pid : 0;
    mutex_unlock(&process_lock);
    return pid;
}

static struct process *by_pid_or_self(u32 pid) { return pid ? process_find(pid) : current_process(); }

long sys_getpgid(int pid)
{
    mutex_lock(&process_lock);
    struct process *process = by_pid_or_self((u32)pid);
    long result = process ? (long)process->pgid : -ESRCH;
    mutex_unlock(&process_lock);
    return result;
}

long sys_getpgrp(void) { return sys_getpgid(0); }

long sys_getsid(int pid)
{
    mutex_lock(&process_lock);
    struct process *process = by_pid_or_self((u32)pid);
    long result = process ? (long)process->sid : -ESRCH;
    mutex_unlock(&process_lock);
    return result;
}

long sys_setsid(void)
{
    struct process *self = current_process(), *other;
    long result = (long)self->pid;

    mutex_lock(&process_lock);
    list_for_each (other, &process_all, all) {
        if (other->pgid == self->pid)
            result = -EPERM;
    }
    if (result > 0)
        self->sid = self->pgid = self->pid;
    mutex_unlock(&process_lock);
    return result;
}

// Is there such a group in the session? With process_lock held.
static bool group_exists(u32 pgid, u32 sid)
{
    mutex_assert_held(&process_lock);
    struct process *process;
    list_for_each (process, &process_all, all) {
        if (process->pgid == pgid && process->sid == sid)
            return true;
    }
    return false;
}

// setpgid(2): of the caller or a child that has not yet called execve, to a group of its own or one of the session.
static long move_to_group(struct process *process, u32 pgid)
{
    struct process *self = current_process();

    if (!process || (process != self && process->parent != self))
        return -ESRCH;
    if (process->sid != self->sid)
        return -EPERM;
    if (process != self && process->execed)
        return -EACCES;
    if (process->sid == process->pid || (pgid != process->pid && !group_exists(pgid, self->sid)))
        return -EPERM;
    process->pgid = pgid;
    return 0;
}

long sys_setpgid(int pid, int pgid)
{
    if (pgid < 0)
        return -EINVAL;
    mutex_lock(&process_lock);
    struct process *process = by_pid_or_self((u32)pid);
    u32 own = process ? process->pid : 0;
    long err = move_to_group(process, pgid ? (u32)pgid : own);
    mutex_unlock(&process_lock);
    return err;
}
