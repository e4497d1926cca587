// SPDX-License-Identifier: BSD-3-Clause
// A limit of Occlum.json that somebody met is told once a run, in a line that names the field and its value. Whoever
// meets it may hold any lock, so it is only noted there; the line is written at the end of the system call or fault.
#pragma once

#include "base/types.h"

enum limit {
    LIMIT_USER_MEMORY, // memory of programs and of files in memory
    LIMIT_KERNEL_HEAP,
    LIMIT_THREADS,
    LIMIT_MEMORY_FILES, // bytes of a file system in memory
    LIMIT_MEMORY_NAMES, // files of all file systems in memory
    LIMIT_KINDS
};

// Any lock may be held. `value`: of the field where only the caller knows it, else 0.
void limit_note(enum limit limit, u64 value);

extern u64 limit_values[LIMIT_KINDS]; // written by who noted the limit, before it is due
extern volatile u32 limits_due;       // bits of limits that are noted and not told yet
// Tells what is due as met by program `name`. No lock may be held.
void limits_tell(const char *name, u32 pid);
