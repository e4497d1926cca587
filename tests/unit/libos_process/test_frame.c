// SPDX-License-Identifier: BSD-3-Clause
#include "base/string.h"
#include "fake.h"
#include "libos/syscall/prototypes.h"

// Offsets from the stack pointer at handler entry, as the Linux x86-64 ABI has them.
enum { AT_UC = 8, AT_MCONTEXT = 8 + 40, AT_SIGMASK = 8 + 296, AT_INFO = 8 + 304, FRAME = 8 + 304 + 128 };
enum { CODE = 4096, STACK = 600 * 1024 };
void signal_set_blocked(u64 mask) { fake_thread.blocked = mask & ~SIGMASK_UNBLOCKABLE; }

static struct process process;

void signal_force(struct user_regs *regs, int signo, int code, u64 addr, u32 trapno, u64 error) { fake_forced = signo; }
bool signal_deliverable(const struct thread *thread) { return false; }

static u64 word(u64 address) { return *(const u64 *)(uintptr_t)address; }
static void set_word(u64 address, u64 value) { *(u64 *)(uintptr_t)address = value; }

static const struct signal_action handler = { .handler = 0x1234,
                                              .restorer = 0x4321,
                                              .flags = SA_RESTORER | SA_SIGINFO };

static void push(void)
{
    siginfo_t info;

    fake_reset();
    fake_thread.process = &process;
    fake_thread.blocked = 0xf0;
    u64 *reg = (u64 *)&fake_regs;
    for (u64 i = 0; i < 18; i++)
        reg[i] = 0x1000 + i;
    fake_regs.rsp = user_addr(STACK);
    fake_regs.rip = user_addr(CODE);
    fake_regs.rflags = 0x246;
    memset(&info, 0, sizeof(info));
    info.si_signo = SIGUSR1;
    if (signal_frame_push(&fake_regs, SIGUSR1, &handler, &info, fake_thread.blocked))
        __builtin_trap();
}

TEST(offsets)
{
    push();
    u64 sp = fake_regs.rsp;
    CHECK_EQ(sp % 16, 8);
    CHECK(sp + FRAME <= user_addr(STACK) - 128); // red zone
    CHECK_EQ(word(sp), 0x4321);
    CHECK_EQ(fake_regs.rdi, SIGUSR1);
    CHECK_EQ(fake_regs.rsi, sp + AT_INFO);
    CHECK_EQ(fake_regs.rdx, sp + AT_UC);
    CHECK_EQ(fake_regs.rip, 0x1234);
    CHECK_EQ(word(sp + AT_MCONTEXT), 0x1000);                 // r8
    CHECK_EQ(word(sp + AT_MCONTEXT + 64), 0x1008);            // rdi
    CHECK_EQ(word(sp + AT_MCONTEXT + 120), user_addr(STACK)); // rsp
    CHECK_EQ(word(sp + AT_MCONTEXT + 128), user_addr(CODE));  // rip
    CHECK_EQ(word(sp + AT_MCONTEXT + 136), 0x246);
    CHECK_EQ(word(sp + AT_SIGMASK), 0xf0);
    u64 fp = word(sp + AT_MCONTEXT + 184);
    CHECK_EQ(fp % 64, 0);
    CHECK_EQ((u32)word(fp + 464), 0x46505853); // "FPXS"
    CHECK_EQ(word(fp + 464) >> 32, 836);
    CHECK_EQ(*(const u32 *)(uintptr_t)(fp + 832), 0x46505845);
}

TEST(alternate_stack)
{
    struct signal_action action = handler;
    siginfo_t info;
    push();
    memset(&info, 0, sizeof(info));
    action.flags |= SA_ONSTACK;
    fake_thread.altstack_sp = user_addr(100 << 10);
    fake_thread.altstack_size = 16 << 10;
    CHECK_EQ(signal_frame_push(&fake_regs, SIGUSR1, &action, &info, fake_thread.blocked), 0);
    CHECK(fake_regs.rsp > user_addr(100 << 10) && fake_regs.rsp < user_addr(116 << 10));
    u64 outer = fake_regs.rsp; // a second signal goes on below, not to the top again
    CHECK_EQ(signal_frame_push(&fake_regs, SIGUSR1, &action, &info, fake_thread.blocked), 0);
    CHECK(fake_regs.rsp < outer);
    fake_regs.rsp = 64; // no stack there
    fake_thread.altstack_size = 0;
    CHECK_EQ(signal_frame_push(&fake_regs, SIGUSR1, &action, &info, fake_thread.blocked), -EFAULT);
}

TEST(round_trip)
{
    push();
    fake_regs.rsp += 8; // the handler's ret
    sys_rt_sigreturn();
    CHECK_EQ(fake_forced, 0);
    CHECK_EQ(fake_regs.rip, user_addr(CODE));
    CHECK_EQ(fake_regs.rsp, user_addr(STACK));
    CHECK_EQ(fake_regs.r15, 0x1007);
    CHECK_EQ(fake_regs.rflags, 0x246);
    CHECK_EQ(fake_thread.blocked, 0xf0);
    CHECK_EQ(fake_restores, 1);
}

TEST(hostile_frames)
{
    push();
    u64 sp = fake_regs.rsp;
    fake_regs.rsp = sp + 8;
    set_word(sp + AT_MCONTEXT + 136, UINT64_MAX);
    set_word(sp + AT_SIGMASK, UINT64_MAX);
    sys_rt_sigreturn();
    CHECK_EQ(fake_regs.rflags, 0x40ed7); // neither TF nor IOPL, NT, RF, VM
    CHECK_EQ(fake_thread.blocked & SIGMASK_UNBLOCKABLE, 0);

    push(); // code outside the program's range, also non-canonical
    sp = fake_regs.rsp;
    fake_regs.rsp = sp + 8;
    set_word(sp + AT_MCONTEXT + 128, 0x8000000000000000ull);
    sys_rt_sigreturn();
    CHECK_EQ(fake_forced, SIGSEGV);
    CHECK(fake_regs.rip != 0x8000000000000000ull);

    push(); // XCOMP_BV: XRSTOR would fault
    sp = fake_regs.rsp;
    fake_regs.rsp = sp + 8;
    set_word(word(sp + AT_MCONTEXT + 184) + 512 + 8, 1ull << 63);
    sys_rt_sigreturn();
    CHECK_EQ(fake_forced, SIGSEGV);
    CHECK_EQ(fake_restores, 0);

    push();
    fake_regs.rsp = 8;
    sys_rt_sigreturn();
    CHECK_EQ(fake_forced, SIGSEGV);
}

TEST(random_frames)
{
    for (int run = 0; run < 20000; run++) {
        push();
        u64 sp = fake_regs.rsp, fp = word(sp + AT_MCONTEXT + 184);
        fake_regs.rsp = sp + 8;
        for (int n = 0; n < 3; n++)
            set_word(ALIGN_DOWN(sp + test_random() % (fp + 832 - sp), 8), test_random());
        set_word(fp + 464 + 16, test_random() % 4096); // xstate_size
        sys_rt_sigreturn();
        if (fake_restores) {
            u64 head[8];
            u32 mxcsr;
            memcpy(head, fake_restored + 512, sizeof(head));
            memcpy(&mxcsr, fake_restored + 24, sizeof(mxcsr));
            CHECK_EQ(head[0] & ~7ull, 0);
            CHECK_EQ(head[1] | head[2] | head[7], 0);
            CHECK_EQ(mxcsr >> 16, 0);
        }
        CHECK_EQ(fake_thread.blocked & SIGMASK_UNBLOCKABLE, 0);
    }
}
