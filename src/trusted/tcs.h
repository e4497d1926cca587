// SPDX-License-Identifier: BSD-3-Clause
// Thread slots that are made while the enclave runs (EDMM).
#pragma once

#include "base/types.h"

struct tls;

// Commits the pages of a slot beyond slots_init and makes its TCS. 0, -ENOMEM when the host has no pages; then nothing
// stays.
__nodiscard int tcs_create(u64 slot);
// Stage 1 of exceptions: a fault at addr may be the kernel stack of this slot growing into pages that are not there
// yet. True when it was and they are now. Called on the exception stack.
__nodiscard bool tcs_grow_stack(struct tls *tls, u64 addr);
