// SPDX-License-Identifier: BSD-3-Clause
// Signals that people send to the host process (Ctrl-C, kill, a resized window) are passed on to the program.
#pragma once

// Blocks them in every thread and starts the one that waits for them. Call before other threads are made.
int host_signals_init(void);
