// SPDX-License-Identifier: BSD-3-Clause
// A thread of another address space is stopped and lent out for system calls there: where an enclave is mapped twice,
// or the reclaimer takes pages of another process's enclave.
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/os/borrow.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

enum { PATIENCE = 60 };
enum { ERESTARTSYS = 512, ERESTARTNOINTR = 513, ERESTARTNOHAND = 514, ERESTART_RESTARTBLOCK = 516 };

// A call that the stop interrupted: the kernel will not restart it once others have run in between, so it begins anew.
static void restart(struct task *t)
{
    long result = (long)t->regs.rax;
    if ((long)t->regs.orig_rax < 0)
        return;
    if (result == -ERESTARTSYS || result == -ERESTARTNOINTR || result == -ERESTARTNOHAND)
        t->regs.rax = t->regs.orig_rax;
    else if (result == -ERESTART_RESTARTBLOCK)
        t->regs.rax = SYS_restart_syscall;
    else
        return;
    t->regs.rip -= 2;
}

// A fault comes again when the thread goes on; other signals are not to be lost.
static bool is_fault(struct task *t, int sig)
{
    siginfo_t info;
    if (ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info) < 0 || info.si_code <= 0)
        return false;
    if (sig == SIGTRAP && info.si_code == SI_KERNEL && patched_at(t, t->regs.rip - 1)) {
        t->regs.rip--;
        return true;
    }
    return sig == SIGILL || sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE;
}

// A thread in vfork() does not stop: it is not waited for long.
static bool stops_soon(struct task *t)
{
    for (u32 i = 0; i < PATIENCE; i++) {
        siginfo_t info = { 0 };
        if (waitid(P_PID, (id_t)t->tid, &info, WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL) < 0)
            return false;
        if (info.si_pid)
            return true;
        usleep(i < 20 ? 20 : 500);
    }
    return false;
}

static bool try_borrow(struct task *t, struct loan *ret_loan)
{
    int status;
    *ret_loan = (struct loan){ .task = t };
    if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0 || !stops_soon(t) || !remote_wait(t, &status))
        return false;
    remote_get(t);
    int event = status >> 16, sig = WSTOPSIG(status);
    if (event == PTRACE_EVENT_STOP) {
        ret_loan->group_stop = sig != SIGTRAP;
        restart(t);
    } else if (event == PTRACE_EVENT_SECCOMP) { // before a call: it is met again afterwards
        t->regs.rip -= 2;
        t->regs.rax = t->regs.orig_rax;
        t->regs.orig_rax = ~0ull;
        t->at_syscall = true;
    } else if (event || !is_fault(t, sig)) {
        t->held_status = status; // its turn comes
        return false;
    }
    t->lent = !t->dead;
    return t->lent;
}

bool mm_borrow(struct mm *mm, struct loan *ret_loan)
{
    for (struct task *t = emu.tasks; t; t = t->next)
        if (t->mm == mm && t->lent) {
            *ret_loan = (struct loan){ .task = t, .nested = true };
            return true;
        }
    for (struct task *t = emu.tasks; t; t = t->next)
        if (t->mm == mm && !t->dead && !t->held_status && !t->foreign && try_borrow(t, ret_loan))
            return true;
    return false;
}

void mm_return(const struct loan *loan)
{
    struct task *t = loan->task;
    if (loan->nested)
        return;
    t->lent = t->at_syscall = false;
    if (t->dead)
        return;
    remote_put(t);
    ptrace(loan->group_stop ? PTRACE_LISTEN : PTRACE_CONT, t->tid, NULL, NULL);
}
