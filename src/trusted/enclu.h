// SPDX-License-Identifier: BSD-3-Clause
// ENCLU leaves the enclave executes inside (SDM volume 3D, 38.4). In simulation there is no ENCLU: callers look first.
#pragma once

#include "abi/sgx/arch.h"

#define ENCLU_FAULT UINT64_MAX // the page is not there, or not in the state the leaf wants

// Executes the leaf with RBX, RCX, RDX. Returns RAX, or ENCLU_FAULT.
u64 enclu_raw(u64 leaf, u64 rbx, u64 rcx, u64 rdx);

// EREPORT: all three in the enclave; target and report aligned to 512 bytes, data to 128.
static inline void enclu_ereport(const struct sgx_targetinfo *target, const u8 data[64], struct sgx_report *report)
{
    u64 leaf = ENCLU_EREPORT;
    __asm__ volatile("enclu" : "+a"(leaf) : "b"(target), "c"(data), "d"(report) : "memory", "cc");
}

// EGETKEY: request aligned to 512 bytes, key to 16. 0 or an SGX error code.
static inline u64 enclu_egetkey(const struct sgx_keyrequest *request, u8 key[16])
{
    return enclu_raw(ENCLU_EGETKEY, (u64)(uintptr_t)request, (u64)(uintptr_t)key, 0);
}

// EACCEPT of one page: 0, an SGX error code, or ENCLU_FAULT. flags: SECINFO.FLAGS, what the page must be.
static inline u64 enclu_eaccept(u64 page, u64 flags)
{
    struct sgx_secinfo secinfo = { .flags = flags };
    return enclu_raw(ENCLU_EACCEPT, (u64)(uintptr_t)&secinfo, page, 0);
}

// EACCEPTCOPY: a pending page becomes a copy of `source` with the access in flags.
static inline u64 enclu_eacceptcopy(u64 page, u64 flags, u64 source)
{
    struct sgx_secinfo secinfo = { .flags = flags };
    return enclu_raw(ENCLU_EACCEPTCOPY, (u64)(uintptr_t)&secinfo, page, source);
}

// EMODPE: adds the access in flags to the page's. It has no result: it works or faults.
static inline bool enclu_emodpe(u64 page, u64 flags)
{
    struct sgx_secinfo secinfo = { .flags = flags };
    return enclu_raw(ENCLU_EMODPE, (u64)(uintptr_t)&secinfo, page, 0) != ENCLU_FAULT;
}
