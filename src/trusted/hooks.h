// SPDX-License-Identifier: BSD-3-Clause
// What the trusted runtime calls in the LibOS above it.
#pragma once

#include "abi/occlum/ocall_types.h"
#include "trusted/regs.h"

struct runtime_hooks {
    // First entry: args is the host's structure, outside ELRANGE. Never returns.
    void (*boot)(const struct host_start_args __host *args);
    // Serves the system call in regs (orig_rax and the argument registers) and sets rax.
    void (*syscall)(struct user_regs *regs);
    // A fault of the program: vector of the SDM, #PF error code, address (0 if unknown).
    void (*fault)(struct user_regs *regs, u32 vector, u32 error, u64 addr);
    // 1 if the address lies in a call-gate stub.
    int (*in_stub)(u64 rip);
};

extern const struct runtime_hooks *const hooks;
