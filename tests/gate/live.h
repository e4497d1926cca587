// SPDX-License-Identifier: BSD-3-Clause
// Runs a static program in this process with its system calls rewritten; see live.c.
#pragma once

#include "gate/sites.h"

// What %gs points at, and what the parent reads afterwards; in shared memory.
struct live_shared {
    u64 entry;      // %gs:0
    u64 gate_calls; // %gs:8
    u32 kinds[GATE_KIND_COUNT];
    u32 patched;  // sites touched, counted per page
    s32 listener; // seccomp notification descriptor of the child
};

struct live_program {
    u64 entry, stack;
};

// Loads, patches and prepares the program at argv[0]. Exits the process on any error.
void live_load(char **argv, struct live_shared *shared, struct live_program *ret);

// Reports every system call made outside the gate to the parent, by shared->listener.
void live_watch(struct live_shared *shared);

extern const u8 live_gate[], live_gate_end[];
_Noreturn void live_start(u64 entry, u64 stack);
