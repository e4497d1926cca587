// SPDX-License-Identifier: BSD-3-Clause
// The system call filters of the traced programs.
#pragma once

#include "front/os/task.h"

__nodiscard int filter_install(void);
void filter_enclave(struct task *t, int fd, u64 base, u64 size); // adds the rules a program with an enclave needs
