// SPDX-License-Identifier: BSD-3-Clause
// The program's general registers, saved by the gate and by exceptions at the top of the thread's kernel stack.
// Same order as Linux's struct sigcontext, so that a signal frame copies them in one piece.
#pragma once

#include "base/types.h"

struct user_regs {
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    u64 orig_rax;     // system call number, or -1 when not in a system call
    u64 full_restore; // non-zero: rcx and r11 must come back too (signals, exceptions, new threads)
};
static_assert(sizeof(struct user_regs) == 160);
