// SPDX-License-Identifier: BSD-3-Clause
// A host signal during enclave code is what an AEX is on hardware: the registers go to the SSA frame with EXITINFO, the
// enclave's exception entry (CSSA = 1) looks at them, and the return from the handler is ERESUME.
// The kernel neither saves nor restores %fs for a handler. This one leaves it as it is: no libc, no thread-local
// storage.
#include <ucontext.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "base/fmt.h"
#include "platform/raw.h"
#include "platform/sim/bases.h"
#include "platform/sim/sim.h"

static bool is_fault(int signo)
{
    return signo == SIGSEGV || signo == SIGBUS || signo == SIGFPE || signo == SIGILL || signo == SIGTRAP ||
           signo == SIGSYS;
}

// EXITINFO and EXINFO of a signal. A raw `syscall`, stopped by Syscall User Dispatch or a filter, is #UD inside an
// enclave.
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

// write(2) and _exit(2): %fs may be the program's.
static _Noreturn void say_and_end(const char *text, size_t len)
{
    RAW(SYS_write, STDERR_FILENO, text, len);
    for (;;)
        RAW(SYS_exit_group, 125);
}

static _Noreturn void crash(int signo, u64 rip)
{
    char text[128];
    say_and_end(text, fmt_format(text, sizeof(text), "occlum: fatal: signal %d in the loader at %#lx\n", signo, rip));
}

static _Noreturn void aborted(u64 value)
{
    char text[160];
    say_and_end(text, fmt_format(text, sizeof(text), "occlum: the enclave stopped: reason %u, vector %u, at %#lx\n",
                                 (unsigned)(value & 0xff), (unsigned)(value >> 8) & 0xff, value >> 16));
}

void sim_signal(int signo, siginfo_t *info, void *context)
{
    ucontext_t *uc = context;
    greg_t *r = uc->uc_mcontext.gregs;
    u64 rip = (u64)r[REG_RIP];

    // A program that jumped out of ELRANGE still has its stack there; the loader never has.
    if (rip >= sim_layout.elrange_size && (u64)r[REG_RSP] >= sim_layout.elrange_size) {
        if (is_fault(signo) && info->si_code > 0)
            crash(signo, rip);
        return; // the interrupt signal only had to end a host call
    }
    const struct enclave_slot_tls *tls = (const struct enclave_slot_tls *)sim_thread_of_handler()->tls;
    u64 frame_end = tls->tcs + ENCLAVE_SLOT_SSA + ENCLAVE_SSA_FRAME_PAGES * PAGE_SIZE;
    struct sgx_gprsgx *g = (struct sgx_gprsgx *)frame_end - 1;

    save_ssa(g, r);
    describe(signo, info, r, g, (struct sgx_exinfo *)g - 1);
    if (bases_by_instruction()) // the program may have changed it; where the kernel does not offer that it must not
        bases_set_gs((u64)(uintptr_t)tls);
    struct sim_entry entry = {
        .oentry = sim_layout.entry,
        .tcs = tls->tcs,
        .cssa = 1,
    };
    sim_enter(&entry);
    if (entry.reason != EXIT_RESUME)
        aborted(entry.value);
    resume_ssa(r, g);
}
