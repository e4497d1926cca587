// SPDX-License-Identifier: BSD-3-Clause
// Signal frames as Linux lays them out on x86-64 (arch/x86 uapi: struct ucontext, sigcontext; the XSAVE area with its
// software-reserved bytes), and rt_sigreturn, which believes nothing of what it finds there.
#include "base/string.h"
#include "abi/linux/abi.h"
#include <asm/ucontext.h>

#include "trusted/log.h"
#include "libos/mem/heap.h"
#include "libos/signal/signal.h"
#include "libos/tree/process.h"
#include "libos/vm/vm.h"
#include "libos/syscall/prototypes.h"
#include "libos/vm/user.h"
#include "trusted/cpu.h"
#include "trusted/layout.h"
#include "trusted/vector.h"

enum {
    RED_ZONE = 128,
    USER_CS = 0x33,
    USER_SS = 0x2b,
    UC_FLAGS = 1 | 2 | 4, // UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS
    FX_SW_RESERVED = 464, // offset of struct _fpx_sw_bytes in the legacy area
    XSAVE_HEADER = 512,
    MXCSR = 24,
};
// Flags a program may set by sigreturn: CF PF AF ZF SF DF OF AC. TF would single-step the way back itself and RF means
// nothing without a debugger. Bit 1 and IF are always one.
#define FLAGS_ALLOWED 0x40cd5ull
#define FLAGS_FIXED 0x202ull

struct frame {
    u64 restorer;
    struct ucontext uc;
    siginfo_t info;
};

// Where the frame begins; *ret_low is the lowest address that it may have: a frame on the alternate stack ends there.
static u64 stack_for(const struct user_regs *regs, const struct signal_action *action, u64 *ret_low)
{
    const struct thread *thread = current;
    stack_t stack;

    signal_altstack_get(regs->rsp, &stack);
    int state = stack.ss_flags & (SS_ONSTACK | SS_DISABLE);
    bool enters = (action->flags & SA_ONSTACK) && !state;
    *ret_low = enters || state == SS_ONSTACK ? thread->altstack_sp + 1 : 0;
    return enters ? thread->altstack_sp + thread->altstack_size : regs->rsp - RED_ZONE;
}

// Saves the live vector state below *sp, 64-byte aligned, followed by the end mark. Returns its address or 0.
static u64 push_vector_state(u64 *sp)
{
    size_t size = vector_state_size();
    u64 at = ALIGN_DOWN(*sp - size - sizeof(u32), 64);
    struct _fpx_sw_bytes sw = {
        .magic1 = FP_XSTATE_MAGIC1, .extended_size = (u32)size + 4, .xfeatures = cpu_xfrm(), .xstate_size = (u32)size
    };
    u32 magic2 = FP_XSTATE_MAGIC2;
    size_t pages = DIV_ROUND_UP(size, PAGE_SIZE);
    u8 *area = kpages_alloc(pages);

    if (!area)
        return 0;
    memset(area, 0, size);
    vector_save(area);
    memcpy(area + FX_SW_RESERVED, &sw, sizeof(sw));
    bool failed = copy_to_user((void __user *)at, area, size) ||
                  copy_to_user((void __user *)(at + size), &magic2, sizeof(magic2));
    kpages_free(area, pages);
    *sp = at;
    return failed ? 0 : at;
}

static void fill_context(struct ucontext *uc, const struct user_regs *regs, u64 fpstate, u64 mask)
{
    const struct thread *thread = current;
    struct sigcontext *sc = &uc->uc_mcontext;

    uc->uc_flags = UC_FLAGS;
    uc->uc_stack.ss_sp = (void *)thread->altstack_sp;
    uc->uc_stack.ss_size = thread->altstack_size;
    uc->uc_stack.ss_flags = thread->altstack_size ? (int)thread->altstack_flags : SS_DISABLE;
    static_assert(offsetof(struct user_regs, rflags) == offsetof(struct sigcontext, eflags) &&
                  offsetof(struct sigcontext, r8) == 0);
    memcpy(sc, regs, offsetof(struct user_regs, orig_rax));
    sc->rip = vm_original_rip(regs->rip);
    sc->cs = USER_CS;
    sc->ss = USER_SS;
    sc->err = thread->fault_error;
    sc->trapno = thread->fault_trapno;
    sc->cr2 = thread->fault_addr;
    sc->oldmask = mask;
    sc->fpstate = (void *)fpstate;
    uc->uc_sigmask = mask;
}

int signal_frame_push(struct user_regs *regs, int signo, const struct signal_action *action, const siginfo_t *info,
                      u64 mask)
{
    struct frame frame;
    u64 low, sp = stack_for(regs, action, &low);

    memset(&frame, 0, sizeof(frame));
    u64 fpstate = push_vector_state(&sp);
    if (!fpstate || !(action->flags & SA_RESTORER))
        return -EFAULT;
    sp = ALIGN_DOWN(sp - sizeof(frame), 16) - 8;
    if (sp < low)
        return -EFAULT;
    fill_context(&frame.uc, regs, fpstate, mask);
    frame.restorer = action->restorer;
    frame.info = *info;
    if (copy_to_user((void __user *)sp, &frame, sizeof(frame)))
        return -EFAULT;
    if (current->altstack_flags & SS_AUTODISARM) { // sigreturn arms it again
        current->altstack_sp = current->altstack_size = 0;
        current->altstack_flags = SS_DISABLE;
    }
    regs->rdi = (u64)signo;
    regs->rsi = sp + offsetof(struct frame, info);
    regs->rdx = sp + offsetof(struct frame, uc);
    regs->rax = 0;
    regs->rsp = sp;
    regs->rip = action->handler;
    regs->rflags = FLAGS_FIXED;
    regs->orig_rax = (u64)-1;
    regs->full_restore = 1;
    return 0;
}

static bool header_ok(const u8 *area)
{
    u64 header[8];
    memcpy(header, area + XSAVE_HEADER, sizeof(header));
    for (int i = 1; i < 8; i++) // XCOMP_BV and the reserved words: XRSTOR faults on anything else
        if (header[i])
            return false;
    return true;
}

// Loads the vector state the program left in its frame. What XRSTOR would fault on is taken out first.
static int restore_vector_state(u64 at)
{
    size_t size = vector_state_size(), pages = DIV_ROUND_UP(size, PAGE_SIZE);
    struct _fpx_sw_bytes sw;
    u64 features;
    u32 mxcsr;

    if (!at) {
        vector_reset();
        return 0;
    }
    u8 *area = kpages_alloc(pages);
    if (!area)
        return -ENOMEM;
    memset(area, 0, pages * PAGE_SIZE);
    int err = copy_from_user(area, (const void __user *)at, 512);
    memcpy(&sw, area + FX_SW_RESERVED, sizeof(sw));
    bool extended = sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size <= size && sw.xstate_size >= 576;
    if (!err && extended)
        err = copy_from_user(area, (const void __user *)at, sw.xstate_size);
    if (!err && extended && !header_ok(area))
        err = -EFAULT;
    if (!err) {
        features = 3;
        if (extended)
            memcpy(&features, area + XSAVE_HEADER, sizeof(features));
        features &= cpu_xfrm();
        memcpy(area + XSAVE_HEADER, &features, sizeof(features));
        memcpy(&mxcsr, area + MXCSR, sizeof(mxcsr));
        mxcsr &= 0xffff;
        memcpy(area + MXCSR, &mxcsr, sizeof(mxcsr));
        memset(area + FX_SW_RESERVED, 0, 48);
        vector_restore(area);
    }
    kpages_free(area, pages);
    return err;
}

long sys_rt_sigreturn(void)
{
    struct user_regs *regs = current->regs;
    struct ucontext uc;
    struct sigcontext *sc = &uc.uc_mcontext;
    u64 at = regs->rsp - 8 + offsetof(struct frame, uc);

    if (copy_from_user(&uc, (const void __user *)at, sizeof(uc)) || restore_vector_state((u64)sc->fpstate)) {
        signal_force(regs, SIGSEGV, SI_KERNEL, 0, 13, 0);
        return 0;
    }
    u64 full = offsetof(struct user_regs, orig_rax);
    // Neither the way back to the program nor a restart may run at an address that is not the program's.
    if (!range_is_user(sc->rip, 1)) {
        signal_force(regs, SIGSEGV, SEGV_MAPERR, sc->rip, 14, 0);
        return (long)regs->rax;
    }
    memcpy(regs, sc, full);
    regs->rip = vm_resume_rip(current->mm, regs->rip);
    regs->rflags = (regs->rflags & FLAGS_ALLOWED) | FLAGS_FIXED;
    regs->orig_rax = (u64)-1;
    regs->full_restore = 1;
    signal_set_blocked(uc.uc_sigmask);
    int refused = signal_altstack_set(regs->rsp, &uc.uc_stack);
    if (refused) // leaves what is set, as on Linux
        log_debug("[%u] sigreturn: no alternate stack: %d", current->tid, refused);
    return (long)regs->rax;
}
