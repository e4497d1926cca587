// SPDX-License-Identifier: BSD-3-Clause
// `occlum run --report`: a table on stderr, or JSON in a file, of what the enclave used.
#pragma once

#include "loader/loader.h"
#include "platform/platform.h"

// Times of the loader, CLOCK_MONOTONIC ns.
struct report_times {
    u64 begun, loaded; // before and after the platform made the enclave
};

void report_set(const struct loader_options *options, const struct enclave_layout *layout);
// The structure the enclave writes, or 0 when no report is wanted.
u64 report_address(void);
bool report_wanted(void);
extern struct report_times report_times;
u64 report_now(void);
// Writes what the enclave told last.
void report_write(void);
