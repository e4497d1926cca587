// SPDX-License-Identifier: BSD-3-Clause
// The memory, files and folders of a process, seen from other processes.
#include "libos/process/process.h"
#include "libos/vm/fork.h"

// A thread changes what it holds at any time (execve, close_range, its end), so the pointer is read and the reference
// taken in one step under the lock under which it changes.
#define get_resource(process, member, take)                         \
    ({                                                              \
        struct thread *got_thread;                                  \
        typeof(got_thread->member) got = NULL;                      \
        list_for_each (got_thread, &(process)->threads, siblings) { \
            spin_lock(&got_thread->resources_lock);                 \
            if (got_thread->member)                                 \
                got = take(got_thread->member);                     \
            spin_unlock(&got_thread->resources_lock);               \
            if (got)                                                \
                break;                                              \
        }                                                           \
        got;                                                        \
    })

struct mm *process_get_mm(const struct process *process)
{
    mutex_assert_held(&process_lock);
    return get_resource(process, mm, mm_ref);
}

struct files *process_get_files(const struct process *process)
{
    mutex_assert_held(&process_lock);
    return get_resource(process, files, files_ref);
}

struct fs_context *process_get_fs(const struct process *process)
{
    mutex_assert_held(&process_lock);
    return get_resource(process, fs, fs_context_ref);
}

static void kick(const struct mm *mm)
{
    struct process *process;
    struct thread *thread;

    mutex_lock(&process_lock);
    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings)
            if (READ_ONCE(thread->mm) == mm && thread != current)
                thread_notify(thread, THREAD_YIELD);
    }
    mutex_unlock(&process_lock);
}

// Of the calling process, read without process_lock: whoever changes a limit meanwhile is before or after.
static u64 soft_limit(int resource) { return READ_ONCE(current_process()->limits[resource].rlim_cur); }

static void rlimits(u64 *ret_address_space, u64 *ret_data)
{
    *ret_address_space = soft_limit(RLIMIT_AS);
    *ret_data = soft_limit(RLIMIT_DATA);
}

static u64 size_limit(void) { return soft_limit(RLIMIT_FSIZE); }

void process_resources_init(void)
{
    vm_kick = kick;
    vm_rlimits = rlimits;
    fs_size_limit = size_limit;
}

// Threads of the user that the current thread is. With process_lock held.
static u64 threads_of_user(u32 uid)
{
    struct process *process;
    struct thread *thread;
    u64 count = 0;

    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings) {
            const struct cred *cred = thread_cred(thread);
            count += cred->uid == uid;
            cred_unref(cred);
        }
    }
    return count;
}

int process_may_clone(void)
{
    u32 uid = current_cred()->uid;
    u64 limit = soft_limit(RLIMIT_NPROC);

    if (!uid || limit == RLIM64_INFINITY || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
        return 0;
    mutex_lock(&process_lock);
    u64 count = threads_of_user(uid);
    mutex_unlock(&process_lock);
    return count >= limit ? -EAGAIN : 0;
}
