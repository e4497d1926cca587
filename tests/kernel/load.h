// SPDX-License-Identifier: BSD-3-Clause
// What the parts of the random load share: prog_load.c has the threads, load_children.c the processes beside them.
#pragma once

#include "abi/linux/abi.h"
#include "generate.h"

enum { LOAD_STACK = KIB(64), LOAD_CHILD_CALLS = 40 };
#define LOAD_THREAD_FLAGS (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)

struct worker {
    struct generator generator;
    u32 pids[GENERATOR_PIDS];
    u32 next_pid;
    u32 tid; // of the LibOS
    u64 calls;
    user_addr stack, child_stack, memory;
    u32 marked; // the word at its stack's lower end, which its forks change for themselves
    bool done;
};

user_addr load_map(size_t size); // 0: there is none
void load_calls(struct generator *generator, u64 count);

// Sometimes a process beside the threads, now and then: as vfork makes it, or as fork.
void load_child(struct worker *worker);
// Children sleep too: all of them are woken. Those that ended are reaped, whoever's they were.
void load_nudge_children(void);
