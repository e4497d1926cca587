// SPDX-License-Identifier: BSD-3-Clause
// What happens on the way back to the program while work is pending.
#include "abi/sgx/arch.h"
#include "base/string.h"
#include "trusted/log.h"
#include "libos/fs/fs.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/vm/vm.h"
#include "trusted/hooks.h"

enum { CORE_FLAG = 0x80 };

// The signals whose default is to dump core: a program does not end so in the ordinary course of things.
static const char *const core_names[] = {
    [SIGQUIT] = "SIGQUIT", [SIGILL] = "SIGILL",   [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT", [SIGBUS] = "SIGBUS",
    [SIGFPE] = "SIGFPE",   [SIGSEGV] = "SIGSEGV", [SIGXCPU] = "SIGXCPU", [SIGXFSZ] = "SIGXFSZ", [SIGSYS] = "SIGSYS",
};

static const char *core_name(int signo) { return signo < (int)ARRAY_SIZE(core_names) ? core_names[signo] : NULL; }

// How the program ended, in a line: of the one that was started always, of others, whose parents are told, where the
// log is on. Without the log no addresses.
static void tell_end(const struct user_regs *regs, int signo, const char *name, const siginfo_t *info)
{
    u64 rip = vm_original_rip(regs->rip);
    u32 pid = current_process()->pid;

    if (log_level < LOG_ERROR && pid == 1)
        log_notice("%s[%u]: ended by signal %d (%s)", current->name, pid, signo, name);
    else if (info && info->si_code > 0 && info->si_code != SI_KERNEL)
        log_error("%s[%u]: ended by signal %d (%s) at %#lx, address %#lx", current->name, pid, signo, name, rip,
                  (u64)info->si_addr);
    else
        log_error("%s[%u]: ended by signal %d (%s) at %#lx", current->name, pid, signo, name, rip);
}

// The end by a signal's default action.
static _Noreturn void die_of(const struct user_regs *regs, int signo, const siginfo_t *info)
{
    const char *name = core_name(signo);

    if (name)
        tell_end(regs, signo, name, info);
    // No core is written, but where one is asked for the status says what it says on Linux.
    bool core = name && current_process()->limits[RLIMIT_CORE].rlim_cur && !current_process()->undumpable;
    process_kill(current_process(), signo | (core ? CORE_FLAG : 0));
    process_thread_exit(signo);
}

// A SIGCONT that came after the signal was taken has the last word.
static void stop(int signo)
{
    struct process *process = current_process();
    struct wake_list list;
    struct thread *thread;

    wake_list_init(&list);
    mutex_lock(&process_lock);
    spin_lock(&process->signals.lock);
    bool wanted = process->signals.stop_taken && !process->exiting;
    process->signals.stop_taken = false;
    spin_unlock(&process->signals.lock);
    // The stops of terminals do nothing where nobody could continue the group.
    if (wanted && signo != SIGSTOP && group_is_orphaned(process->pgid, NULL))
        wanted = false;
    if (!wanted || process->stopped) {
        mutex_unlock(&process_lock);
        return;
    }
    WRITE_ONCE(process->stopped, true); // its threads look without the lock
    process->stop_reported = process->continued = false;
    process->stop_signal = signo;
    if (process->parent)
        signal_child_event(process->parent, process);
    list_for_each (thread, &process->threads, siblings)
        thread_notify_collect(thread, THREAD_STOP, &list);
    if (process->parent)
        wake_collect_all(&process->parent->child_events, &list);
    bool outside = process->outside;
    mutex_unlock(&process_lock);
    wake_list_flush(&list);
    if (outside)
        process_tell_stopped(process);
}

void (*signal_host_hook)(void);

// Sleeps while the process is stopped; a kill ends it.
static void sleep_while_stopped(void)
{
    struct process *process = current_process();
    struct waiter waiter;

    thread_take_pending(current, THREAD_STOP);
    waiter_init(&waiter);
    wait_add(&process->resumed, &waiter);
    while (READ_ONCE(process->stopped) && !(thread_pending(current) & THREAD_EXIT)) {
        if (thread_take_pending(current, THREAD_HOST) & THREAD_HOST)
            signal_host_hook(); // the host may continue it
        else
            waiter_sleep_uninterruptible(&waiter, WAIT_FOREVER);
    }
    wait_remove(&process->resumed, &waiter);
}

// The interrupted system call: goes on later, or reports EINTR, as the handler and the call want it.
static void settle_syscall(struct user_regs *regs, const struct signal_action *handler)
{
    long result = (long)regs->rax;

    if ((long)regs->orig_rax < 0 || !syscall_restarts(result))
        return;
    if (handler)
        current->restart_deadline = 0;
    bool restart = result == -ERESTARTNOINTR || !handler || (result == -ERESTARTSYS && (handler->flags & SA_RESTART));
    if (restart) {
        regs->rax = regs->orig_rax;
        regs->rip -= 2; // the `syscall` instruction is still there, or jumps to its stub
        regs->full_restore = 1;
    } else {
        regs->rax = (u64)-EINTR;
    }
    regs->orig_rax = (u64)-1;
}

static void default_action(const struct user_regs *regs, int signo, const siginfo_t *info)
{
    switch (signo) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
    case SIGCONT:
        return;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        stop(signo);
        return;
    default:
        die_of(regs, signo, info);
    }
}

// Takes one signal with its action; 0 if none is deliverable. For a handler *ret_mask is the mask it runs with, and
// *ret_old_mask the one that sigreturn restores.
static int next_signal(struct signal_action *ret_action, siginfo_t *ret_info, u64 *ret_mask, u64 *ret_old_mask)
{
    struct process_signals *signals = &current_process()->signals;
    struct thread *thread = current;

    spin_lock(&signals->lock);
    int signo = signal_dequeue(thread, ~thread->blocked, ret_info);
    if (signo) {
        struct signal_action *action = &signals->actions[signo - 1];
        *ret_action = *action;
        if (action->handler > (u64)SIG_IGN) {
            *ret_old_mask = thread->restore_blocked ? thread->saved_blocked : thread->blocked;
            *ret_mask = thread->blocked | action->mask | (action->flags & SA_NODEFER ? 0 : SIGMASK(signo));
            if (action->flags & SA_RESETHAND)
                action->handler = (u64)SIG_DFL;
        }
    }
    spin_unlock(&signals->lock);
    return signo;
}

// No stack for a handler is a SIGSEGV, which may have a handler with a stack of its own; unless it is SIGSEGV's handler
// that has none.
static void run_handler(struct user_regs *regs, int signo, const struct signal_action *action, const siginfo_t *info,
                        u64 mask, u64 old_mask)
{
    struct thread *thread = current;

    settle_syscall(regs, action);
    if (signal_frame_push(regs, signo, action, info, old_mask) == 0) {
        signal_set_blocked(mask);
        return;
    }
    log_info("[%u] no stack for the handler of signal %d", thread->tid, signo);
    if (signo == SIGSEGV)
        die_of(regs, SIGSEGV, NULL);
    signal_set_blocked(old_mask);
    signal_force(regs, SIGSEGV, SI_KERNEL, 0, 0, 0);
}

void signal_run_pending(struct user_regs *regs)
{
    struct thread *thread = current;
    struct signal_action action;
    siginfo_t info;
    u64 mask = 0, old_mask = 0;

    for (;;) {
        u32 pending = thread_take_pending(thread, THREAD_SIGNAL);
        if (pending & THREAD_EXIT)
            process_thread_exit(current_process()->wait_status);
        if ((pending & THREAD_STOP) || READ_ONCE(current_process()->stopped)) {
            sleep_while_stopped();
            continue;
        }
        int signo = next_signal(&action, &info, &mask, &old_mask);
        if (!signo)
            break;
        if (action.handler == (u64)SIG_DFL || signo == SIGKILL || signo == SIGSTOP)
            default_action(regs, signo, &info);
        else if (action.handler != (u64)SIG_IGN)
            run_handler(regs, signo, &action, &info, mask, old_mask);
    }
    settle_syscall(regs, NULL);
    if (thread->restore_blocked)
        signal_set_blocked(thread->saved_blocked); // what is deliverable now brings the thread here again
}

void signal_force(struct user_regs *regs, int signo, int code, u64 addr, u32 trapno, u64 error)
{
    struct process_signals *signals = &current_process()->signals;
    siginfo_t info;

    (void)regs;
    memset(&info, 0, sizeof(info));
    info.si_code = code;
    info.si_addr = (void *)addr;
    current->fault_trapno = trapno;
    current->fault_error = error;
    current->fault_addr = addr;
    spin_lock(&signals->lock);
    struct signal_action *action = &signals->actions[signo - 1];
    if ((current->blocked & SIGMASK(signo)) || action->handler == (u64)SIG_IGN) {
        action->handler = (u64)SIG_DFL;
        WRITE_ONCE(current->blocked, current->blocked & ~SIGMASK(signo));
    }
    spin_unlock(&signals->lock);
    log_info("[%u] %s: signal %d at %#lx, address %#lx, trap %u", current->tid, current->name, signo, regs->rip, addr,
             trapno);
    slot_set_pending(current->wake, THREAD_FAULT);
    signal_send(current_process(), current, signo, &info);
}

void signal_raise_page_fault(struct user_regs *regs, u64 addr, u32 error, int reason)
{
    if (reason == -EIO || reason == -ENOMEM)
        signal_force(regs, SIGBUS, BUS_ADRERR, addr, VECTOR_PF, error);
    else
        signal_force(regs, SIGSEGV, reason == -EACCES ? SEGV_ACCERR : SEGV_MAPERR, addr, VECTOR_PF, error);
}

void signal_raise_exception(struct user_regs *regs, u32 vector, u32 error)
{
    static const struct {
        u8 vector;
        u8 signo, code;
    } map[] = {
        { 0, SIGFPE, FPE_INTDIV },  { 1, SIGTRAP, TRAP_TRACE }, { 3, SIGTRAP, TRAP_BRKPT },
        { 4, SIGSEGV, 0 },          { 5, SIGSEGV, 0 },          { 6, SIGILL, ILL_ILLOPN },
        { 16, SIGFPE, FPE_FLTINV }, { 17, SIGBUS, BUS_ADRALN }, { 19, SIGFPE, FPE_FLTINV },
    };
    for (size_t i = 0; i < ARRAY_SIZE(map); i++)
        if (map[i].vector == vector) {
            signal_force(regs, map[i].signo, map[i].code, regs->rip, vector, error);
            return;
        }
    signal_force(regs, SIGSEGV, SI_KERNEL, 0, vector, error);
}

static void raise_self(int signo)
{
    siginfo_t info;
    memset(&info, 0, sizeof(info));
    info.si_code = SI_USER;
    info.si_pid = (int)current_process()->pid;
    signal_send(current_process(), current, signo, &info);
}

void signal_init(void)
{
    thread_pending_hook = signal_run_pending;
    thread_mask_hooks = (struct thread_mask_hooks){ .set = signal_set_blocked, .borrow = signal_borrow_mask };
    fs_raise_signal = raise_self;
    mq_signal_init();
}
