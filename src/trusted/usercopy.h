// SPDX-License-Identifier: BSD-3-Clause
// Raw access to program memory: a fault ends it early and is reported, never raised. Use libos/vm/user.h, which
// also brings absent pages in; only code that may not sleep (futex buckets) calls these.
#pragma once

#include "base/types.h"

size_t usercopy_raw(void *dst, const void *src, size_t n); // bytes not copied
size_t hostcopy_raw(void *dst, const void __host *src,
                    size_t units);                      // 8-byte units not copied; hostmem.h is its only user
size_t userclear_raw(void *dst, size_t n);              // bytes not cleared
long userstr_raw(char *dst, const char *src, size_t n); // bytes copied with the NUL, or -1 - bytes before the fault
// *ptr == *expected ? *ptr = new : *expected = *ptr. True if exchanged; *ret_fault = 1 if the access faulted.
bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault);
