// SPDX-License-Identifier: BSD-3-Clause
// Sending and queueing.
#include "base/string.h"
#include "libos/signal/posix_timer.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"

enum { MAX_QUEUED = 1024 }; // RLIMIT_SIGPENDING, per queue

struct signal_entry {
    struct list_head link;
    siginfo_t info;
};

static void queue_init(struct signal_queue *queue)
{
    queue->pending = 0;
    queue->count = 0;
    list_init(&queue->entries);
}

static void queue_clear(struct signal_queue *queue)
{
    struct signal_entry *entry, *next;
    list_for_each_safe (entry, next, &queue->entries, link)
        kfree(entry);
    queue_init(queue);
}

static void queue_remove(struct signal_queue *queue, u64 mask)
{
    struct signal_entry *entry, *next;
    list_for_each_safe (entry, next, &queue->entries, link) {
        if (mask & SIGMASK(entry->info.si_signo)) {
            list_del(&entry->link);
            queue->count--;
            kfree(entry);
        }
    }
    queue->pending &= ~mask;
}

void signals_init(struct process_signals *signals, struct process_signals *inherit)
{
    memset(signals, 0, sizeof(*signals));
    queue_init(&signals->queue);
    list_init(&signals->timers);
    if (!inherit)
        return;
    spin_lock(&inherit->lock);
    memcpy(signals->actions, inherit->actions, sizeof(signals->actions));
    spin_unlock(&inherit->lock);
}

bool signals_discard_children(struct process_signals *signals)
{
    spin_lock(&signals->lock);
    const struct signal_action *action = &signals->actions[SIGCHLD - 1];
    bool discard = action->handler == (u64)SIG_IGN || (action->flags & SA_NOCLDWAIT);
    spin_unlock(&signals->lock);
    return discard;
}

void signals_free(struct process_signals *signals)
{
    if (!signals->queue.entries.next)
        return;
    queue_clear(&signals->queue);
    posix_timers_free(signals);
}

int signals_thread_init(struct thread *thread, const struct thread *creator)
{
    struct signal_queue *queue = kzalloc(sizeof(*queue));
    if (!queue)
        return -ENOMEM;
    queue_init(queue);
    thread->queue = (struct thread_signal_queue *)queue;
    thread->blocked = creator ? creator->blocked : 0;
    return 0;
}

static struct signal_queue *thread_queue(const struct thread *thread) { return (struct signal_queue *)thread->queue; }

void signals_thread_free(struct thread *thread)
{
    if (!thread->queue)
        return;
    queue_clear(thread_queue(thread));
    kfree(thread->queue);
    thread->queue = NULL;
}

void signals_reset(struct process_signals *signals)
{
    spin_lock(&signals->lock);
    for (int i = 0; i < SIGNALS; i++)
        if (signals->actions[i].handler != (u64)SIG_IGN)
            signals->actions[i] = (struct signal_action){ 0 };
    spin_unlock(&signals->lock);
}

static bool default_ignored(int signo)
{
    return signo == SIGCHLD || signo == SIGURG || signo == SIGWINCH || signo == SIGCONT;
}

static bool ignored(const struct process_signals *signals, int signo)
{
    u64 handler = signals->actions[signo - 1].handler;
    return handler == (u64)SIG_IGN || (handler == (u64)SIG_DFL && default_ignored(signo));
}

static int enqueue(struct signal_queue *queue, int signo, const siginfo_t *info)
{
    if (signo < SIGRTMIN && (queue->pending & SIGMASK(signo)))
        return 0;
    struct signal_entry *entry = queue->count < MAX_QUEUED ? kzalloc(sizeof(*entry)) : NULL;
    if (!entry && signo >= SIGRTMIN)
        return -EAGAIN;
    if (entry) {
        if (info)
            entry->info = *info;
        else
            entry->info.si_code = SI_KERNEL;
        entry->info.si_signo = signo;
        list_add_tail(&entry->link, &queue->entries);
        queue->count++;
    }
    queue->pending |= SIGMASK(signo);
    return 0;
}

// Continues a stopped process. With process_lock or as the sender; the flags are hints for wait.
static void continue_process(struct process *process, struct wake_list *list)
{
    if (!process->stopped)
        return;
    process->stopped = false;
    process->continued = true;
    wake_collect_all(&process->resumed, list);
    if (process->parent)
        wake_collect_all(&process->parent->child_events, list);
}

static void notify_receiver(struct process *process, struct thread *thread, int signo, struct wake_list *list)
{
    struct thread *t;
    if (thread) {
        thread_notify_collect(thread, THREAD_SIGNAL, list);
        return;
    }
    list_for_each (t, &process->threads, siblings) {
        if (!(t->blocked & SIGMASK(signo))) {
            thread_notify_collect(t, THREAD_SIGNAL, list);
            return;
        }
    }
    // All block it: it waits. A thread in sigtimedwait does not block what it waits for.
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

int signal_send(struct process *process, struct thread *thread, int signo, const siginfo_t *info)
{
    struct process_signals *signals = &process->signals;
    const u64 stops = SIGMASK(SIGSTOP) | SIGMASK(SIGTSTP) | SIGMASK(SIGTTIN) | SIGMASK(SIGTTOU);
    struct wake_list list;
    int err = 0;

    wake_list_init(&list);
    spin_lock(&signals->lock);
    if (signo == SIGCONT) {
        queue_remove(&signals->queue, stops);
        continue_process(process, &list);
    } else if (SIGMASK(signo) & stops) {
        queue_remove(&signals->queue, SIGMASK(SIGCONT));
    } else if (signo == SIGKILL) {
        continue_process(process, &list);
    }
    bool deliver = !ignored(signals, signo) || blocked_everywhere(process, thread, signo);
    if (deliver)
        err = enqueue(thread ? thread_queue(thread) : &signals->queue, signo, info);
    if (deliver && !err)
        notify_receiver(process, thread, signo, &list);
    spin_unlock(&signals->lock);
    wake_list_flush(&list);
    return err;
}

static int take(struct signal_queue *queue, u64 mask, siginfo_t *ret_info)
{
    struct signal_entry *entry;
    u64 wanted = queue->pending & mask;

    if (!wanted)
        return 0;
    // Faults first, then by number, as Linux does.
    const u64 synchronous =
        SIGMASK(SIGSEGV) | SIGMASK(SIGBUS) | SIGMASK(SIGILL) | SIGMASK(SIGTRAP) | SIGMASK(SIGFPE) | SIGMASK(SIGSYS);
    if (wanted & synchronous)
        wanted &= synchronous;
    int signo = __builtin_ctzll(wanted) + 1;
    memset(ret_info, 0, sizeof(*ret_info));
    ret_info->si_signo = signo;
    bool found = false, more = false;
    struct signal_entry *first = NULL;
    list_for_each (entry, &queue->entries, link) {
        if (entry->info.si_signo != signo)
            continue;
        if (found) {
            more = true;
            break;
        }
        found = true;
        first = entry;
    }
    if (first) {
        *ret_info = first->info;
        list_del(&first->link);
        queue->count--;
        kfree(first);
    }
    if (!more)
        queue->pending &= ~SIGMASK(signo);
    return signo;
}

int signal_dequeue(struct thread *thread, u64 mask, siginfo_t *ret_info)
{
    int signo = take(thread_queue(thread), mask, ret_info);
    return signo ? signo : take(&thread->process->signals.queue, mask, ret_info);
}

bool signal_deliverable(const struct thread *thread)
{
    return (thread_queue(thread)->pending | thread->process->signals.queue.pending) & ~thread->blocked;
}

void signal_child_event(struct process *parent, struct process *child)
{
    siginfo_t info;
    int sig = child->wait_status & 0x7f;

    if (!child->exit_signal || (!child->zombie && (parent->signals.actions[SIGCHLD - 1].flags & SA_NOCLDSTOP)))
        return;
    memset(&info, 0, sizeof(info));
    info.si_code = !sig ? CLD_EXITED : child->wait_status & 0x80 ? CLD_DUMPED : CLD_KILLED;
    info.si_pid = (int)child->pid;
    info.si_status = sig ? sig : child->wait_status >> 8;
    if (!child->zombie) {
        info.si_code = CLD_STOPPED;
        info.si_status = child->stop_signal;
    }
    signal_send(parent, NULL, (int)child->exit_signal, &info);
}

void signal_from_host(int signo)
{
    // The host may ask, not lie: faults and other news of the kernel never come from it.
    const u64 accepted = SIGMASK(SIGHUP) | SIGMASK(SIGINT) | SIGMASK(SIGQUIT) | SIGMASK(SIGTERM) | SIGMASK(SIGUSR1) |
                         SIGMASK(SIGUSR2) | SIGMASK(SIGWINCH) | SIGMASK(SIGCONT) | SIGMASK(SIGTSTP);
    struct process *process;
    siginfo_t info;

    if (signo < 1 || signo > SIGNALS || !(accepted & SIGMASK(signo)))
        return;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_USER;
    mutex_lock(&process_lock);
    // A person at the terminal, or a service manager, means the programs of the first session.
    list_for_each (process, &process_all, all) {
        bool everyone = signo == SIGINT || signo == SIGQUIT || signo == SIGWINCH;
        if (!process->zombie && (process == process_first || (everyone && process->sid == process_first->sid)))
            signal_send(process, NULL, signo, &info);
    }
    mutex_unlock(&process_lock);
}
