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

void process_resources_init(void) { vm_kick = kick; }
