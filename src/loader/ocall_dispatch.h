// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "abi/occlum/ocall_numbers.h"
#include "base/types.h"

struct host_thread;

extern const char *const ocall_names[OCALL_COUNT];
extern u64 ocall_counts[OCALL_COUNT]; // atomic: calls served

// Serves host call `number` of the thread self: its result or -errno. Made from abi/occlum/ocalls.tbl.
s64 ocall_dispatch(struct host_thread *self, u64 number, const u64 arg[8]);
