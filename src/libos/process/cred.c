// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/cred.h"
#include "libos/process/process.h"

static bool subset(u64 part, u64 whole) { return !(part & ~whole); }

void process_set_cred(struct cred *new)
{
    const struct cred *old = current_cred();
    struct process *process = current_process();
    bool other = old->euid != new->euid || old->egid != new->egid || old->fsuid != new->fsuid ||
                 old->fsgid != new->fsgid || !subset(new->permitted, old->permitted);

    if (other) {
        mutex_lock(&process_lock);
        process->undumpable = true;
        process->death_signal = 0;
        mutex_unlock(&process_lock);
    }
    cred_set(new);
}

const struct cred *process_cred(const struct process *process)
{
    struct thread *thread;
    list_for_each (thread, &process->threads, siblings)
        return thread_cred(thread);
    return NULL;
}

bool may_signal(struct process *process, int signo)
{
    const struct cred *own = current_cred();

    if (process == current_process() || cred_capable(own, CAP_KILL))
        return true;
    if (signo == SIGCONT && process->sid == current_process()->sid)
        return true;
    const struct cred *theirs = process_cred(process);
    u32 real = theirs ? theirs->uid : process->ended_uid, saved = theirs ? theirs->suid : real;
    cred_unref(theirs);
    return own->euid == saved || own->euid == real || own->uid == saved || own->uid == real;
}

int may_look_into(struct process *process)
{
    const struct cred *own = current_cred();

    if (process == current_process())
        return 0;
    const struct cred *theirs = process_cred(process);
    if (!theirs)
        return -ESRCH;
    bool same = own->fsuid == theirs->uid && own->fsuid == theirs->euid && own->fsuid == theirs->suid &&
                own->fsgid == theirs->gid && own->fsgid == theirs->egid && own->fsgid == theirs->sgid;
    bool may = (same && !process->undumpable && subset(theirs->permitted, own->permitted)) ||
               cred_capable(own, CAP_SYS_PTRACE);
    cred_unref(theirs);
    return may ? 0 : -EPERM;
}
