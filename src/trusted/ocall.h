// SPDX-License-Identifier: BSD-3-Clause
// Host calls as C functions: made from abi/occlum/ocalls.tbl. Results are checked against the table; a result may
// also be -errno of the host. May be called wherever sleeping is allowed.
#pragma once

#include "trusted/ocall_stubs.h"

#define OCALL_MAX_FD (1 << 20)
#define OCALL_MAX_DATA (128u << 10) // bytes of data one call may carry in and out together
