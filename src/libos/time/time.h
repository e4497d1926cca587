// SPDX-License-Identifier: BSD-3-Clause
// Clocks without leaving the enclave: the time-stamp counter scaled by what the host says of it. The host is not
// trusted with time: CLOCK_MONOTONIC never goes back, whatever it says; CLOCK_REALTIME is the host's claim.
#pragma once

#include "abi/linux/abi.h"

#define NSEC_PER_SEC 1000000000ll

s64 time_monotonic_ns(void);
s64 time_realtime_ns(void);
// clock_gettime(2) for every clock id programs use; -EINVAL for unknown ones.
__nodiscard int time_get(int clock_id, struct __kernel_timespec *ret_ts);

// Clocks that nobody can wait for: neither timers nor sleeps take them (-EOPNOTSUPP).
static inline bool time_only_read(int clock_id)
{
    return clock_id == CLOCK_MONOTONIC_RAW || clock_id == CLOCK_REALTIME_COARSE || clock_id == CLOCK_MONOTONIC_COARSE;
}

static inline s64 timespec_to_ns(const struct __kernel_timespec *ts)
{
    if (ts->tv_sec > INT64_MAX / NSEC_PER_SEC - 1)
        return INT64_MAX;
    return ts->tv_sec * NSEC_PER_SEC + ts->tv_nsec;
}

static inline bool timespec_valid(const struct __kernel_timespec *ts)
{
    return ts->tv_sec >= 0 && ts->tv_nsec >= 0 && ts->tv_nsec < NSEC_PER_SEC;
}

// Ticks of the time-stamp counter (cpu_tsc) in nanoseconds, by what the host says of its frequency.
s64 time_ticks_ns(u64 ticks);

#define WAIT_FOREVER INT64_MAX // as a deadline: none

// now + a relative duration, saturating at WAIT_FOREVER.
s64 time_deadline_ns(s64 duration_ns);
