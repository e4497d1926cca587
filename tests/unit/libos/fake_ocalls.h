// SPDX-License-Identifier: BSD-3-Clause
// Lies of the host; NULL: it tells the truth.
#pragma once

#include "abi/occlum/ocall_types.h"

extern void (*fake_stat_lie)(struct host_stat *st);
extern long (*fake_getdents_lie)(void *buf, size_t size);
extern void (*fake_events_lie)(struct host_event *events, int count);
