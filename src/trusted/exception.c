// SPDX-License-Identifier: BSD-3-Clause
// Exceptions in two phases. Stage 1 runs at CSSA = 1 on its own small stack, looks only at the SSA frame the CPU wrote,
// and either repairs a user copy, or turns the interrupted program over to stage 2, which runs at CSSA = 0 on the
// thread's kernel stack as if the program had made a system call.
#include "abi/linux/abi.h"
#include "abi/occlum/entry.h"
#include "trusted/log.h"
#include "trusted/exit.h"
#include "trusted/hooks.h"
#include "trusted/layout.h"
#include "trusted/ocall_marshal.h"
#include "trusted/stats.h"
#include "trusted/tcs.h"
#include "trusted/tls.h"
#include "trusted/usercopy.h"

struct stage1_result {
    u64 reason, value;
};

struct stage1_result exception_stage1(u64 tcs);
int exception_stage2(struct user_regs *regs);
void exception_stage2_entry(void);
int gate_run_pending(struct user_regs *regs);
void gate_return(void);
void gate_return_end(void);
void gate_jump(void);
void gate_jump_full(void);
void usercopy_begin(void);
void usercopy_end(void);
void usercopy_fault(void);
void userstr_fault(void);
void usercmpxchg_fault(void);
void enclu_instruction(void);
void enclu_fault(void);

static bool between(u64 addr, void (*begin)(void), void (*end)(void))
{
    return addr >= (u64)(uintptr_t)begin && addr < (u64)(uintptr_t)end;
}

// The fault's continuation inside the user-copy routines, or 0.
static u64 usercopy_fixup(u64 rip)
{
    if (!between(rip, usercopy_begin, usercopy_end))
        return 0;
    if (rip >= (u64)(uintptr_t)usercmpxchg_raw)
        return (u64)(uintptr_t)usercmpxchg_fault;
    if (rip >= (u64)(uintptr_t)userstr_raw)
        return (u64)(uintptr_t)userstr_fault;
    return (u64)(uintptr_t)usercopy_fault;
}

static void save_user_regs(struct user_regs *regs, const struct sgx_gprsgx *g)
{
    *regs = (struct user_regs){
        .r8 = g->r8,
        .r9 = g->r9,
        .r10 = g->r10,
        .r11 = g->r11,
        .r12 = g->r12,
        .r13 = g->r13,
        .r14 = g->r14,
        .r15 = g->r15,
        .rdi = g->rdi,
        .rsi = g->rsi,
        .rbp = g->rbp,
        .rbx = g->rbx,
        .rdx = g->rdx,
        .rax = g->rax,
        .rcx = g->rcx,
        .rsp = g->rsp,
        .rip = g->rip,
        .rflags = g->rflags,
        .orig_rax = (u64)-1,
        .full_restore = 1,
    };
}

static const struct stage1_result resume = { EXIT_RESUME, 0 };

// Stage 2 goes on with the program's registers in *regs.
static struct stage1_result to_stage2(struct tls *tls, struct sgx_gprsgx *g, u32 exitinfo, u32 error, u64 addr)
{
    tls->exception_info = exitinfo;
    tls->exception_error = error;
    tls->exception_addr = addr;
    g->rip = (u64)(uintptr_t)exception_stage2_entry;
    g->rsp = tls->slot.stack_top - sizeof(struct user_regs);
    g->rflags = 0x202;
    return resume;
}

// The last jump back to the program faults itself where the address is not canonical (SDM 3A 3.3.7.1: #GP before RIP
// changes). The program is to be at that address and to have faulted there, as it is when a kernel's IRET faults.
static bool is_return_jump(u32 vector, u64 rip)
{
    return vector == VECTOR_GP && (rip == (u64)(uintptr_t)gate_jump || rip == (u64)(uintptr_t)gate_jump_full);
}

// An exception or interrupt in the LibOS itself.
static struct stage1_result interrupted_libos(struct tls *tls, struct sgx_gprsgx *g, u32 exitinfo, u64 addr)
{
    bool valid = exitinfo & SGX_EXITINFO_VALID;
    u32 vector = SGX_EXITINFO_VECTOR(exitinfo);

    if (!valid) {
        slot_set_pending(&tls->wake, THREAD_HOST); // what it is about is looked at before the program goes on
        if (between(g->rip, gate_return, gate_return_end)) {
            g->rip = (u64)(uintptr_t)gate_return;
            g->rsp = tls->slot.stack_top - sizeof(struct user_regs);
            g->rflags = 0x202;
        }
        return resume;
    }
    if (vector == VECTOR_DB) { // the program came in with the trap flag set: single-stepping ends at the gate
        g->rflags &= ~0x100ull;
        return resume;
    }
    if (vector == VECTOR_PF && tcs_grow_stack(tls, addr))
        return resume;
    if (is_return_jump(vector, g->rip)) {
        struct user_regs *regs = (struct user_regs *)tls->slot.stack_top - 1;
        regs->orig_rax = (u64)-1; // what the call returned is in rax
        regs->full_restore = 1;
        return to_stage2(tls, g, exitinfo, 0, 0);
    }
    u64 fixup = vector == VECTOR_PF || vector == VECTOR_GP ? usercopy_fixup(g->rip) : 0;
    if (g->rip == (u64)(uintptr_t)enclu_instruction)
        fixup = (u64)(uintptr_t)enclu_fault;
    if (!fixup) {
        enclave_dead = 1;
        return (struct stage1_result){ EXIT_ABORT, ABORT_EXCEPTION | ((u64)vector << 8) | (g->rip << 16) };
    }
    g->rip = fixup;
    return resume;
}

struct stage1_result exception_stage1(u64 tcs)
{
    struct tls *tls = tls_self();
    u64 frame_end = tcs + ENCLAVE_SLOT_SSA + ENCLAVE_SSA_FRAME_PAGES * PAGE_SIZE;
    struct sgx_gprsgx *g = (struct sgx_gprsgx *)(frame_end - sizeof(*g));
    const struct sgx_exinfo *exinfo = (const struct sgx_exinfo *)((u64)(uintptr_t)g - sizeof(*exinfo));
    u32 exitinfo = g->exitinfo, vector = SGX_EXITINFO_VECTOR(exitinfo);

    g->exitinfo = 0; // handled once, however often the host enters
    if (tls->state == SLOT_IN_OCALL)
        return resume; // the host interrupted its own entry; nothing of the program runs
    if (g->rip >= enclave_layout.image_start && g->rip < enclave_layout.image_end)
        return interrupted_libos(tls, g, exitinfo, exinfo->maddr);

    save_user_regs((struct user_regs *)tls->slot.stack_top - 1, g);
    return to_stage2(tls, g, exitinfo, exinfo->errcd, vector == VECTOR_PF || vector == VECTOR_GP ? exinfo->maddr : 0);
}

int gate_run_pending(struct user_regs *regs) { return hooks->pending(regs); }

static bool is_syscall_instruction(u64 rip)
{
    u8 bytes[2];
    return usercopy_raw(bytes, (const void *)rip, 2) == 0 && bytes[0] == 0x0f && bytes[1] == 0x05;
}

// A raw `syscall` (not rewritten): serve it as the CPU would have entered the kernel.
static void raw_syscall(struct user_regs *regs)
{
    regs->rcx = regs->rip + 2;
    regs->r11 = regs->rflags;
    regs->rip += 2;
    regs->orig_rax = regs->rax;
    hooks->syscall(regs);
}

// Returns 1 to go back without a look at pending work (an interrupt inside a call-gate stub: the system call that
// follows at once will look).
int exception_stage2(struct user_regs *regs)
{
    struct tls *tls = tls_self();
    u32 vector = SGX_EXITINFO_VECTOR(tls->exception_info), error = tls->exception_error;
    u64 addr = tls->exception_addr;

    stats_count(STAT_EXCEPTIONS);
    if (vector == VECTOR_PF)
        stats_count(STAT_PAGE_FAULTS);
    ocall_note_host_signals(); // one may have come while the host had the thread
    if (!(tls->exception_info & SGX_EXITINFO_VALID)) {
        slot_set_pending(&tls->wake, THREAD_HOST);
        return hooks->in_stub(regs->rip);
    }
    if (vector == VECTOR_UD && is_syscall_instruction(regs->rip)) {
        raw_syscall(regs);
        return 0;
    }
    hooks->fault(regs, vector, error, addr);
    return 0;
}
