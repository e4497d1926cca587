// SPDX-License-Identifier: BSD-3-Clause
// Inside the EDMM implementation: trimming, and the reserve of idle pages.
#pragma once

#include "trusted/emm.h"

// Takes pages out of the enclave; they are taken (PAGE_BUSY) by the caller, who then says PAGE_NONE.
void edmm_trim(u64 addr, u64 count, enum emm_region region);

// The same for pages of user space that are idle: hidden by the host's page tables, readable and writable in the EPCM.
// They are shown (EACCEPT reads them) only when they are of a type that nobody can touch: whoever has the addresses now
// would not fault on them, and what he wrote would be lost. Not for initial pages.
void edmm_trim_hidden(u64 addr, u64 count);

// The reserve: pages of freed memory that stay for the next use of their addresses, up to RESERVE_PAGES. Initial pages
// always stay and do not count.
bool reserve_admits(u8 state, u64 addr, u64 count);
// Idle pages have been used again or trimmed.
void reserve_taken(u8 state, u64 count);
// Trims the oldest until the reserve is within its limit.
void reserve_shrink(void);
