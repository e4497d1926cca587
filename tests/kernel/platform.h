// SPDX-License-Identifier: BSD-3-Clause
// Boots the LibOS in this process.
#pragma once

#include "base/types.h"

enum { BENCH_EXIT_FAULT = 99 }; // the bench, or a sanitizer, found a fault

// From here on messages go to the present stderr, whatever becomes of descriptor 2.
void platform_keep_messages(void);
// Runs argv[0], a path inside, as the first process. Returns its wait(2) status.
int platform_run(const char *const *argv);
// Runs the program argv[0] on Linux, in the folder --host.
int native_run(const char *const *argv);
