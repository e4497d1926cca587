// SPDX-License-Identifier: BSD-3-Clause
// What programs ask about the system and themselves.
#include <asm/prctl.h>
#include <linux/random.h>

#include "base/string.h"
#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"
#include "libos/signal/posix_timer.h"
#include "libos/syscall/prototypes.h"
#include "libos/time/time.h"
#include "libos/vm/user.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/random.h"

long sys_uname(struct new_utsname __user *user)
{
    static const struct new_utsname name = {
        .sysname = "Linux",
        .nodename = "occlum",
        .release = "6.1.0-occlum",
        .version = "#1 SMP Occlum LibOS",
        .machine = "x86_64",
        .domainname = "(none)",
    };
    return copy_to_user(user, &name, sizeof(name)) ? -EFAULT : 0;
}

long sys_arch_prctl(int code, u64 address)
{
    switch (code) {
    case ARCH_SET_FS:
        if (address >= enclave_layout.user_end)
            return -EPERM;
        return thread_set_fs(address);
    case ARCH_GET_FS:
        return put_user(current->fs_base, (u64 __user *)address) ? -EFAULT : 0;
    default:
        return -EINVAL; // %gs is the LibOS's; CET and the like are not offered
    }
}

// prlimit(2): of oneself, of a process of the same user, or with CAP_SYS_RESOURCE. With process_lock held.
static bool may_limit(struct process *process)
{
    const struct cred *own = current_cred();

    if (process == current_process() || cred_capable(own, CAP_SYS_RESOURCE))
        return true;
    const struct cred *theirs = process_cred(process);
    bool may = theirs && own->uid == theirs->uid && own->uid == theirs->euid && own->uid == theirs->suid &&
               own->gid == theirs->gid && own->gid == theirs->egid && own->gid == theirs->sgid;
    cred_unref(theirs);
    return may;
}

enum { NOFILE_MOST = 1 << 20 }; // fs.nr_open; a table grows to 65,536

static bool limit_allowed(u32 resource, const struct rlimit64 *old, const struct rlimit64 *new)
{
    if (resource == RLIMIT_NOFILE && new->rlim_max > NOFILE_MOST)
        return false;
    return new->rlim_max <= old->rlim_max || capable(CAP_SYS_RESOURCE);
}

// Exchanges a limit of a process. The descriptor table keeps its own copy of RLIMIT_NOFILE: *ret_files is to be told.
static long exchange_limit(u32 pid, u32 resource, const struct rlimit64 *new, struct rlimit64 *ret_old,
                           struct files **ret_files)
{
    long err = 0;

    mutex_lock(&process_lock);
    struct process *process = pid ? process_find(pid) : current_process();
    if (!process) {
        err = -ESRCH;
    } else if (!may_limit(process) || (new != NULL && !limit_allowed(resource, &process->limits[resource], new))) {
        err = -EPERM;
    } else {
        *ret_old = process->limits[resource];
        if (new) { // the process looks at the soft one without the lock
            WRITE_ONCE(process->limits[resource].rlim_cur, new->rlim_cur);
            process->limits[resource].rlim_max = new->rlim_max;
        }
        if (new != NULL && resource == RLIMIT_CPU)
            cpu_limit_set(process);
        if (new != NULL && resource == RLIMIT_NOFILE)
            *ret_files = process_get_files(process);
    }
    mutex_unlock(&process_lock);
    return err;
}

long sys_prlimit64(int pid, u32 resource, const struct rlimit64 __user *new, struct rlimit64 __user *old)
{
    struct rlimit64 limit = { 0 }, previous;
    struct files *files = NULL;

    if (new != NULL && copy_from_user(&limit, new, sizeof(limit)))
        return -EFAULT;
    if (resource >= RLIM_NLIMITS || limit.rlim_cur > limit.rlim_max)
        return -EINVAL;
    long err = exchange_limit((u32)pid, resource, new ? &limit : NULL, &previous, &files);
    bool counts = new != NULL &&resource == RLIMIT_CPU &&limit.rlim_cur != RLIM64_INFINITY;
    if (!err && counts && timer_thread_start() == 0)
        timer_thread_wake();
    if (files) {
        files_set_limit(files, limit.rlim_cur);
        files_unref(files);
    }
    if (!err && old && copy_to_user(old, &previous, sizeof(previous)))
        err = -EFAULT;
    return err;
}

long sys_getrlimit(u32 resource, struct rlimit64 __user *old)
{
    long err = sys_prlimit64(0, resource, NULL, old);
    return !err && !old ? -EFAULT : err;
}

long sys_setrlimit(u32 resource, const struct rlimit64 __user *new)
{
    return new ? sys_prlimit64(0, resource, new, NULL) : -EFAULT;
}

long sys_sysinfo(struct sysinfo __user *user)
{
    struct sysinfo info;
    struct vm_stats vm;
    struct process *process;

    memset(&info, 0, sizeof(info));
    vm_get_stats(&vm);
    info.uptime = time_monotonic_ns() / NSEC_PER_SEC;
    info.totalram = vm.limit;
    info.freeram = vm.limit - MIN(vm.committed, vm.limit);
    info.mem_unit = 1;
    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all)
        info.procs++;
    mutex_unlock(&process_lock);
    return copy_to_user(user, &info, sizeof(info)) ? -EFAULT : 0;
}

long sys_getrandom(void __user *buf, size_t size, u32 flags)
{
    u8 chunk[256];

    if ((flags & ~(u32)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) ||
        (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
        return -EINVAL;
    size = MIN(size, (size_t)INT32_MAX);
    for (size_t done = 0; done < size;) {
        size_t n = MIN(size - done, sizeof(chunk));
        random_bytes(chunk, n);
        if (copy_to_user((u8 __user *)buf + done, chunk, n))
            return done ? (long)done : -EFAULT;
        done += n;
    }
    return (long)size;
}

// Every thread is a host thread of its own: a barrier on all of them needs the host, which may not be trusted with it.
long sys_membarrier(int command, u32 flags, int cpu) { return command == 0 && !flags ? 0 : -EINVAL; }

// Faults are the library OS's own; nobody may handle those of others in its place.
long sys_userfaultfd(int flags) { return -EPERM; }

// personality(2): kept and told back; what it would change of addresses and system calls it does not.
long sys_personality(u32 persona)
{
    struct process *self = current_process();
    long old = self->personality;

    if (persona != UINT32_MAX)
        WRITE_ONCE(self->personality, persona);
    return old;
}
