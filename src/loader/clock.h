// SPDX-License-Identifier: BSD-3-Clause
// Keeps the clock part of the page that the enclave reads.
#pragma once

#include "abi/occlum/ocall_types.h"

void clock_init(struct host_shared_page *page);
// Takes a new reading; the rate is measured over the whole time since clock_init.
void clock_sync(void);
