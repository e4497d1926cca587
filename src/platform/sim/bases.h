// SPDX-License-Identifier: BSD-3-Clause
// The bases of %fs and %gs. By instruction where the kernel offers it (FSGSBASE, AT_HWCAP2 bit 1, Linux 5.9), else by
// arch_prctl(2). Where the bit is clear the instructions may work and the kernel does not know of it: the next context
// switch puts back the base it remembers. So the bit alone decides, and nothing is tried.
#pragma once

#include "base/types.h"

// Decides, once, before there are threads. The environment variable OCCLUM_NO_FSGSBASE (not empty, not "0") hides what
// the kernel offers.
void bases_init(void);
// True if the instructions are used: a program can then change its bases without anybody's help.
bool bases_by_instruction(void);

// The calling thread's base from now on. base: below 2^47. 0 or -errno.
int bases_set_fs(u64 base);
int bases_set_gs(u64 base);
// The calling thread's %fs base: read where that is an instruction, else `remembered`, the last one that was set.
u64 bases_get_fs(u64 remembered);
// The %fs base of a thread that runs libc's code. The x86-64 ABI has the base itself at %fs:0.
u64 bases_libc_fs(void);
