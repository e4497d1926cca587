// SPDX-License-Identifier: BSD-3-Clause
// Keys that only an enclave of this signer and product gets on this machine.
#pragma once

#include "base/types.h"

enum { SEAL_CPUSVN = 16 };

// The security version of the processor now: a key is asked for with that of the time when it was first used.
void seal_cpusvn(u8 ret_cpusvn[SEAL_CPUSVN]);
// 256 bits from EGETKEY's seal key: KEYPOLICY.MRSIGNER with the product id, the debug attribute, ISVSVN 0 and the given
// CPUSVN, so that later versions, and this machine after an update of its microcode, get the same. -EIO: the processor
// refused. Neither is for simulation.
__nodiscard int seal_key(const u8 cpusvn[SEAL_CPUSVN], u8 ret_key[32]);
