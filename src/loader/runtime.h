// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "abi/occlum/ocall_types.h"
#include "platform/platform.h"

// The page that the enclave reads without leaving.
extern struct host_shared_page loader_page;
// The platform that serves host calls on enclave memory.
void runtime_set_platform(const struct platform_ops *ops);
