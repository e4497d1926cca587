// SPDX-License-Identifier: BSD-3-Clause
// `occlum run --emulate`: the same command under sgx2emu.
#pragma once

#include <stdbool.h>

// True when this process runs under sgx2emu, whoever started it: its tracer is named so.
bool emulated(void);
// Replaces this process by `sgx2emu OPTIONS occlum ARGUMENTS`. options: words for sgx2emu, divided and quoted as in a
// shell, or NULL. Returns only when it could not: an exit status, after a message.
int emulate_exec(const char *options, int argc, char **argv);
