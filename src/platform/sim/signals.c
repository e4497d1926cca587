// SPDX-License-Identifier: BSD-3-Clause
// A host signal during enclave code is what an AEX is on hardware: the registers go to the SSA frame with EXITINFO, the
// enclave's exception entry (CSSA = 1) looks at them, and the return from the handler is ERESUME.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "platform/sim/sim.h"

static bool is_fault(int signo)
{
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL || signo == SIGTRAP ||
           signo == SIGSYS;
}

// EXITINFO and EXINFO of a signal. A raw `syscall`, stopped by Syscall User Dispatch, is #UD inside an enclave.
static void describe(int signo, const siginfo_t *info, const greg_t *r, struct sgx_gprsgx *g, struct sgx_exinfo *exinfo)
{
    u32 vector;

    *exinfo = (struct sgx_exinfo){ 0 };
    g->exitinfo = 0;
    if (!is_fault(signo) || info->si_code <= 0) // sent by a process, not raised by the CPU
        return;
    if (signo == SIGSYS) {
        vector = VECTOR_UD;
        g->rip -= 2;
    } else if (signo == SIGBUS && r[REG_TRAPNO] == 0) {
        vector = VECTOR_GP;
    } else {
        vector = (u32)r[REG_TRAPNO];
    }
    if (vector == VECTOR_PF) {
        exinfo->maddr = (u64)r[REG_CR2];
        exinfo->errcd = (u32)r[REG_ERR];
    }
    g->exitinfo = SGX_EXITINFO_VALID | ((u32)(vector == 3 ? SGX_EXIT_SW : SGX_EXIT_HW) << 8) | (vector & 0xff);
}

static void save_ssa(struct sgx_gprsgx *g, const greg_t *r)
{
    g->rax = (u64)r[REG_RAX], g->rcx = (u64)r[REG_RCX], g->rdx = (u64)r[REG_RDX], g->rbx = (u64)r[REG_RBX];
    g->rsp = (u64)r[REG_RSP], g->rbp = (u64)r[REG_RBP], g->rsi = (u64)r[REG_RSI], g->rdi = (u64)r[REG_RDI];
    g->r8 = (u64)r[REG_R8], g->r9 = (u64)r[REG_R9], g->r10 = (u64)r[REG_R10], g->r11 = (u64)r[REG_R11];
    g->r12 = (u64)r[REG_R12], g->r13 = (u64)r[REG_R13], g->r14 = (u64)r[REG_R14], g->r15 = (u64)r[REG_R15];
    g->rip = (u64)r[REG_RIP], g->rflags = (u64)r[REG_EFL];
}

static void resume_ssa(greg_t *r, const struct sgx_gprsgx *g)
{
    r[REG_RAX] = (greg_t)g->rax, r[REG_RCX] = (greg_t)g->rcx, r[REG_RDX] = (greg_t)g->rdx, r[REG_RBX] = (greg_t)g->rbx;
    r[REG_RSP] = (greg_t)g->rsp, r[REG_RBP] = (greg_t)g->rbp, r[REG_RSI] = (greg_t)g->rsi, r[REG_RDI] = (greg_t)g->rdi;
    r[REG_R8] = (greg_t)g->r8, r[REG_R9] = (greg_t)g->r9, r[REG_R10] = (greg_t)g->r10, r[REG_R11] = (greg_t)g->r11;
    r[REG_R12] = (greg_t)g->r12, r[REG_R13] = (greg_t)g->r13, r[REG_R14] = (greg_t)g->r14, r[REG_R15] = (greg_t)g->r15;
    r[REG_RIP] = (greg_t)g->rip, r[REG_EFL] = (greg_t)g->rflags;
}

static _Noreturn void crash(int signo, u64 rip)
{
    char text[128];
    int len = snprintf(text, sizeof(text), "occlum: fatal: signal %d in the loader at %#llx\n", signo,
                       (unsigned long long)rip);
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(125);
    signal(signo, SIG_DFL);
    raise(signo);
    _exit(125);
}

static _Noreturn void aborted(u64 value)
{
    char text[160];
    int len = snprintf(text, sizeof(text), "occlum: the enclave stopped: reason %u, vector %u, at %#llx\n",
                       (unsigned)(value & 0xff), (unsigned)(value >> 8) & 0xff, (unsigned long long)(value >> 16));
    if (write(STDERR_FILENO, text, (size_t)len) < 0)
        _exit(125);
    _exit(125);
}

void sim_signal(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    u64 rip = (u64)r[REG_RIP];
    int saved_errno = errno;

    // A program that jumped out of ELRANGE still has its stack there; the loader never has.
    if (rip >= sim_layout.elrange_size && (u64)r[REG_RSP] >= sim_layout.elrange_size) {
        if (is_fault(signo) && info->si_code > 0)
            crash(signo, rip);
        return; // the interrupt signal only had to end a host call
    }
    const struct enclave_slot_tls *tls = (const struct enclave_slot_tls *)sim_current_tls;
    u64 frame_end = tls->tcs + ENCLAVE_SLOT_SSA + ENCLAVE_SSA_FRAME_PAGES * PAGE_SIZE;
    struct sgx_gprsgx *g = (struct sgx_gprsgx *)frame_end - 1;

    save_ssa(g, r);
    describe(signo, info, r, g, (struct sgx_exinfo *)g - 1);
    struct sim_entry entry = {
        .tls = (u64)(uintptr_t)tls,
        .oentry = sim_layout.entry,
        .tcs = tls->tcs,
        .cssa = 1,
    };
    sim_enter(&entry);
    if (entry.reason != EXIT_RESUME)
        aborted(entry.value);
    resume_ssa(r, g);
    errno = saved_errno;
}

int sim_install_handlers(void)
{
    const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, platform_interrupt_signal() };
    struct sigaction action = { .sa_sigaction = sim_signal_entry, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return -errno;
    return 0;
}
