// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// From now on a system call that the calling thread makes from an address below `end` raises SIGSYS instead. Each
// thread calls it before it enters the enclave; the first one before it makes others. 0; -errno where the machine has
// neither Syscall User Dispatch nor seccomp filters. OCCLUM_NO_SUD in the environment hides the first.
int sim_catch_syscalls(u64 end);
