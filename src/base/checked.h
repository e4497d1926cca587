// SPDX-License-Identifier: BSD-3-Clause
// Arithmetic that cannot wrap silently, and range predicates built on it.
#pragma once

#include "base/types.h"

// Each returns true when the mathematical result does not fit; *ret is then unspecified.
static inline bool add_overflow_u64(u64 a, u64 b, u64 *ret) { return __builtin_add_overflow(a, b, ret); }
static inline bool mul_overflow_u64(u64 a, u64 b, u64 *ret) { return __builtin_mul_overflow(a, b, ret); }

// True if [start, start+len) lies within [lo, hi). An empty range lies within if start is in [lo, hi].
static inline bool range_within(u64 start, u64 len, u64 lo, u64 hi)
{
    return start >= lo && start <= hi && len <= hi - start;
}

// True if [start, start+len) has no byte in [lo, hi) and does not wrap around the address space.
static inline bool range_outside(u64 start, u64 len, u64 lo, u64 hi)
{
    if (len > UINT64_MAX - start)
        return false;
    return start + len <= lo || start >= hi;
}
