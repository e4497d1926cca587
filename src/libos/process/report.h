// SPDX-License-Identifier: BSD-3-Clause
// `occlum run --report`: what the enclave used, told to the host that asked for it.
#pragma once

#include "base/types.h"

// address: of the host's struct host_report, checked to lie outside; 0: no report is wanted.
void report_init(u64 address);
// The LibOS is ready to load the first program; the first program is about to run.
void report_booted(void);
void report_started(void);
// Writes the present numbers to the host's structure.
void report_publish(void);
