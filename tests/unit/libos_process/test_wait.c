// SPDX-License-Identifier: BSD-3-Clause
#include "base/string.h"
#include "fake.h"
#include "libos/syscall/prototypes.h"

static struct process *init;

bool process_all_ending(void) { return false; }
void wait_queue_init(struct wait_queue *queue) { list_init(&queue->waiters); }
void waiter_init(struct waiter *waiter) { list_init(&waiter->link); }
void wait_add(struct wait_queue *queue, struct waiter *waiter) {}
void wait_remove(struct wait_queue *queue, struct waiter *waiter) {}
int waiter_sleep(struct waiter *waiter, s64 deadline) { return -EINTR; }
size_t wake_up_all(struct wait_queue *queue) { return 0; }
size_t wake_collect_all(struct wait_queue *queue, struct wake_list *list) { return 0; }

static struct process *child_of(struct process *parent)
{
    struct process *child = NULL;
    if (process_create(parent, SIGCHLD, &child))
        __builtin_trap();
    return child;
}

static void end(struct process *process, int wait_status)
{
    process->zombie = true;
    process->wait_status = wait_status;
}

static void start(void)
{
    fake_reset();
    if (!init && process_create(NULL, SIGCHLD, &init))
        __builtin_trap();
    process_first = init;
    fake_thread.process = init;
}

static int *status(void) { return (int *)fake_user; }

TEST(children)
{
    start();
    CHECK_EQ(sys_wait4(-1, NULL, 0, NULL), -ECHILD);
    struct process *a = child_of(init), *b = child_of(init);
    CHECK(a->pid != b->pid);
    CHECK_EQ(sys_wait4(-1, status(), WNOHANG, NULL), 0);
    CHECK_EQ(sys_wait4(-1, status(), 0, NULL), -ERESTARTSYS);
    u32 pid = b->pid;
    end(b, 7 << 8);
    CHECK_EQ(sys_wait4((int)a->pid, status(), WNOHANG, NULL), 0);
    CHECK_EQ(sys_waitid(P_PID, (int)pid, fake_user + 64, WEXITED | WNOWAIT, NULL), 0);
    CHECK_EQ(((siginfo_t *)(fake_user + 64))->si_status, 7);
    CHECK_EQ(sys_wait4(-1, status(), 0, NULL), pid);
    CHECK_EQ(*status(), 7 << 8);
    CHECK(!process_find(pid));
    CHECK_EQ(sys_wait4((int)pid, status(), 0, NULL), -ECHILD);
    pid = a->pid;
    end(a, SIGKILL);
    CHECK_EQ(sys_wait4(0, status(), 0, NULL), pid); // by the caller's group
    CHECK_EQ(*status(), SIGKILL);
    CHECK_EQ(sys_wait4(INT32_MIN, NULL, 0, NULL), -ESRCH);
    CHECK_EQ(sys_wait4(-1, NULL, 0x100, NULL), -EINVAL);
}

TEST(stop_and_continue)
{
    start();
    struct process *a = child_of(init);
    int pid = (int)a->pid;
    a->stopped = true;
    a->stop_signal = SIGTSTP;
    CHECK_EQ(sys_wait4(pid, status(), WNOHANG, NULL), 0); // not asked for
    CHECK_EQ(sys_wait4(pid, status(), WNOHANG | WUNTRACED, NULL), pid);
    CHECK_EQ(*status(), (SIGTSTP << 8) | 0x7f);
    CHECK_EQ(sys_wait4(pid, status(), WNOHANG | WUNTRACED, NULL), 0); // told once
    CHECK_EQ(signal_send(a, NULL, SIGCONT, NULL), 0);
    CHECK_EQ(sys_wait4(pid, status(), WNOHANG | WCONTINUED, NULL), pid);
    CHECK_EQ(*status(), 0xffff);
    end(a, 0);
    CHECK_EQ(sys_wait4(pid, status(), 0, NULL), pid);
}

TEST(queues)
{
    siginfo_t info;

    start();
    CHECK_EQ(signals_thread_init(&fake_thread, NULL), 0);
    fake_thread.blocked = ~SIGMASK_UNBLOCKABLE;
    memset(&info, 0, sizeof(info));
    CHECK_EQ(signal_send(init, &fake_thread, SIGUSR1, NULL), 0);
    CHECK_EQ(signal_send(init, &fake_thread, SIGUSR1, NULL), 0); // a standard signal waits once
    for (int i = 0; i < 1024 - 1; i++) {
        info.si_int = i;
        CHECK_EQ(signal_send(init, &fake_thread, SIGRTMIN + 1, &info), 0);
    }
    CHECK_EQ(signal_send(init, &fake_thread, SIGRTMIN + 1, &info), -EAGAIN);
    CHECK(!signal_deliverable(&fake_thread));
    CHECK_EQ(signal_dequeue(&fake_thread, UINT64_MAX, &info), SIGUSR1);
    for (int i = 0; i < 1023; i++) { // in the order they came
        CHECK_EQ(signal_dequeue(&fake_thread, UINT64_MAX, &info), SIGRTMIN + 1);
        CHECK_EQ(info.si_int, i);
    }
    CHECK_EQ(signal_dequeue(&fake_thread, ~SIGMASK(SIGCHLD), &info), 0); // its children had news before
    signals_thread_free(&fake_thread);
}

static u32 no_terminal(const struct process *process) { return 0; }

// The host cannot pretend that a program faulted or that the kernel kills it.
TEST(host_signals)
{
    siginfo_t info;

    start();
    CHECK_EQ(signals_thread_init(&fake_thread, NULL), 0);
    process_tty.foreground = no_terminal;
    for (int signo = -1; signo <= 70; signo++)
        signal_from_host(signo);
    u64 pending = init->signals.queue.pending;
    CHECK_EQ(pending & (SIGMASK(SIGSEGV) | SIGMASK(SIGFPE) | SIGMASK(SIGILL) | SIGMASK(SIGBUS) | SIGMASK(SIGTRAP) |
                        SIGMASK(SIGKILL)),
             0);
    CHECK(pending & SIGMASK(SIGTERM));
    CHECK(pending & SIGMASK(SIGHUP));                          // it has no handler
    CHECK(!(pending & (SIGMASK(SIGUSR1) | SIGMASK(SIGUSR2)))); // the configuration does not say so
    while (signal_dequeue(&fake_thread, UINT64_MAX, &info))
        ;
    signals_thread_free(&fake_thread);
}

// What a child used is told by wait4 and counted on by its parent; time spent waiting is not CPU time.
TEST(usage)
{
    struct rusage *usage = (struct rusage *)(fake_user + 512);
    static struct thread thread;

    start();
    CHECK_EQ(usage_total(&(struct cpu_usage){ .user_ns = 2, .system_ns = 3 }), 5);
    struct cpu_usage one = thread_usage(&thread);
    CHECK_EQ(one.user_ns, 2500);
    CHECK_EQ(one.system_ns, 500);
    struct process *child = child_of(init);
    mutex_lock(&process_lock);
    child->ended_threads = (struct cpu_usage){ .user_ns = 3000000000, .system_ns = 5000, .waits = 7, .faults = 9 };
    child->peak = 4096 * 1024;
    mutex_unlock(&process_lock);
    u32 pid = child->pid;
    end(child, 0);
    CHECK_EQ(sys_wait4((int)pid, status(), 0, usage), pid);
    CHECK_EQ(usage->ru_utime.tv_sec, 3);
    CHECK_EQ(usage->ru_stime.tv_usec, 5);
    CHECK_EQ(usage->ru_nvcsw, 7);
    CHECK_EQ(usage->ru_minflt, 9);
    CHECK_EQ(usage->ru_maxrss, 4096);
    CHECK_EQ(init->ended_children.user_ns, 3000000000);
    CHECK_EQ(init->children_peak, 4096 * 1024);
}
