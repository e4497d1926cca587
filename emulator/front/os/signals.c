// SPDX-License-Identifier: BSD-3-Clause
// A trap that the kernel forces while its signal is blocked or ignored resets the program's action to the default, even
// if the tracer then swallows it. So the kernel is never told to block or ignore one of the synchronous signals; what
// the program asked is kept here for when it reads it back.
#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>

#include "front/os/remote.h"
#include "front/os/signals.h"
#include "front/os/task.h"

#define BIT SIGNAL_BIT

bool signal_told_ignored(const struct task *t, int sig)
{
    return (t->actions->known & BIT(sig)) && t->actions->told[sig - 1].handler == (u64)(uintptr_t)SIG_IGN;
}

static void note(struct actions *a, int sig, const struct kernel_sigaction *set)
{
    bool handled = set->handler != (u64)(uintptr_t)SIG_DFL && set->handler != (u64)(uintptr_t)SIG_IGN;
    a->told[sig - 1] = *set;
    a->handled = (a->handled & ~BIT(sig)) | (handled ? BIT(sig) : 0);
}

void on_sigaction(struct task *t)
{
    int sig = (int)t->regs.rdi;
    struct user_regs_struct asked = t->regs;
    struct kernel_sigaction set, old;
    struct actions *a = t->actions;
    if (sig < 1 || sig > 64 || asked.r10 != 8)
        return;
    bool was_known = a->known & BIT(sig);
    struct kernel_sigaction was = a->told[sig - 1];
    if (asked.rsi) {
        if (remote_read(t, asked.rsi, &set, sizeof(set)) < 0)
            return;
        struct kernel_sigaction real = set;
        real.mask &= ~SYNCHRONOUS;
        if (BIT(sig) & SYNCHRONOUS) {
            real.flags |= SA_NODEFER;
            if (real.handler == (u64)(uintptr_t)SIG_IGN)
                real.handler = (u64)(uintptr_t)SIG_DFL;
        }
        if (memcmp(&real, &set, sizeof(set))) {
            if (remote_write(t, asked.rsp - 512, &real, sizeof(real)) < 0)
                return;
            t->regs.rsi = asked.rsp - 512;
        } else if (!was_known || !asked.rdx) {
            note(a, sig, &set);
            a->known &= ~BIT(sig);
            return;
        }
    } else if (!was_known) {
        return;
    }
    long ret = remote_finish(t);
    if (ret == 0 && asked.rdx && was_known && remote_read(t, asked.rdx, &old, sizeof(old)) == 0)
        (void)remote_write(t, asked.rdx, &was, sizeof(was));
    if (ret == 0 && asked.rsi) {
        note(a, sig, &set);
        a->known |= BIT(sig);
    }
    asked.rax = (u64)ret;
    asked.orig_rax = ~0ull;
    t->regs = asked;
    remote_put(t);
}

void on_sigprocmask(struct task *t)
{
    u64 set, real, now;
    if (t->regs.r10 != 8)
        return;
    if (t->regs.rsi && remote_read(t, t->regs.rsi, &set, 8) < 0)
        return;
    if ((!t->regs.rsi || !(set & SYNCHRONOUS)) && !t->hidden_mask)
        return;
    if (ptrace(PTRACE_GETSIGMASK, t->tid, 8, &real) < 0)
        return;
    real |= t->hidden_mask;
    if (t->regs.rsi) {
        switch ((int)t->regs.rdi) {
        case SIG_BLOCK:
            now = real | set;
            break;
        case SIG_UNBLOCK:
            now = real & ~set;
            break;
        case SIG_SETMASK:
            now = set;
            break;
        default:
            return;
        }
        t->hidden_mask = now & SYNCHRONOUS;
        u64 kernel = now & ~SYNCHRONOUS & ~(BIT(SIGKILL) | BIT(SIGSTOP));
        ptrace(PTRACE_SETSIGMASK, t->tid, 8, &kernel);
    }
    bool bad = t->regs.rdx && remote_write(t, t->regs.rdx, &real, 8) < 0;
    remote_skip(t, bad ? -EFAULT : 0);
    signal_release(t);
}
