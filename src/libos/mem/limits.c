// SPDX-License-Identifier: BSD-3-Clause
#include "libos/mem/limits.h"

volatile u32 limits_due;
u64 limit_values[LIMIT_KINDS];
static volatile u32 noted; // ever; atomic

void limit_note(enum limit limit, u64 value)
{
    u32 bit = 1u << limit;
    if (likely((noted & bit) || (__atomic_fetch_or(&noted, bit, __ATOMIC_RELAXED) & bit)))
        return;
    limit_values[limit] = value;
    __atomic_fetch_or(&limits_due, bit, __ATOMIC_RELEASE);
}
