// SPDX-License-Identifier: BSD-3-Clause
// A small interpreter. A stop of the traced program costs more than a hundred of its instructions, so between two stops
// that follow each other closely (EACCEPT in a loop, bytes touched page by page) the supervisor executes the loop
// itself.
#pragma once

#include <stddef.h>

#include "base/types.h"

struct ahead {
    u64 gpr[16]; // in the order of encodings: RAX RCX RDX RBX RSP RBP RSI RDI R8..R15
    u64 rip, rflags, fs_base, gs_base;
    void *context;
    // Where `size` bytes (at most 8) of the program's memory lie; NULL: leave that instruction to the CPU.
    u8 *(*memory)(void *context, u64 address, size_t size, bool write);
    // Instruction bytes at `address`, *ret_size of them.
    const u8 *(*code)(void *context, u64 address, size_t *ret_size);
};

// Executes the instruction at RIP as the CPU would. False: it is none of those that are known here, or memory()
// refused: nothing has changed.
bool ahead_step(struct ahead *a);
