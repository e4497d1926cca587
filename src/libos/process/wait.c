// SPDX-License-Identifier: BSD-3-Clause
// wait4(2) and waitid(2).
#include "base/string.h"
#include "libos/process/pidfd.h"
#include "libos/process/process.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"

struct wait_request {
    int type; // P_ALL, P_PID, P_PGID, P_PIDFD
    const struct file *pidfd;
    u32 id;
    int options;
};

struct wait_result {
    u32 pid, uid;
    int code, status; // CLD_*, si_status
    int wait_status;
    struct rusage usage;
};

// Children that send another signal than SIGCHLD at their end are waited for with __WCLONE, the others without it;
// __WALL takes both (wait(2), "Linux notes").
static bool kind_matches(const struct wait_request *request, const struct process *child)
{
    bool of_clone = child->exit_signal != SIGCHLD;
    return (request->options & (int)__WALL) || of_clone == !!(request->options & (int)__WCLONE);
}

static bool matches(const struct wait_request *request, const struct process *child)
{
    if (!kind_matches(request, child))
        return false;
    if (request->type == P_PIDFD)
        return child == pidfd_process(request->pidfd);
    return request->type == P_ALL || (request->type == P_PID ? child->pid : child->pgid) == request->id;
}

void process_reap(struct process *child)
{
    usage_process_reaped(child->parent, child);
    list_del(&child->siblings);
    list_del(&child->all);
    process_free(child);
}

static bool take_event(const struct wait_request *request, struct process *child, struct wait_result *result)
{
    bool keep = request->options & WNOWAIT;

    struct cpu_usage usage = process_usage(child);
    usage_add(&usage, &child->ended_children);
    const struct cred *cred = process_cred(child);
    u32 uid = cred ? cred->uid : child->ended_uid;
    cred_unref(cred);
    *result = (struct wait_result){ .pid = child->pid,
                                    .uid = uid,
                                    .usage = usage_rusage(&usage, MAX(child->peak, child->children_peak)) };
    if (child->zombie && (request->options & WEXITED)) {
        int sig = child->wait_status & 0x7f;
        result->wait_status = child->wait_status;
        result->code = !sig ? CLD_EXITED : child->wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED;
        result->status = sig ? sig : child->wait_status >> 8;
        if (!keep)
            process_reap(child);
        return true;
    }
    if (child->stopped && !child->stop_reported && (request->options & WUNTRACED)) {
        result->wait_status = (child->stop_signal << 8) | 0x7f;
        result->code = CLD_STOPPED;
        result->status = child->stop_signal;
        child->stop_reported = !keep;
        return true;
    }
    if (child->continued && (request->options & WCONTINUED)) {
        result->wait_status = 0xffff;
        result->code = CLD_CONTINUED;
        result->status = SIGCONT;
        child->continued = keep;
        return true;
    }
    return false;
}

// 1: *result filled; 0: children match but none has news; -ECHILD. Takes the tree lock.
static int look(const struct wait_request *request, struct wait_result *result)
{
    struct process *child;
    int found = -ECHILD;

    mutex_lock(&process_lock);
    list_for_each (child, &current_process()->children, siblings) {
        if (!matches(request, child))
            continue;
        found = 0;
        if (take_event(request, child, result)) {
            found = 1;
            break;
        }
    }
    mutex_unlock(&process_lock);
    return found;
}

static int wait_for(const struct wait_request *request, struct wait_result *result)
{
    int found, err = 0;
    struct waiter waiter;

    waiter_init(&waiter);
    wait_add(&current_process()->child_events, &waiter);
    while ((found = look(request, result)) == 0 && !(request->options & WNOHANG) && !err)
        err = waiter_sleep(&waiter, WAIT_FOREVER);
    wait_remove(&current_process()->child_events, &waiter);
    if (found == 0 && err)
        return -ERESTARTSYS;
    return found;
}

long sys_wait4(int pid, int __user *status, int options, struct rusage __user *usage)
{
    struct wait_request request = { .type = P_PID, .id = (u32)pid, .options = options | WEXITED };
    struct wait_result result;

    if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | (int)__WNOTHREAD | (int)__WCLONE | (int)__WALL))
        return -EINVAL;
    if (pid == INT32_MIN)
        return -ESRCH; // has no positive counterpart
    if (pid == -1) {
        request.type = P_ALL;
    } else if (pid <= 0) {
        request.type = P_PGID;
        request.id = pid ? (u32)-pid : current_process()->pgid;
    }
    int found = wait_for(&request, &result);
    if (found <= 0)
        return found;
    if (status && put_user(result.wait_status, status))
        return -EFAULT;
    if (usage && copy_to_user(usage, &result.usage, sizeof(result.usage)))
        return -EFAULT;
    return result.pid;
}

// Checks and completes the request. *ret_pidfd: with a reference, or as it was.
static int waitid_whom(struct wait_request *request, int id, struct file **ret_pidfd)
{
    if (!(request->options & (WEXITED | WSTOPPED | WCONTINUED)))
        return -EINVAL;
    switch (request->type) {
    case P_ALL:
        return 0;
    case P_PID:
        return id > 0 ? 0 : -EINVAL;
    case P_PGID:
        if (id == 0)
            request->id = current_process()->pgid;
        return id >= 0 ? 0 : -EINVAL;
    case P_PIDFD: {
        int err = id >= 0 ? pidfd_get(id, false, ret_pidfd) : -EINVAL;
        request->pidfd = *ret_pidfd;
        return err;
    }
    default:
        return -EINVAL;
    }
}

long sys_waitid(int type, int id, void __user *info, int options, struct rusage __user *usage)
{
    struct wait_request request = { .type = type, .id = (u32)id, .options = options };
    struct file *pidfd = NULL;
    struct wait_result result = { 0 };
    siginfo_t out;

    if (options &
        ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | (int)__WNOTHREAD | (int)__WCLONE | (int)__WALL))
        return -EINVAL;
    int found = waitid_whom(&request, id, &pidfd);
    if (found)
        return found;
    if (pidfd && pidfd_nonblocking(pidfd))
        request.options |= WNOHANG;
    found = wait_for(&request, &result);
    if (found == 0 && request.options != options)
        found = -EAGAIN;
    if (pidfd)
        file_unref(pidfd);
    if (found < 0)
        return found;
    memset(&out, 0, sizeof(out));
    if (found) {
        out.si_signo = SIGCHLD;
        out.si_code = result.code;
        out.si_pid = (int)result.pid;
        out.si_uid = result.uid;
        out.si_status = result.status;
    }
    if (info && copy_to_user(info, &out, sizeof(out)))
        return -EFAULT;
    if (usage && found && copy_to_user(usage, &result.usage, sizeof(result.usage)))
        return -EFAULT;
    return 0;
}
