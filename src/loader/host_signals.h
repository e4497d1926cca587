// SPDX-License-Identifier: BSD-3-Clause
// Signals that people send to the host process (Ctrl-C, kill, a resized window) are passed on to the program.
#pragma once

#include "abi/occlum/ocall_types.h"

// Blocks them in every thread and starts the one that waits for them. Call before other threads are made.
int host_signals_init(struct host_shared_page *page);
// The signals that arrived and were not yet taken, as a mask (bit n-1: signal n).
s64 host_signals_take(void);
