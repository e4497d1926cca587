// SPDX-License-Identifier: BSD-3-Clause
// What the trusted runtime calls in the LibOS above it.
#pragma once

#include "abi/occlum/ocall_types.h"
#include "trusted/regs.h"

struct tls;

struct runtime_hooks {
    // First entry: args is the host's structure, outside ELRANGE. Never returns.
    void (*boot)(const struct host_start_args __host *args);
    // Serves the system call in regs (orig_rax and the argument registers) and sets rax.
    void (*syscall)(struct user_regs *regs);
    // A fault of the program: vector of the SDM, #PF error code, address (0 if unknown).
    void (*fault)(struct user_regs *regs, u32 vector, u32 error, u64 addr);
    // 1 if the address lies in a call-gate stub.
    int (*in_stub)(u64 rip);
    // What waits for the thread is done before it goes back to the program with regs. 1: it must go back at once,
    // without another look.
    int (*pending)(struct user_regs *regs);
    // A new thread begins, on its own stack. Never returns.
    void (*run)(struct tls *tls);
    // Pages for tables of the runtime, page aligned, not zeroed; count in pages. NULL when there is no memory.
    void *(*pages_alloc)(size_t count);
    void (*pages_free)(void *pages, size_t count);
};

extern const struct runtime_hooks *const hooks;
