// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/stats.h"

u64 stats_events[STAT_COUNT];
