// SPDX-License-Identifier: BSD-3-Clause
// To whom a signal goes: two threads of one process, by hand.
#include "base/string.h"
#include "fake.h"
#include "libos/syscall/prototypes.h"

bool process_all_ending(void) { return false; }
void wait_queue_init(struct wait_queue *queue) { list_init(&queue->waiters); }
size_t wake_up_all(struct wait_queue *queue) { return 0; }

static struct thread other;
static struct slot_wake other_slot;
static struct process *process;

static void start(void)
{
    fake_reset();
    memset(&other, 0, sizeof(other));
    memset(&other_slot, 0, sizeof(other_slot));
    other.wake = &other_slot;
    if (process_create(NULL, SIGCHLD, &process) || signals_thread_init(&fake_thread, NULL) ||
        signals_thread_init(&other, NULL))
        __builtin_trap();
    process_first = process;
    mutex_lock(&process_lock);
    process_add_thread(process, &fake_thread);
    process_add_thread(process, &other);
    mutex_unlock(&process_lock);
    process->signals.actions[SIGUSR1 - 1].handler = 0x1000;
}

static void end(void)
{
    signals_thread_free(&fake_thread);
    signals_thread_free(&other);
    list_del(&process->all);
    process_free(process);
}

static void send(struct thread *thread, int signo)
{
    mutex_lock(&process_lock);
    if (signal_send(process, thread, signo, NULL))
        __builtin_trap();
    mutex_unlock(&process_lock);
}

TEST(a_blocked_signal_disturbs_nobody)
{
    start();
    signal_set_blocked(SIGMASK(SIGUSR1));
    send(&fake_thread, SIGUSR1);
    CHECK_EQ(thread_pending(&fake_thread), 0);
    CHECK(!signal_deliverable(&fake_thread));
    signal_set_blocked(0);
    CHECK_EQ(thread_pending(&fake_thread), THREAD_SIGNAL);
    end();
}

TEST(what_one_thread_blocks_the_other_takes)
{
    start();
    send(NULL, SIGUSR1);
    CHECK_EQ(thread_pending(&fake_thread), THREAD_SIGNAL);
    CHECK_EQ(thread_pending(&other), 0);
    signal_set_blocked(SIGMASK(SIGUSR1)); // before it could take it
    CHECK_EQ(thread_pending(&other), THREAD_SIGNAL);
    end();
}

TEST(what_all_block_waits)
{
    start();
    other.blocked = ~0ull;
    send(NULL, SIGUSR1);
    signal_set_blocked(SIGMASK(SIGUSR1) | SIGMASK(SIGKILL));
    CHECK_EQ(fake_thread.blocked, SIGMASK(SIGUSR1));
    CHECK_EQ(thread_pending(&other), 0);
    fake_thread.wake->pending = 0;
    signal_set_blocked(0);
    CHECK_EQ(thread_pending(&fake_thread), THREAD_SIGNAL);
    end();
}

TEST(a_thread_that_ends_leaves_its_signals_to_the_others)
{
    start();
    send(NULL, SIGUSR1);
    CHECK_EQ(thread_pending(&other), 0);
    mutex_lock(&process_lock);
    list_del(&fake_thread.siblings);
    signal_retarget(process, &fake_thread, ~0ull);
    mutex_unlock(&process_lock);
    CHECK_EQ(thread_pending(&other), THREAD_SIGNAL);
    end();
}

TEST(sigcont_takes_a_stop_back)
{
    siginfo_t info;
    start();
    send(NULL, SIGTSTP);
    CHECK_EQ(signal_dequeue(&fake_thread, ~0ull, &info), SIGTSTP);
    CHECK(process->signals.stop_taken);
    send(NULL, SIGCONT);
    CHECK(!process->signals.stop_taken);
    send(NULL, SIGTSTP);
    send(NULL, SIGCONT);
    CHECK_EQ(signal_dequeue(&fake_thread, SIGMASK_STOPS, &info), 0);
    end();
}
