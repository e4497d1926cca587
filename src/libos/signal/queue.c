// SPDX-License-Identifier: BSD-3-Clause
// Queues of signals that wait, and their life with process and thread.
#include "base/string.h"
#include "libos/signal/posix_timer.h"
#include "libos/mem/heap.h"
#include "libos/tree/process.h"
#include "libos/signal/signal_queue.h"

enum { MAX_QUEUED = 65536 }; // per queue, whatever RLIMIT_SIGPENDING is

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

void signal_queue_remove(struct signal_queue *queue, u64 mask)
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
    spin_init(&signals->lock, LOCK_SIGNALS);
    queue_init(&signals->queue);
    list_init(&signals->timers);
    if (!inherit)
        return;
    spin_lock(&inherit->lock);
    memcpy(signals->actions, inherit->actions, sizeof(signals->actions));
    spin_unlock(&inherit->lock);
}

struct signal_action signals_action(struct process_signals *signals, int signo)
{
    spin_lock(&signals->lock);
    struct signal_action action = signals->actions[signo - 1];
    spin_unlock(&signals->lock);
    return action;
}

bool signals_discard_children(struct process_signals *signals)
{
    struct signal_action action = signals_action(signals, SIGCHLD);
    return action.handler == (u64)SIG_IGN || (action.flags & SA_NOCLDWAIT);
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

void signals_thread_free(struct thread *thread)
{
    if (!thread->queue)
        return;
    queue_clear(signal_thread_queue(thread));
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

struct signal_entry *signal_entry_alloc(void) { return kzalloc(sizeof(struct signal_entry)); }
void signal_entry_free(struct signal_entry *entry) { kfree(entry); }

int signal_queue_add(struct signal_queue *queue, int signo, const siginfo_t *info, u64 limit,
                     struct signal_entry **ret_entry)
{
    if (signo < SIGRTMIN && (queue->pending & SIGMASK(signo)))
        return 0;
    // Ordinary signals of the kernel and of kill(2) keep their contents beyond the limit.
    bool counts = signo >= SIGRTMIN || (info && info->si_code < 0);
    struct signal_entry *entry = queue->count < (counts ? MIN(limit, (u64)MAX_QUEUED) : MAX_QUEUED) ? *ret_entry : NULL;
    if (!entry && signo >= SIGRTMIN && info && info->si_code != SI_USER)
        return -EAGAIN;
    if (entry) {
        *ret_entry = NULL;
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

static int overrun_in(const struct signal_queue *queue, int timer, s64 more)
{
    struct signal_entry *entry;
    list_for_each (entry, &queue->entries, link) {
        siginfo_t *info = &entry->info;
        if (info->si_code != SI_TIMER || info->si_tid != timer)
            continue;
        info->si_overrun = (int)MIN(info->si_overrun + more, (s64)INT32_MAX); // DELAYTIMER_MAX
        return info->si_overrun;
    }
    return -1;
}

int signal_timer_overrun(struct process *process, int timer, s64 more)
{
    mutex_assert_held(&process_lock);
    spin_assert_held(&process->signals.lock);
    int overrun = overrun_in(&process->signals.queue, timer, more);
    struct thread *thread;

    list_for_each (thread, &process->threads, siblings) {
        if (overrun >= 0)
            break;
        overrun = overrun_in(signal_thread_queue(thread), timer, more);
    }
    return overrun;
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
    spin_assert_held(&thread->process->signals.lock);
    struct process_signals *signals = &thread->process->signals;
    int signo = take(signal_thread_queue(thread), mask, ret_info);
    if (!signo)
        signo = take(&signals->queue, mask, ret_info);
    if (signo && (SIGMASK(signo) & SIGMASK_STOPS))
        signals->stop_taken = true; // a SIGCONT that comes before the stop takes it back
    return signo;
}

u64 signals_waiting(struct process_signals *signals, u64 mask)
{
    spin_lock(&signals->lock);
    u64 waiting = signals->queue.pending & mask;
    spin_unlock(&signals->lock);
    return waiting;
}

u64 signal_thread_pending(const struct thread *thread)
{
    return thread->queue ? signal_thread_queue(thread)->pending : 0;
}

bool signal_deliverable(const struct thread *thread)
{
    spin_assert_held(&thread->process->signals.lock);
    return (signal_thread_queue(thread)->pending | thread->process->signals.queue.pending) & ~thread->blocked;
}
