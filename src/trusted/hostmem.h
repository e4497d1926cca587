// SPDX-License-Identifier: BSD-3-Clause
// The one module that touches memory outside ELRANGE. Copies go in aligned 8-byte units (MMIO stale data, SA-00615 and
// SA-00657), each unit read once; the range must lie wholly outside.
#pragma once

#include "base/types.h"

// True if [addr, addr+len) lies wholly outside ELRANGE and does not wrap.
bool hostmem_outside(u64 addr, u64 len);
// Both end the enclave when the outside range is not outside: the caller has no answer to that.
void hostmem_copy_in(void *dst, const void __host *src, size_t size);
void hostmem_copy_out(void __host *dst, const void *src, size_t size);
// Copies in what may have no memory behind it, as a mapped file that shrank: false then. All 8-byte aligned; the range
// was found to lie outside before.
__nodiscard bool hostmem_try_copy_in(void *dst, const void __host *src, size_t size);
u64 hostmem_read_u64(const void __host *src); // 8-byte aligned
