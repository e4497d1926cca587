// SPDX-License-Identifier: BSD-3-Clause
// What people are told when the enclave ends, or does not begin. Needs libc: %fs is the host's.
#pragma once

#include "base/types.h"

// The program's name, for messages.
void messages_set_program(const char *name);
// EXIT_ABORT: says why the enclave stopped and ends the process.
_Noreturn void message_aborted(u64 value);
// EXIT_SHUTDOWN of a program that did not even start (REFUSED_*; 0: it ran): says why, whatever the enclave's log may
// say.
void message_refused_start(u64 refusal);
const char *message_of_refusal(u64 refusal); // REFUSED_* in words
// EXIT_REFUSED: nothing to say if the enclave is shutting down, or does so within ten seconds; else ends the process.
void message_refused_entry(u64 slot, const bool *shutting_down);
