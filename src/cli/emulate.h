// SPDX-License-Identifier: BSD-3-Clause
// `occlum run --emulate`: the same command under sgx2emu.
#pragma once

#include <stdbool.h>

#define EMULATED_MARK "OCCLUM_EMULATED" // set in the environment of the inner command

// True when this process runs under the emulator that emulate_exec started.
bool emulated(void);
// Replaces this process by `sgx2emu OPTIONS occlum ARGUMENTS`. options: words for sgx2emu divided by spaces, or NULL. Returns only when
// it could not: an exit status, after a message.
int emulate_exec(const char *options, int argc, char **argv);
