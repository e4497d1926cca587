// SPDX-License-Identifier: BSD-3-Clause
// Sessions and process groups (setsid(2), setpgid(2), credentials(7)). Everything under process_lock.
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"

struct process_tty_ops process_tty;

static struct process *by_pid_or_self(u32 pid) { return pid ? process_find(pid) : current_process(); }

int group_signal(u32 pgid, int signo)
{
    struct process *process;
    int err = -ESRCH;

    mutex_assert_held(&process_lock);
    list_for_each (process, &process_all, all) {
        if (process->pgid != pgid)
            continue;
        err = 0;
        if (!process->zombie)
            (void)signal_send(process, NULL, signo, NULL);
    }
    return err;
}

u32 group_session(u32 pgid)
{
    struct process *process;

    list_for_each (process, &process_all, all) {
        if (process->pgid == pgid)
            return process->sid;
    }
    return 0;
}

bool group_is_orphaned(u32 pgid, const struct process *ignored)
{
    struct process *process;

    list_for_each (process, &process_all, all) {
        if (process->pgid != pgid || process == ignored || process->zombie)
            continue;
        if (process->outside)
            return false;
        if (process->parent && process->parent->pgid != pgid && process->parent->sid == process->sid)
            return false;
    }
    return true;
}

static bool has_stopped(u32 pgid)
{
    struct process *process;

    list_for_each (process, &process_all, all) {
        if (process->pgid == pgid && process->stopped)
            return true;
    }
    return false;
}

void group_left(u32 pgid, u32 sid, const struct process *parent, const struct process *ignored)
{
    if (!parent || parent->pgid == pgid || parent->sid != sid)
        return; // it was none that kept the group from being orphaned
    if (!group_is_orphaned(pgid, ignored) || !has_stopped(pgid))
        return;
    group_signal(pgid, SIGHUP);
    group_signal(pgid, SIGCONT);
}

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
    struct process *self = current_process();
    long result = (long)self->pid;

    mutex_lock(&process_lock);
    if (group_session(self->pid)) {
        result = -EPERM;
    } else {
        self->sid = self->pgid = self->pid;
        self->tty_old_group = 0;
        self->outside = false;
        if (self->tty)
            process_tty.drop(self);
    }
    mutex_unlock(&process_lock);
    return result;
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
    if (process->sid == process->pid || (pgid != process->pid && group_session(pgid) != self->sid))
        return -EPERM;
    process->pgid = pgid;
    return 0;
}

long sys_setpgid(int pid, int pgid)
{
    if (pgid < 0 || (!pgid && pid < 0))
        return -EINVAL;
    mutex_lock(&process_lock);
    struct process *process = by_pid_or_self((u32)pid);
    u32 own = process ? process->pid : 0;
    long err = move_to_group(process, pgid ? (u32)pgid : own);
    mutex_unlock(&process_lock);
    return err;
}
