// SPDX-License-Identifier: BSD-3-Clause
// ETRACK and what the kernel does after it: an interrupt for every thread that is inside, so that it leaves (AEX) and
// comes back by ERESUME under the new epoch.
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "front/cpu/enclu.h"
#include "front/driver/driver.h"
#include "front/os/emu.h"
#include "front/os/remote.h"
#include "front/os/task.h"

// INT3 inside an enclave is a fault (SDM 40.2), which the host has treated as a trap.
static bool is_int3(const siginfo_t *info) { return info->si_signo == SIGTRAP && info->si_code == SI_KERNEL; }

// The stop may come between a fault and its signal. After the AEX the signal would be out of place; the fault comes
// again.
static void interrupt_inside(struct task *t)
{
    struct __ptrace_peeksiginfo_args args = { .nr = 8 };
    siginfo_t pending[8];
    long count = ptrace(PTRACE_PEEKSIGINFO, t->tid, &args, pending);
    for (long i = 0; i < count; i++)
        if (pending[i].si_code > 0 && (SYNCHRONOUS & SIGNAL_BIT(pending[i].si_signo))) {
            t->stale_fault = pending[i].si_signo;
            if (is_int3(&pending[i]))
                t->regs.rip--;
        }
    enclave_exit_async(t, SGX_AEX_INTERRUPT, 0, 0);
}

static void kick(struct task *t)
{
    int status;
    emu.kicks++;
    if (t->lent)
        return interrupt_inside(t);
    if (ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) < 0 || !remote_wait(t, &status))
        return;
    remote_get(t);
    int event = status >> 16, sig = WSTOPSIG(status);
    if (event == PTRACE_EVENT_SECCOMP) { // SYSCALL inside: is tried again after ERESUME
        t->regs.rip -= 2;
        t->regs.rax = t->regs.orig_rax;
        enclave_exit_async(t, SGX_AEX_INTERRUPT, 0, 0);
        remote_skip(t, (long)t->regs.rax);
        ptrace(PTRACE_CONT, t->tid, NULL, NULL);
        return;
    }
    siginfo_t info = { 0 };
    if (!event)
        ptrace(PTRACE_GETSIGINFO, t->tid, NULL, &info);
    bool trap = !event && is_int3(&info);
    if (trap)
        t->regs.rip--;
    interrupt_inside(t);
    bool fault =
        trap || (!event && info.si_code > 0 && (sig == SIGILL || sig == SIGSEGV || sig == SIGBUS || sig == SIGFPE));
    if (fault || (event == PTRACE_EVENT_STOP && sig == SIGTRAP))
        ptrace(PTRACE_CONT, t->tid, NULL, NULL); // a fault comes again after ERESUME
    else
        t->held_status = status;
}

void encl_track(struct task *t, struct encl *e)
{
    struct sgx_result r = sgx_etrack(&emu.model, (u64)e->secs * EMU_PAGE);
    if (r.vector || r.rax)
        trace("ETRACK: vector %u, code %lu", r.vector, r.rax);
    for (struct task *other = emu.tasks; other; other = other->next)
        if (other != t && other->cpu.in_enclave && other->encl == e && !other->held_status && !other->dead)
            kick(other);
}
