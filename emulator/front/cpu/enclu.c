// SPDX-License-Identifier: BSD-3-Clause
// ENCLU, which is #UD on the host: the model executes it. And the way out by an exception.
#include <string.h>
#include <sys/ptrace.h>

#include "front/cpu/batch.h"
#include "front/cpu/encl.h"
#include "front/cpu/enclu.h"
#include "front/cpu/fsgsbase.h"
#include "front/cpu/view.h"
#include "front/os/emu.h"
#include "front/os/image.h"
#include "front/os/remote.h"

enum { BATCH = 64 };

static void to_cpu(struct task *t)
{
    const struct user_regs_struct *r = &t->regs;
    t->cpu.gpr = (struct sgx_gpr){ r->rax, r->rcx, r->rdx, r->rbx, r->rsp, r->rbp, r->rsi, r->rdi,    r->r8,
                                   r->r9,  r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->eflags, r->rip };
    t->cpu.fs_base = r->fs_base;
    t->cpu.gs_base = r->gs_base;
    if (!t->cpu.in_enclave)
        t->cpu.xcr0 = emu.model.config.xfrm;
}

static void from_cpu(struct task *t)
{
    const struct sgx_gpr *g = &t->cpu.gpr;
    struct user_regs_struct *r = &t->regs;
    r->rax = g->rax, r->rcx = g->rcx, r->rdx = g->rdx, r->rbx = g->rbx;
    r->rsp = g->rsp, r->rbp = g->rbp, r->rsi = g->rsi, r->rdi = g->rdi;
    r->r8 = g->r8, r->r9 = g->r9, r->r10 = g->r10, r->r11 = g->r11;
    r->r12 = g->r12, r->r13 = g->r13, r->r14 = g->r14, r->r15 = g->r15;
    r->eflags = g->rflags, r->rip = g->rip;
    r->fs_base = t->cpu.fs_base;
    r->gs_base = t->cpu.gs_base;
    r->orig_rax = ~0ull;
}

void enclave_exit_async(struct task *t, u32 vector, u32 code, u64 address)
{
    to_cpu(t);
    remote_get_xsave(t);
    sgx_aex(&emu.model, &t->cpu, vector, code, address);
    from_cpu(t);
    remote_put_xsave(t);
    remote_put(t);
}

// Inside, EXINFO tells the address whole; outside, CR2 tells the page (SDM 37.3.4).
bool deliver_exception(struct task *t, u32 vector, u32 code, u64 address, siginfo_t *info)
{
    bool inside = t->cpu.in_enclave;
    if (inside) {
        enclave_exit_async(t, vector, code, address);
        address &= ~0xfffull;
    }
    if (t->regs.rip == t->mm->image + image_symbol("sgx2emu_enclu") && vector != SGX_DB && vector != SGX_BP) {
        t->regs.rdi = vector;
        t->regs.rsi = code;
        t->regs.rdx = address;
        t->regs.rip = t->mm->image + image_symbol("sgx2emu_fixup");
        remote_put(t);
        if (inside && emu.options.abort_page)
            view_hide(t, t->encl);
        return true;
    }
    if (inside && (info->si_signo == SIGILL || info->si_signo == SIGFPE))
        info->si_addr = (void *)(uintptr_t)t->regs.rip; // where the kernel finds the thread: the AEP
    if (vector == SGX_PF && info->si_signo != SIGBUS) {
        info->si_signo = SIGSEGV;
        info->si_code = code & SGX_PFEC_P ? SEGV_ACCERR : SEGV_MAPERR;
        info->si_addr = (void *)(uintptr_t)address;
    } else if (vector == SGX_GP) {
        *info = (siginfo_t){ .si_signo = SIGSEGV, .si_code = SI_KERNEL };
    }
    remote_put(t); // RIP: INT3 was left behind
    ptrace(PTRACE_SETSIGINFO, t->tid, NULL, info);
    return false;
}

// After a fault that the driver has resolved. The thread is at an ENCLU as a rule, ERESUME at its AEP or the entry that
// met the fault: that is executed in the same stop.
bool resume_now(struct task *t, siginfo_t *info)
{
    static u32 depth;
    if (emu.options.no_batch || depth == BATCH || !at_enclu(t)) {
        remote_put(t); // RIP: INT3 was left behind
        return true;
    }
    *info = (siginfo_t){ .si_signo = SIGILL, .si_code = ILL_ILLOPN };
    info->si_addr = (void *)(uintptr_t)t->regs.rip;
    depth++;
    bool handled = on_enclu(t, info);
    depth--;
    return handled;
}

// A page fault of the leaf itself that the driver can resolve: the instruction is then executed again.
static bool resolve(struct task *t, const struct sgx_result *r, siginfo_t *info, bool *ret_handled)
{
    u64 page;
    struct view *v = r->vector == SGX_PF ? view_at(t->mm, r->address, &page) : NULL;
    if (!v || v->encl->pages[page].state == PAGE_LOADED)
        return false;
    if (t->cpu.in_enclave)
        enclave_exit_async(t, SGX_PF, r->fault_code, r->address);
    if (encl_fault(t, v, page) == 0) {
        *ret_handled = resume_now(t, info);
        return true;
    }
    *info = (siginfo_t){ .si_signo = SIGBUS, .si_code = BUS_ADRERR };
    info->si_addr = (void *)(uintptr_t)r->address;
    *ret_handled = deliver_exception(t, SGX_PF, r->fault_code, r->address, info);
    return true;
}

bool at_enclu(struct task *t)
{
    u64 page, rip = t->regs.rip;
    u8 code[3];
    if (patched_at(t, rip))
        return true;
    const struct view *v = t->cpu.in_enclave ? view_at(t->mm, rip, &page) : NULL;
    if (v && rip % EMU_PAGE <= EMU_PAGE - sizeof(code)) // an enclave's code is at hand
        memcpy(code, v->encl->mem + (rip - v->encl->base), sizeof(code));
    else if (remote_read(t, rip, code, sizeof(code)) < 0)
        return false;
    return !memcmp(code, "\x0f\x01\xd7", sizeof(code));
}

bool on_enclu(struct task *t, siginfo_t *info)
{
    bool handled;
    u64 page, rip = t->regs.rip;
    u32 leaf = (u32)t->regs.rax;
    to_cpu(t);
    if (!t->cpu.in_enclave) {
        const struct view *v = view_at(t->mm, t->regs.rbx, &page);
        t->encl = v ? v->encl : NULL;
        if (leaf == ENCLU_ERESUME)
            remote_get_xsave(t);
    }
    struct sgx_result r;
    for (u32 n = 0;; n++) {
        script_event(t, enclu_name(leaf));
        struct view *source = leaf == ENCLU_EACCEPTCOPY ? view_at(t->mm, t->cpu.gpr.rdx, &page) : NULL;
        if (source)
            fsgsbase_to_data(t, source->encl, page);
        r = sgx_enclu(&emu.model, &t->cpu);
        if (r.vector)
            break;
        from_cpu(t);
        if (leaf == ENCLU_ERESUME)
            remote_put_xsave(t);
        bool changes_pages = leaf == ENCLU_EACCEPT || leaf == ENCLU_EACCEPTCOPY || leaf == ENCLU_EMODPE;
        if (emu.options.no_batch || n == BATCH || !(leaf == ENCLU_ERESUME || changes_pages) ||
            !batch_next_leaf(t, changes_pages)) {
            remote_put(t);
            if (leaf == ENCLU_EEXIT && emu.options.abort_page)
                view_hide(t, t->encl);
            return true;
        }
        leaf = (u32)t->regs.rax;
        rip = t->regs.rip;
        to_cpu(t);
    }
    trace("%d: ENCLU leaf %u at %#lx: vector %u, code %#x, address %#lx", t->tid, leaf, rip, r.vector, r.fault_code,
          r.address);
    if (resolve(t, &r, info, &handled))
        return handled;
    return deliver_exception(t, r.vector, r.fault_code, r.address, info);
}
