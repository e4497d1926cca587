// SPDX-License-Identifier: BSD-3-Clause
// The trace of system calls (OCCLUM_LOG_LEVEL=trace), in strace's form: a line a call with its arguments by their
// types, the answer with the name of its error, and the time it took.
#pragma once

#include "libos/syscall/dispatch.h"

// Makes the call and writes its line. Calls that do not come back are written before.
long syscall_traced(const struct syscall_entry *entry, const u64 args[6]);
// The line of a call that nobody serves.
void syscall_trace_unknown(const char *name, u64 number);
