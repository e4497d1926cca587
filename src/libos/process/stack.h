// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/process/elf_load.h"
#include "libos/process/process.h"

// Fills the initial stack below top, for the credentials of the current thread (secure: AT_SECURE): strings, auxiliary
// vector, envp, argv, argc. Returns the stack pointer
// in ret_layout->stack, where the strings are and the vector beside it. -E2BIG when they do not fit into a quarter of
// the stack.
__nodiscard int stack_fill(u64 top, u64 stack_size, char *const *argv, char *const *envp,
                           const struct elf_image *program, const struct elf_image *interpreter, const char *execfn,
                           bool secure, struct memory_layout *ret_layout);
