// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "abi/occlum/ocall_types.h"
#include "platform/platform.h"

// The page that the enclave reads without leaving.
extern struct host_shared_page loader_page;
// ops: the platform that serves host calls on enclave memory. Before there are threads.
void runtime_init(const struct platform_ops *ops);
// EBX of CPUID leaf 7. OCCLUM_NO_SHA in the environment hides SHA-NI from the enclave, here and later. Before there are
// threads.
u32 runtime_cpuid_7_ebx(void);
