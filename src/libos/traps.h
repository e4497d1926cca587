// SPDX-License-Identifier: BSD-3-Clause
// The hooks of the trusted runtime (trusted/hooks.h) for faults and pending work.
#pragma once

#include "trusted/regs.h"

// At boot: host_signals is the untrusted address of the word in which the host shows signals of its process.
void traps_init(u64 host_signals);
// A fault of the program: vector of the SDM, error code and address of #PF. It is served, or becomes a signal.
void trap_fault(struct user_regs *regs, u32 vector, u32 error, u64 addr);
int trap_in_stub(u64 rip);
int trap_pending(struct user_regs *regs);
