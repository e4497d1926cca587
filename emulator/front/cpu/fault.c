// SPDX-License-Identifier: BSD-3-Clause
// Page faults on ELRANGE, from inside (EPCM checks, AEX) and from outside (abort page: reads see ones, writes vanish).
#include <Zydis/Zydis.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/cpu/batch.h"
#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

struct decoded {
    ZydisDecodedInstruction instruction;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
};

static bool decode(struct task *t, struct decoded *ret_d)
{
    static ZydisDecoder decoder;
    static bool ready;
    u8 code[15];
    size_t size = sizeof(code);
    if (!ready)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ready = true;
    while (size && remote_read(t, t->regs.rip, code, size) < 0)
        size--;
    return size && ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, code, size, &ret_d->instruction, ret_d->operands));
}

static void fill_context(const struct task *t, ZydisRegisterContext *c)
{
    const struct user_regs_struct *r = &t->regs;
    const u64 values[16] = { r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,
                             r->r8,  r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15 };
    memset(c, 0, sizeof(*c));
    for (u32 i = 0; i < 16; i++) {
        c->values[ZYDIS_REGISTER_RAX + i] = values[i];
        c->values[ZYDIS_REGISTER_EAX + i] = (u32)values[i];
    }
    c->values[ZYDIS_REGISTER_RIP] = r->rip;
}

// siginfo does not tell reads from writes: the operand whose address is on the faulting page does.
static enum sgx_access access_of(struct task *t, u64 address)
{
    struct decoded d;
    ZydisRegisterContext context;
    // A fetch names the instruction's first byte, or the first of the page that its end is in.
    if (address == t->regs.rip || (address - t->regs.rip < 15 && address % EMU_PAGE == 0) || !decode(t, &d))
        return SGX_EXEC;
    fill_context(t, &context);
    for (u32 i = 0; i < d.instruction.operand_count; i++) {
        const ZydisDecodedOperand *o = &d.operands[i];
        u64 at;
        if (o->type != ZYDIS_OPERAND_TYPE_MEMORY || o->mem.type == ZYDIS_MEMOP_TYPE_AGEN ||
            !ZYAN_SUCCESS(ZydisCalcAbsoluteAddressEx(&d.instruction, o, t->regs.rip, &context, &at)))
            continue;
        if (o->mem.segment == ZYDIS_REGISTER_FS)
            at += t->regs.fs_base;
        if (o->mem.segment == ZYDIS_REGISTER_GS)
            at += t->regs.gs_base;
        if (d.instruction.mnemonic == ZYDIS_MNEMONIC_PUSH || d.instruction.mnemonic == ZYDIS_MNEMONIC_CALL)
            at -= o->mem.base == ZYDIS_REGISTER_RSP && o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE ? 8 : 0;
        u64 last = at + (o->size ? o->size / 8 - 1 : 0);
        if (address / EMU_PAGE >= at / EMU_PAGE && address / EMU_PAGE <= last / EMU_PAGE &&
            (o->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
            return SGX_WRITE;
    }
    return SGX_READ;
}

static bool vma_allows(u8 vma, enum sgx_access access)
{
    static const u8 needs[] = { [SGX_READ] = PROT_READ, [SGX_WRITE] = PROT_WRITE, [SGX_EXEC] = PROT_EXEC };
    if (access == SGX_READ)
        return vma & (PROT_READ | PROT_WRITE | PROT_EXEC);
    return vma & needs[access];
}

// A load into a general register that sees ones; anything else is left to step_over().
static bool load_ones(struct task *t, const struct decoded *d)
{
    static const size_t offset[16] = { offsetof(struct user_regs_struct, rax), offsetof(struct user_regs_struct, rcx),
                                       offsetof(struct user_regs_struct, rdx), offsetof(struct user_regs_struct, rbx),
                                       offsetof(struct user_regs_struct, rsp), offsetof(struct user_regs_struct, rbp),
                                       offsetof(struct user_regs_struct, rsi), offsetof(struct user_regs_struct, rdi),
                                       offsetof(struct user_regs_struct, r8),  offsetof(struct user_regs_struct, r9),
                                       offsetof(struct user_regs_struct, r10), offsetof(struct user_regs_struct, r11),
                                       offsetof(struct user_regs_struct, r12), offsetof(struct user_regs_struct, r13),
                                       offsetof(struct user_regs_struct, r14), offsetof(struct user_regs_struct, r15) };
    ZydisMnemonic m = d->instruction.mnemonic;
    const ZydisDecodedOperand *to = &d->operands[0], *from = &d->operands[1];
    if ((m != ZYDIS_MNEMONIC_MOV && m != ZYDIS_MNEMONIC_MOVZX) || d->instruction.operand_count < 2)
        return false;
    if (m == ZYDIS_MNEMONIC_MOV && to->type == ZYDIS_OPERAND_TYPE_MEMORY) {
        t->regs.rip += d->instruction.length;
        return true;
    }
    if (to->type != ZYDIS_OPERAND_TYPE_REGISTER || from->type != ZYDIS_OPERAND_TYPE_MEMORY || from->size > 64 ||
        (to->reg.value >= ZYDIS_REGISTER_AH && to->reg.value <= ZYDIS_REGISTER_BH))
        return false;
    ZydisRegister wide = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LONG_64, to->reg.value);
    if (wide < ZYDIS_REGISTER_RAX || wide > ZYDIS_REGISTER_R15)
        return false;
    u64 ones = from->size == 64 ? ~0ull : (1ull << from->size) - 1;
    size_t written = to->size >= 32 ? 8 : to->size / 8u; // narrow registers keep the rest
    memcpy((char *)&t->regs + offset[wide - ZYDIS_REGISTER_RAX], &ones, written);
    t->regs.rip += d->instruction.length;
    return true;
}

// Any other instruction runs for one step on a page of ones in the enclave page's place.
static void step_over(struct task *t, struct view *v, u64 page)
{
    static u8 ones[EMU_PAGE];
    u64 address = v->encl->base + page * EMU_PAGE, mask, none = ~(1ull << (SIGTRAP - 1));
    memset(ones, 0xff, sizeof(ones));
    u64 place[6] = { address, EMU_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, ~0ull, 0 };
    u64 away[6] = { address, EMU_PAGE, PROT_NONE };
    (void)remote_call(t, SYS_mmap, place);
    (void)!remote_write(t, address, ones, sizeof(ones));
    ptrace(PTRACE_GETSIGMASK, t->tid, 8, &mask);
    ptrace(PTRACE_SETSIGMASK, t->tid, 8, &none);
    int status;
    ptrace(PTRACE_SINGLESTEP, t->tid, NULL, NULL);
    if (remote_wait(t, &status))
        remote_get(t);
    ptrace(PTRACE_SETSIGMASK, t->tid, 8, &mask);
    (void)remote_call(t, SYS_mprotect, away);
    char name[64]; // the enclave's page again
    snprintf(name, sizeof(name), "/proc/%d/fd/%d", getpid(), v->encl->memfd);
    (void)remote_write(t, EMU_SCRATCH, name, sizeof(name));
    u64 open_args[6] = { (u64)-100, EMU_SCRATCH, 2 };
    long fd = remote_call(t, SYS_openat, open_args);
    if (fd >= 0) {
        u64 back[6] = { address, EMU_PAGE, PROT_NONE, MAP_SHARED | MAP_FIXED, (u64)fd, page * EMU_PAGE };
        u64 close_args[6] = { (u64)fd };
        (void)remote_call(t, SYS_mmap, back);
        (void)remote_call(t, SYS_close, close_args);
    }
    v->applied[page] = 0;
}

static bool outside(struct task *t, struct view *v, u64 page, u64 address, siginfo_t *info)
{
    struct decoded d;
    if (!vma_allows(v->vma[page], access_of(t, address)))
        return false;
    if (v->encl->pages[page].state != PAGE_LOADED && encl_fault(t, v, page) < 0) {
        info->si_signo = SIGBUS;
        info->si_code = BUS_ADRERR;
        ptrace(PTRACE_SETSIGINFO, t->tid, NULL, info);
        return false;
    }
    if (decode(t, &d) && load_ones(t, &d)) {
        batch_touches(t);
        remote_put(t);
    } else {
        step_over(t, v, page);
    }
    return true;
}

bool on_fault(struct task *t, siginfo_t *info)
{
    u64 address = (u64)(uintptr_t)info->si_addr, page = 0;
    if (info->si_signo == SIGSEGV && info->si_code == SI_KERNEL)
        return t->cpu.in_enclave ? deliver_exception(t, SGX_GP, 0, 0, info) : false;
    struct view *v = view_at(t->mm, address, &page);
    if (!t->cpu.in_enclave)
        return v ? outside(t, v, page, address, info) : false;
    enum sgx_access access = access_of(t, address);
    u32 code = SGX_PFEC_U | (access == SGX_WRITE ? SGX_PFEC_W : 0) | (access == SGX_EXEC ? SGX_PFEC_I : 0);
    if (!v)
        return deliver_exception(t, SGX_PF, code, address, info);
    struct sgx_result r = sgx_check_access(&emu.model, &t->cpu, address, access);
    if (v->encl->pages[page].state == PAGE_LOADED && !r.vector) {
        fsgsbase_turn(t, v, page, access);
        view_raise(t, v, page);
        return true;
    }
    if (v->encl->pages[page].state == PAGE_LOADED || !vma_allows(v->vma[page], access))
        return deliver_exception(t, SGX_PF, r.vector ? r.fault_code : code, address, info);
    enclave_exit_async(t, SGX_PF, code, address);
    if (encl_fault(t, v, page) == 0)
        return resume_now(t, info);
    info->si_signo = SIGBUS;
    info->si_code = BUS_ADRERR;
    return deliver_exception(t, SGX_PF, code, address, info);
}
