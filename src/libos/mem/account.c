// SPDX-License-Identifier: BSD-3-Clause
#include "libos/mem/account.h"

#include "abi/linux/abi.h"
#include "libos/mem/limits.h"

static u64 limit, used, peak; // pages; used and peak are atomic

void account_init(u64 limit_bytes)
{
    limit = limit_bytes / PAGE_SIZE;
    used = peak = 0;
}

int account_charge(u64 pages)
{
    u64 old = __atomic_load_n(&used, __ATOMIC_RELAXED);
    do {
        if (pages > limit - old)
            return -ENOMEM;
    } while (!__atomic_compare_exchange_n(&used, &old, old + pages, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));

    u64 top = __atomic_load_n(&peak, __ATOMIC_RELAXED);
    while (top < old + pages &&
           !__atomic_compare_exchange_n(&peak, &top, old + pages, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
    return 0;
}

void account_note(u64 pages)
{
    if (pages > limit - __atomic_load_n(&used, __ATOMIC_RELAXED))
        limit_note(LIMIT_USER_MEMORY, 0);
}

void account_uncharge(u64 pages) { __atomic_fetch_sub(&used, pages, __ATOMIC_RELAXED); }

void account_get_stats(struct account_stats *ret_stats)
{
    *ret_stats = (struct account_stats){
        .committed = __atomic_load_n(&used, __ATOMIC_RELAXED) * PAGE_SIZE,
        .peak = __atomic_load_n(&peak, __ATOMIC_RELAXED) * PAGE_SIZE,
        .limit = limit * PAGE_SIZE,
    };
}
