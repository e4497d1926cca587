// SPDX-License-Identifier: BSD-3-Clause
// Host threads: one per running slot; an idle one is kept for the next start.
#pragma once

#include "platform/platform.h"

int threads_init(const struct platform_ops *platform, u64 slots_max);
void threads_set_program(const char *name); // for messages
// Enters slot 0 with the start arguments on the calling thread; returns when the enclave has shut down: its wait
// status.
int threads_run_first(u64 start_args);
// Host calls.
int threads_start(u64 slot);
int threads_park(s64 timeout_ns);
int threads_unpark(u64 slot);
int threads_interrupt(u64 slot);
// Interrupts some thread of the enclave, so that it takes host signals.
void threads_interrupt_any(void);
void threads_interrupt_all(void);
// Around the wait of host_poll.c: from begin to end an unpark or interrupt of the calling thread calls host_poll_wake.
// false: one came already, do not wait.
bool threads_poll_begin(void);
void threads_poll_end(void);
