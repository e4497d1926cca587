// SPDX-License-Identifier: BSD-3-Clause
// Blocked synchronous signals as the program sees them, although the kernel is never told to block one (signals.c):
// sent ones wait here, faults that meet a blocked signal kill, handlers run with their masks, and the frame a handler
// returns through has the whole mask.
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/os/image.h"
#include "front/os/remote.h"
#include "front/os/signals.h"
#include "front/os/task.h"

// struct rt_sigframe: the return address, then ucontext with its uc_sigmask after uc_flags, uc_link, uc_stack,
// sigcontext.
enum { UC_SIGMASK = 8 + 8 + 24 + 256, FRAME_UCONTEXT = 8 };

static size_t slot(int sig)
{
    static const int signals[HELD_SIGNALS] = { SIGILL, SIGSEGV, SIGTRAP, SIGBUS, SIGFPE };
    size_t i = 0;
    while (i + 1 < HELD_SIGNALS && signals[i] != sig)
        i++;
    return i;
}

bool signal_held(struct task *t, int sig, const siginfo_t *info)
{
    u64 bit = SIGNAL_BIT(sig);
    if (t->replayed & bit) { // sent again by signal_release()
        t->replayed &= ~bit;
        ptrace(PTRACE_SETSIGINFO, t->tid, NULL, &t->held_info[slot(sig)]);
        return false;
    }
    if (!(t->hidden_mask & bit) || signal_told_ignored(t, sig))
        return false;
    if (!(t->held & bit))
        t->held_info[slot(sig)] = *info;
    t->held |= bit;
    return true;
}

void signal_send(struct task *t, int sig, const siginfo_t *info)
{
    t->held_info[slot(sig)] = *info;
    t->replayed |= SIGNAL_BIT(sig);
    syscall(SYS_tgkill, t->tgid, t->tid, sig);
}

void signal_release(struct task *t)
{
    for (int sig = 1; sig < 32; sig++) {
        u64 bit = SIGNAL_BIT(sig);
        if (!(t->held & ~t->hidden_mask & bit))
            continue;
        siginfo_t info = t->held_info[slot(sig)];
        t->held &= ~bit;
        signal_send(t, sig, &info);
    }
}

// What the kernel does where it forces a signal that is blocked: the action becomes the default.
void signal_force(struct task *t, int sig)
{
    u64 bit = SIGNAL_BIT(sig), args[6] = { (u64)sig, EMU_SCRATCH, 0, 8 };
    if (!(t->hidden_mask & bit))
        return;
    t->hidden_mask &= ~bit;
    t->actions->handled &= ~bit;
    t->actions->told[sig - 1].handler = (u64)(uintptr_t)SIG_DFL;
    struct kernel_sigaction normal = { 0 };
    if (remote_write(t, EMU_SCRATCH, &normal, sizeof(normal)) == 0)
        (void)remote_call(t, SYS_rt_sigaction, args);
}

bool signal_needs_frame(struct task *t, int sig)
{
    u64 mask = 0, bit = SIGNAL_BIT(sig);
    if (sig < 1 || sig > 64 || !(t->actions->handled & bit))
        return false;
    if (t->hidden_mask || (t->actions->known & bit))
        return true;
    ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(mask), &mask);
    return mask & SYNCHRONOUS; // in sigsuspend and its like
}

bool signal_enter(struct task *t, int sig)
{
    struct kernel_sigaction *told = &t->actions->told[sig - 1];
    u64 waiting = 0, mask, before = t->hidden_mask;
    int status;
    ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(waiting), &waiting);
    ptrace(PTRACE_SINGLESTEP, t->tid, NULL, sig); // stops at the handler's first instruction, before it
    if (!remote_wait(t, &status))
        return false;
    if (status >> 16 || WSTOPSIG(status) != SIGTRAP) {
        t->held_status = status;
        return false;
    }
    remote_get(t);
    u64 at = t->regs.rsp + FRAME_UCONTEXT + UC_SIGMASK;
    if (remote_read(t, at, &mask, sizeof(mask)) == 0) {
        mask |= before;
        (void)!remote_write(t, at, &mask, sizeof(mask));
    }
    t->hidden_mask = (waiting & SYNCHRONOUS ? waiting & SYNCHRONOUS : before) | (told->mask & SYNCHRONOUS);
    if (!(told->flags & SA_NODEFER))
        t->hidden_mask |= SIGNAL_BIT(sig) & SYNCHRONOUS;
    if (told->flags & SA_RESETHAND) {
        told->handler = (u64)(uintptr_t)SIG_DFL;
        t->actions->handled &= ~SIGNAL_BIT(sig);
    }
    if (ptrace(PTRACE_GETSIGMASK, t->tid, sizeof(mask), &mask) == 0 && (mask & SYNCHRONOUS)) {
        mask &= ~SYNCHRONOUS;
        ptrace(PTRACE_SETSIGMASK, t->tid, sizeof(mask), &mask);
    }
    return !t->dead;
}

void on_sigreturn(struct task *t)
{
    u64 mask, at = t->regs.rsp + UC_SIGMASK;
    if (remote_read(t, at, &mask, sizeof(mask)) < 0)
        return;
    t->hidden_mask = mask & SYNCHRONOUS;
    if (t->hidden_mask) {
        mask &= ~SYNCHRONOUS;
        (void)!remote_write(t, at, &mask, sizeof(mask));
    }
    signal_release(t);
}

void on_sigpending(struct task *t)
{
    u64 set;
    struct user_regs_struct asked = t->regs;
    if (!t->held || asked.rsi != sizeof(set))
        return;
    long ret = remote_finish(t);
    if (ret == 0 && remote_read(t, asked.rdi, &set, sizeof(set)) == 0) {
        set |= t->held;
        (void)!remote_write(t, asked.rdi, &set, sizeof(set));
    }
    t->regs = asked;
    remote_skip(t, ret);
}

// A signal that is held already ends the wait; one that comes later is the kernel's to give.
void on_sigtimedwait(struct task *t)
{
    u64 set;
    if (!t->held || t->regs.r10 != sizeof(set) || remote_read(t, t->regs.rdi, &set, sizeof(set)) < 0 ||
        !(set & t->held))
        return;
    int sig = __builtin_ctzll(set & t->held) + 1;
    if (t->regs.rsi && remote_write(t, t->regs.rsi, &t->held_info[slot(sig)], sizeof(siginfo_t)) < 0)
        return;
    t->held &= ~SIGNAL_BIT(sig);
    remote_skip(t, sig);
}
