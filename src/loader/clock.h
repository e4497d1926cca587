// SPDX-License-Identifier: BSD-3-Clause
// Keeps the clock part of the page that the enclave reads.
#pragma once

void clock_init(void);
// Takes a new reading; the rate is measured over the whole time since clock_init.
void clock_sync(void);
