// SPDX-License-Identifier: BSD-3-Clause
// Random numbers from the CPU alone (RDRAND): the host has no part in them.
#pragma once

#include "base/types.h"

void random_bytes(void *buf, size_t size);
u64 random_u64(void);
