// SPDX-License-Identifier: BSD-3-Clause
// The budget of user memory: pages that are usable (programs' private pages, file contents, call-gate stubs) never
// exceed layout.user_limit. Reservations and file pages that nobody touched cost nothing. Lock-free.
#pragma once

#include "base/types.h"

void account_init(u64 limit_bytes);
// Takes pages out of the budget: 0, or -ENOMEM and nothing taken.
__nodiscard int account_charge(u64 pages);
// Are so many pages more than is left? Then the limit is noted (limits.h).
void account_note(u64 pages);
void account_uncharge(u64 pages);

struct account_stats {
    u64 committed, peak, limit; // bytes
};
void account_get_stats(struct account_stats *ret_stats);
