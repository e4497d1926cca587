// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <sys/types.h>

// Runs until the last traced program has ended. Returns the wait status of the first one.
int loop_run(pid_t root);
