// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "trusted/regs.h"

// One row of the table that tools/gen-syscalls.py makes from syscalls.tbl; call is NULL where nothing is implemented.
struct syscall_entry {
    long (*call)(const u64 args[6]);
    const char *name;
    const char *format; // of the arguments, for the trace
};
extern const struct syscall_entry syscall_table[];
extern const u32 syscall_table_size;

// Serves regs->orig_rax and sets regs->rax. Called by the gate and for raw `syscall` instructions.
void syscall_dispatch(struct user_regs *regs);
