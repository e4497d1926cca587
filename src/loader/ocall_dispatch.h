// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "abi/occlum/ocall_numbers.h"
#include "base/types.h"

extern const char *const ocall_names[OCALL_COUNT];
extern u64 ocall_counts[OCALL_COUNT]; // atomic: calls served

// Serves host call `number`: its result or -errno. Made from abi/occlum/ocalls.tbl.
s64 ocall_dispatch(u64 number, const u64 arg[8]);
