// SPDX-License-Identifier: BSD-3-Clause
// Event counters for `occlum run --report`.
#pragma once

#include "base/types.h"

enum stat_event {
    STAT_EACCEPT,
    STAT_EACCEPTCOPY,
    STAT_EMODPE,
    STAT_RESTRICT_PAGES,
    STAT_TYPE_PAGES,
    STAT_REMOVED_PAGES,
    STAT_PAGE_FAULTS,
    STAT_OCALLS,
    STAT_EXCEPTIONS,
    STAT_COUNT,
};

extern u64 stats_events[STAT_COUNT];

static inline void stats_add(enum stat_event event, u64 count)
{
    __atomic_fetch_add(&stats_events[event], count, __ATOMIC_RELAXED);
}
static inline void stats_count(enum stat_event event) { stats_add(event, 1); }
