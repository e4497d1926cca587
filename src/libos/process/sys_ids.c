// SPDX-License-Identifier: BSD-3-Clause
// Identities. Everything runs as root of its enclave: ids other than 0 are accepted where Linux would let root have
// them, and have no effect.
#include "base/string.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

long sys_getpid(void) { return current_process()->pid; }
long sys_gettid(void) { return current->tid; }

long sys_getppid(void)
{
    mutex_lock(&process_lock);
    long pid = current_process()->parent ? current_process()->parent->pid : 0;
    mutex_unlock(&process_lock);
    return pid;
}

long sys_getuid(void) { return 0; }
long sys_geteuid(void) { return 0; }
long sys_getgid(void) { return 0; }
long sys_getegid(void) { return 0; }
long sys_setuid(u32 id) { return id == 0 ? 0 : -EPERM; }
long sys_setgid(u32 id) { return id == 0 ? 0 : -EPERM; }

static long all_root(u32 a, u32 b, u32 c)
{
    return (a == 0 || a == (u32)-1) && (b == 0 || b == (u32)-1) && (c == 0 || c == (u32)-1) ? 0 : -EPERM;
}

long sys_setreuid(u32 real, u32 effective) { return all_root(real, effective, 0); }
long sys_setregid(u32 real, u32 effective) { return all_root(real, effective, 0); }
long sys_setresuid(u32 real, u32 effective, u32 saved) { return all_root(real, effective, saved); }
long sys_setresgid(u32 real, u32 effective, u32 saved) { return all_root(real, effective, saved); }
long sys_setfsuid(u32 id) { return 0; }
long sys_setfsgid(u32 id) { return 0; }

static long put_three(u32 __user *a, u32 __user *b, u32 __user *c)
{
    u32 root = 0;
    return put_user(root, a) || put_user(root, b) || put_user(root, c) ? -EFAULT : 0;
}

long sys_getresuid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    return put_three(real, effective, saved);
}
long sys_getresgid(u32 __user *real, u32 __user *effective, u32 __user *saved)
{
    return put_three(real, effective, saved);
}
long sys_getgroups(int size, u32 __user *list) { return size < 0 ? -EINVAL : 0; }
long sys_setgroups(size_t size, const u32 __user *list) { return size > 65536 ? -EINVAL : 0; }

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

long sys_capget(struct __user_cap_header_struct __user *header, struct __user_cap_data_struct __user *data)
{
    struct __user_cap_header_struct h;
    struct __user_cap_data_struct d[2] = { { ~0u, ~0u, 0 }, { 0x1ff, 0x1ff, 0 } };

    if (copy_from_user(&h, header, sizeof(h)))
        return -EFAULT;
    if (h.version != _LINUX_CAPABILITY_VERSION_3) {
        h.version = _LINUX_CAPABILITY_VERSION_3;
        return copy_to_user(header, &h, sizeof(h)) ? -EFAULT : data ? -EINVAL : 0;
    }
    return data && copy_to_user(data, d, sizeof(d)) ? -EFAULT : 0;
}

long sys_capset(struct __user_cap_header_struct __user *header, const struct __user_cap_data_struct __user *data)
{
    return 0;
}
