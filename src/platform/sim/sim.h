// SPDX-License-Identifier: BSD-3-Clause
// The simulation's parts.
#pragma once

#include <signal.h>

#include "platform/platform.h"

enum { SIM_STACK_SIZE = 0x20000 }; // as in enter.S

// Arguments of sim_enter; offsets as in enter.S.
struct sim_entry {
    u64 tls, oentry, tcs, cssa;
    u64 code, arg, arena, arena_size;
    u64 reason, value;
};
void sim_enter(struct sim_entry *entry);

// Signals (signals.c).
void sim_signal_entry(int signo, siginfo_t *info, void *context);
void sim_signal(int signo, siginfo_t *info, void *context);
int sim_install_handlers(void);

extern struct enclave_layout sim_layout;
// The tls page of the slot this host thread serves. A program can change %gs, so an exception does not take it from
// there.
extern __thread u64 sim_current_tls;
