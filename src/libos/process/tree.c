// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/process.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/process/pidfd.h"
#include "libos/time/time.h"
#include "trusted/layout.h"

enum { MAX_ID = 4 << 20 };

struct mutex process_lock = MUTEX_INIT(LOCK_PROCESS);
struct list_head process_all = LIST_INIT(process_all);
struct process *process_first;
u64 process_made;
u32 process_last_id;

static void default_limits(struct process *process)
{
    const struct occlum_config *config = enclave_config();

    for (int i = 0; i < RLIM_NLIMITS; i++)
        process->limits[i] = (struct rlimit64){ RLIM64_INFINITY, RLIM64_INFINITY };
    process->limits[RLIMIT_STACK].rlim_cur = config->default_stack_size;
    process->limits[RLIMIT_NICE] = process->limits[RLIMIT_RTPRIO] = (struct rlimit64){ 0, 0 };
    process->limits[RLIMIT_MSGQUEUE] = (struct rlimit64){ 819200, 819200 };
    process->limits[RLIMIT_MEMLOCK] = (struct rlimit64){ 8 << 20, 8 << 20 };
    process->limits[RLIMIT_CORE].rlim_cur = 0;
    process->limits[RLIMIT_NOFILE] = (struct rlimit64){ 1024, 65536 };
    process->limits[RLIMIT_NPROC] = (struct rlimit64){ enclave_layout.slots_max, enclave_layout.slots_max };
    process->limits[RLIMIT_SIGPENDING] = (struct rlimit64){ 1024, 1024 };
}

static void inherit(struct process *process, struct process *parent)
{
    process->undumpable = parent->undumpable;
    process->no_new_privs = parent->no_new_privs;
    process->timer_slack = parent->timer_slack;
    process->oom_score_adj = parent->oom_score_adj;
    process->personality = parent->personality;
    process->layout = parent->layout;
    process->environ = kmalloc(parent->environ_size + 1);
    if (process->environ && parent->environ) {
        memcpy(process->environ, parent->environ, parent->environ_size);
        process->environ_size = parent->environ_size;
    }
    memcpy(process->limits, parent->limits, sizeof(process->limits));
    process->exe = parent->exe ? kstrdup(parent->exe) : NULL; // the LibOS's own process has none
    process->cmdline = kmalloc(parent->cmdline_size + 1);
    if (process->cmdline && parent->cmdline) {
        memcpy(process->cmdline, parent->cmdline, parent->cmdline_size);
        process->cmdline_size = parent->cmdline_size;
    }
}

int process_create(struct process *parent, u32 exit_signal, struct process **ret_process)
{
    struct process *process = kzalloc(sizeof(*process));
    if (!process)
        return -ENOMEM;
    list_init(&process->children);
    list_init(&process->siblings);
    list_init(&process->all);
    list_init(&process->threads);
    wait_queue_init(&process->child_events);
    wait_queue_init(&process->thread_gone);
    wait_queue_init(&process->resumed);
    // Before others can find it: a signal may come at once.
    signals_init(&process->signals, parent && !parent->own ? &parent->signals : NULL);
    process->start_ns = time_monotonic_ns();
    process->exit_signal = exit_signal;
    if (parent)
        inherit(process, parent);
    else
        default_limits(process);
    mutex_lock(&process_lock);
    process->pid = process_new_id();
    process_made++;
    process->pgid = process->sid = process->pid;
    process->parent = parent;
    if (parent) { // as it is at this moment: setsid and setpgid come under the same lock
        if (!parent->own) {
            process->pgid = parent->pgid;
            process->sid = parent->sid;
        }
        if (parent->tty)
            process_tty.inherit(process, parent);
        list_add_tail(&process->siblings, &parent->children);
    }
    list_add_tail(&process->all, &process_all);
    mutex_unlock(&process_lock);
    *ret_process = process;
    return 0;
}

void process_free(struct process *process)
{
    pidfd_forget(process);
    signals_free(&process->signals);
    kfree(process->exe);
    kfree(process->cmdline);
    kfree(process->environ);
    kfree(process);
}

struct process *process_find(u32 pid)
{
    mutex_assert_held(&process_lock);
    struct process *process;
    list_for_each (process, &process_all, all) {
        if (process->pid == pid)
            return process;
    }
    return NULL;
}

struct thread *process_find_thread(u32 tid)
{
    mutex_assert_held(&process_lock);
    struct process *process;
    struct thread *thread;
    list_for_each (process, &process_all, all) {
        list_for_each (thread, &process->threads, siblings) {
            if (thread->tid == tid)
                return thread;
        }
    }
    return NULL;
}

// Also as that of a group or session, which may outlive the process it was named after.
static bool id_in_use(u32 id)
{
    struct process *process;
    list_for_each (process, &process_all, all) {
        if (process->pid == id || process->pgid == id || process->sid == id)
            return true;
    }
    return process_find_thread(id) != NULL;
}

u32 process_new_id(void)
{
    mutex_assert_held(&process_lock);
    do {
        process_last_id = process_last_id % MAX_ID + 1;
    } while (id_in_use(process_last_id));
    return process_last_id;
}

static u32 threads; // of all processes

u32 process_threads(void) { return __atomic_load_n(&threads, __ATOMIC_ACQUIRE); }

bool process_drop_thread(struct process *process)
{
    mutex_assert_held(&process_lock);
    __atomic_fetch_sub(&threads, 1, __ATOMIC_RELEASE);
    return __atomic_sub_fetch(&process->thread_count, 1, __ATOMIC_RELEASE) == 0;
}

void process_add_thread(struct process *process, struct thread *thread)
{
    mutex_assert_held(&process_lock);
    thread->process = process;
    list_add_tail(&thread->siblings, &process->threads);
    __atomic_fetch_add(&process->thread_count, 1, __ATOMIC_RELAXED);
    process->live_count++;
    __atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED);
    // A thread that joins a dying process, or one whose other thread is in execve, dies at once.
    if (process->exiting || process->execing || process_all_ending())
        slot_set_pending(thread->wake, THREAD_EXIT);
    // What was sent before the process had a thread found nobody to notify.
    if (signals_waiting(&process->signals, ~0ull))
        slot_set_pending(thread->wake, THREAD_SIGNAL);
}

void process_remove_thread(struct process *process, struct thread *thread)
{
    mutex_lock(&process_lock);
    list_del(&thread->siblings);
    (void)process_drop_thread(process);
    process->live_count--;
    mutex_unlock(&process_lock);
}

void process_unlink(struct process *process)
{
    mutex_lock(&process_lock);
    list_del(&process->siblings);
    list_del(&process->all);
    if (process->tty)
        process_tty.drop(process);
    process_free(process);
    mutex_unlock(&process_lock);
}
