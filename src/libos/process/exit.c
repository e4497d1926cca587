// SPDX-License-Identifier: BSD-3-Clause
// How threads and processes end.
#include "base/string.h"
#include "libos/ipc/sysv.h"
#include "libos/process/futex.h"
#include "libos/process/pidfd.h"
#include "libos/process/process.h"
#include "libos/thread/cred.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/fork.h"
#include "libos/vm/user.h"

void process_kill_collect(struct process *process, int wait_status, struct wake_list *list)
{
    mutex_assert_held(&process_lock);
    struct thread *thread;

    if (!process->exiting) {
        process->exiting = true;
        process->wait_status = wait_status;
    }
    WRITE_ONCE(process->stopped, false);
    list_for_each (thread, &process->threads, siblings)
        thread_notify_collect(thread, THREAD_EXIT, list);
    wake_collect_all(&process->resumed, list);
}

void process_kill(struct process *process, int wait_status)
{
    struct wake_list list;

    wake_list_init(&list);
    mutex_lock(&process_lock);
    process_kill_collect(process, wait_status, &list);
    mutex_unlock(&process_lock);
    wake_list_flush(&list);
}

int process_kill_siblings(void)
{
    struct process *process = current_process();
    struct wake_list list;
    struct thread *thread;

    wake_list_init(&list);
    mutex_lock(&process_lock);
    if (process->exiting || process->execing) { // of two threads in execve the first wins
        mutex_unlock(&process_lock);
        return -EINTR;
    }
    process->execing = true;
    list_for_each (thread, &process->threads, siblings)
        if (thread != current)
            thread_notify_collect(thread, THREAD_EXIT, &list);
    mutex_unlock(&process_lock);
    wake_list_flush(&list);

    struct waiter waiter;
    waiter_init(&waiter);
    wait_add(&process->thread_gone, &waiter);
    while (__atomic_load_n(&process->thread_count, __ATOMIC_ACQUIRE) > 1)
        waiter_sleep_uninterruptible(&waiter, WAIT_FOREVER);
    wait_remove(&process->thread_gone, &waiter);
    mutex_lock(&process_lock);
    process->execing = false;
    mutex_unlock(&process_lock);
    return 0;
}

static void release_vfork(struct process *child)
{
    if (!child->vfork)
        return;
    __atomic_store_n(&child->vfork->child, NULL, __ATOMIC_RELAXED);
    wake_up_all(&child->vfork->done);
    child->vfork = NULL;
}

void process_vfork_release(struct process *child)
{
    mutex_lock(&process_lock);
    release_vfork(child);
    mutex_unlock(&process_lock);
}

void process_vfork_begin(struct process *child, struct vfork_wait *wait)
{
    wait->child = child;
    wait_queue_init(&wait->done);
    child->vfork = wait;
}

// Uninterruptible as on Linux, except that a killed parent goes.
void process_vfork_wait(struct vfork_wait *wait)
{
    struct waiter waiter;
    waiter_init(&waiter);
    wait_add(&wait->done, &waiter);
    while (READ_ONCE(wait->child) && !(thread_pending(current) & THREAD_EXIT))
        waiter_sleep_uninterruptible(&waiter, WAIT_FOREVER);
    wait_remove(&wait->done, &waiter);
    mutex_lock(&process_lock); // the child may be on its way through release_vfork
    if (wait->child)
        wait->child->vfork = NULL;
    mutex_unlock(&process_lock);
}

// Who gets the children of a process: its nearest ancestor that asked for them (PR_SET_CHILD_SUBREAPER), or the first
// process.
static struct process *heir_of(const struct process *process)
{
    struct process *heir = process->parent;
    while (heir && heir != process_first && (!heir->subreaper || heir->zombie || heir->exiting))
        heir = heir->parent;
    return heir ? heir : process_first;
}

// The end of a process: its children get a new parent, its own parent hears of it. With process_lock held.
static void become_zombie(struct process *process)
{
    mutex_assert_held(&process_lock);
    struct process *child, *next, *parent = process->parent, *heir = heir_of(process);

    list_for_each_safe (child, next, &process->children, siblings) {
        list_del(&child->siblings);
        child->parent = heir;
        child->exit_signal = SIGCHLD; // whatever it was to tell its maker
        list_add_tail(&child->siblings, &heir->children);
        group_left(child->pgid, child->sid, process, NULL);
        if (child->zombie)
            wake_up_all(&heir->child_events);
        else if (child->death_signal)
            signal_send(child, NULL, child->death_signal, NULL);
    }
    process->zombie = true;
    group_left(process->pgid, process->sid, parent, process);
    if (process->tty)
        process_tty.drop(process);
    pidfd_tell(process);
    release_vfork(process);
    if (parent) {
        signal_child_event(parent, process);
        if (signals_discard_children(&parent->signals) && process->exit_signal == SIGCHLD) {
            list_del(&process->siblings);
            list_del(&process->all);
            process_free(process);
        }
        wake_up_all(&parent->child_events);
    }
}

static void clear_child_tid(struct thread *thread)
{
    u32 zero = 0;
    if (thread->clear_child_tid && copy_to_user((void __user *)thread->clear_child_tid, &zero, sizeof(zero)) == 0)
        futex_wake(thread->clear_child_tid, 1, FUTEX_BITSET_MATCH_ANY);
}

void process_thread_exit(int wait_status)
{
    struct thread *thread = current;
    struct process *process = thread->process;

    robust_list_exit(thread);
    clear_child_tid(thread);
    mutex_lock(&process_lock);
    // Counted down in one step with the look at it: of threads that end together exactly one is the last.
    bool last = --process->live_count == 0;
    if (!process->exiting && last) {
        process->exiting = true;
        process->wait_status = wait_status;
    }
    mutex_unlock(&process_lock);

    if (last)
        sem_process_ends(process->pid);
    // Files are closed before the parent hears of the end, so that it sees their effects.
    files_unref(thread_swap(files, NULL));
    fs_context_unref(thread_swap(fs, NULL));
    if (last && process == process_first)
        process_shutdown(process->wait_status);
    if (last && process->client)
        (void)sys_sync(); // who started it finds on the disk what it wrote
    if (last) {
        mutex_lock(&process_lock);
        process_tty.leader_ends(process);
        mutex_unlock(&process_lock);
    }
    struct vm_rss rss = { 0 };
    if (last && thread->mm) // one that could not start has none
        mm_get_rss(thread->mm, &rss);
    struct mm *mm = thread_swap(mm, NULL);
    vm_thread_ends(mm, thread->away);
    mm_unref(mm);
    mutex_lock(&process_lock);
    usage_thread_ends(process, thread);
    process->ended_uid = current_cred()->uid;
    memcpy(process->name, thread->name, sizeof(process->name));
    process->peak = MAX(process->peak, rss.peak);
    list_del(&thread->siblings);
    signal_retarget(process, thread, ~0ull); // it may have been told of signals it no longer takes
    signals_thread_free(thread);
    bool gone = process_drop_thread(process);
    wake_up_all(&process->thread_gone);
    if (gone)
        become_zombie(process);
    mutex_unlock(&process_lock);
    futex_owner_ends(thread->tid);
    process_thread_left();
    thread_exit();
}

long sys_exit(int status) { process_thread_exit((status & 0xff) << 8); }

long sys_exit_group(int status)
{
    process_kill(current_process(), (status & 0xff) << 8);
    process_thread_exit(current_process()->wait_status);
}
