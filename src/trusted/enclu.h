// SPDX-License-Identifier: BSD-3-Clause
// ENCLU leaves the enclave executes inside (SDM volume 3D, 38.4). In simulation there is no ENCLU: callers look first.
#pragma once

#include "abi/sgx/arch.h"

// EREPORT: all three in the enclave; target and report aligned to 512 bytes, data to 128.
static inline void enclu_ereport(const struct sgx_targetinfo *target, const u8 data[64], struct sgx_report *report)
{
    u64 leaf = ENCLU_EREPORT;
    __asm__ volatile("enclu" : "+a"(leaf) : "b"(target), "c"(data), "d"(report) : "memory", "cc");
}
