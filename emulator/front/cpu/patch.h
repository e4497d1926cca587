// SPDX-License-Identifier: BSD-3-Clause
// CPUID and ENCLU in the program's own code, which are replaced.
#pragma once

#include "front/os/task.h"

void cpuid_patch(struct task *t, u64 start, u64 size, u64 file_offset, const char *path);
void cpuid_patch_loaded(struct task *t); // what execve has mapped
bool cpuid_emulate(struct task *t);
// Is there an instruction at code[at]? At least `of_24` of 24 sweeps begun before it must meet it.
bool is_instruction(const u8 *code, size_t size, size_t at, u32 of_24);
