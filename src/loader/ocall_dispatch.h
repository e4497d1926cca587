// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// Serves host call `number`: its result or -errno. Made from abi/occlum/ocalls.tbl.
s64 ocall_dispatch(u64 number, const u64 arg[8]);
