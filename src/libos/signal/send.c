// SPDX-License-Identifier: BSD-3-Clause
// Sending: to whom, and what happens at once. Threads are woken and interrupted after the signal lock is dropped, for
// that may be a host call; process_lock keeps them in their process meanwhile.
#include "base/string.h"
#include "libos/tree/process.h"
#include "libos/signal/signal_queue.h"

static bool default_ignored(int signo)
{
    return signo == SIGCHLD || signo == SIGURG || signo == SIGWINCH || signo == SIGCONT;
}

static bool ignored(const struct process_signals *signals, int signo)
{
    u64 handler = signals->actions[signo - 1].handler;
    return handler == (u64)SIG_IGN || (handler == (u64)SIG_DFL && default_ignored(signo));
}

// Continues a stopped process. With process_lock held.
static void continue_process(struct process *process)
{
    mutex_assert_held(&process_lock);
    if (!process->stopped)
        return;
    WRITE_ONCE(process->stopped, false);
    process->continued = true;
    wake_up_all(&process->resumed);
    if (!process->parent)
        return;
    signal_child_event(process->parent, process);
    wake_up_all(&process->parent->child_events);
}

// What a thread blocks outside sigtimedwait and sigsuspend: such a signal is queued even if its action is to ignore it.
static u64 blocked_for_long(const struct thread *thread)
{
    return thread->blocked | (thread->restore_blocked ? thread->saved_blocked : 0);
}

static bool blocked_everywhere(const struct process *process, const struct thread *thread, int signo)
{
    const struct thread *t;
    if (thread)
        return blocked_for_long(thread) & SIGMASK(signo);
    list_for_each (t, &process->threads, siblings) {
        if (!(blocked_for_long(t) & SIGMASK(signo)))
            return false;
    }
    return true;
}

// The thread that is to take a signal: the one it is for, or the first of the process, unless they block it. NULL: it
// waits until somebody unblocks it. A thread in sigtimedwait does not block what it waits for.
static struct thread *receiver(struct process *process, struct thread *thread, int signo)
{
    struct thread *t;
    if (thread)
        return thread->blocked & SIGMASK(signo) ? NULL : thread;
    list_for_each (t, &process->threads, siblings) {
        if (!(t->blocked & SIGMASK(signo)))
            return t;
    }
    return NULL;
}

// Takes signals out of all queues of a process. With process_lock and the signals' lock held.
static void forget(struct process *process, u64 mask)
{
    struct thread *thread;
    mutex_assert_held(&process_lock);
    signal_queue_remove(&process->signals.queue, mask);
    list_for_each (thread, &process->threads, siblings)
        signal_queue_remove(signal_thread_queue(thread), mask);
}

void signal_forget_ignored(int signo)
{
    struct process *process = current_process();
    struct process_signals *signals = &process->signals;
    mutex_lock(&process_lock);
    spin_lock(&signals->lock);
    if (ignored(signals, signo))
        forget(process, SIGMASK(signo));
    spin_unlock(&signals->lock);
    mutex_unlock(&process_lock);
}

int signal_send(struct process *process, struct thread *thread, int signo, const siginfo_t *info)
{
    struct process_signals *signals = &process->signals;
    struct thread *notified = NULL;
    struct signal_entry *entry = signal_entry_alloc();
    int err = 0;

    spin_lock(&signals->lock);
    if (signo == SIGCONT) {
        forget(process, SIGMASK_STOPS);
        signals->stop_taken = false;
    } else if (SIGMASK(signo) & SIGMASK_STOPS) {
        forget(process, SIGMASK(SIGCONT));
    }
    if (!ignored(signals, signo) || blocked_everywhere(process, thread, signo)) {
        u64 limit = READ_ONCE(process->limits[RLIMIT_SIGPENDING].rlim_cur);
        err = signal_queue_add(thread ? signal_thread_queue(thread) : &signals->queue, signo, info, limit, &entry);
        if (!err)
            notified = receiver(process, thread, signo);
    }
    spin_unlock(&signals->lock);
    signal_entry_free(entry);
    if (signo == SIGCONT || signo == SIGKILL)
        continue_process(process);
    if (notified)
        thread_notify(notified, THREAD_SIGNAL);
    signalfd_notify();
    return err;
}

void signal_retarget(struct process *process, const struct thread *from, u64 mask)
{
    mutex_assert_held(&process_lock);
    struct process_signals *signals = &process->signals;
    struct thread *thread;

    u64 waiting = signals_waiting(signals, mask);
    list_for_each (thread, &process->threads, siblings) {
        u64 takes = waiting & ~READ_ONCE(thread->blocked);
        if (thread == from || !takes)
            continue;
        thread_notify(thread, THREAD_SIGNAL);
        waiting &= ~takes;
    }
}

// The mask, and whether another one comes back before the program runs (borrowed), in one step for the senders.
static void change_mask(u64 mask, bool borrowed)
{
    struct process *process = current_process();
    struct process_signals *signals = &process->signals;
    struct thread *thread = current;

    spin_lock(&signals->lock);
    u64 newly = mask & ~thread->blocked;
    thread->restore_blocked = borrowed;
    if (borrowed)
        thread->saved_blocked = thread->blocked;
    WRITE_ONCE(thread->blocked, mask & ~SIGMASK_UNBLOCKABLE);
    bool deliverable = signal_deliverable(thread);
    u64 left = signals->queue.pending & newly;
    spin_unlock(&signals->lock);
    if (deliverable)
        thread_notify(thread, THREAD_SIGNAL);
    if (likely(!left))
        return;
    // This thread may have been the one told of them.
    mutex_lock(&process_lock);
    signal_retarget(process, thread, left);
    mutex_unlock(&process_lock);
}

void signal_set_blocked(u64 mask) { change_mask(mask, false); }
void signal_borrow_mask(u64 mask) { change_mask(mask, true); }

void signal_child_event(struct process *parent, struct process *child)
{
    mutex_assert_held(&process_lock);
    siginfo_t info;
    int sig = child->wait_status & 0x7f;

    // News of a process that lives is SIGCHLD whatever its end will be.
    if ((child->zombie && !child->exit_signal) ||
        (!child->zombie && (signals_action(&parent->signals, SIGCHLD).flags & SA_NOCLDSTOP)))
        return;
    memset(&info, 0, sizeof(info));
    info.si_code = !sig ? CLD_EXITED : child->wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED;
    info.si_pid = (int)child->pid;
    info.si_uid = child->ended_uid;
    info.si_status = sig ? sig : child->wait_status >> 8;
    if (!child->zombie) {
        const struct cred *cred = process_cred(child);
        info.si_uid = cred ? cred->uid : 0;
        cred_unref(cred);
        info.si_code = child->stopped ? CLD_STOPPED : CLD_CONTINUED;
        info.si_status = child->stopped ? child->stop_signal : SIGCONT;
    }
    signal_send(parent, NULL, child->zombie ? (int)child->exit_signal : SIGCHLD, &info);
}
