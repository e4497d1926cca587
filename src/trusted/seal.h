// SPDX-License-Identifier: BSD-3-Clause
// Keys that only an enclave of this signer and product gets on this machine.
#pragma once

#include "base/types.h"

// 256 bits from EGETKEY's seal key: KEYPOLICY.MRSIGNER with the product id, the debug attribute, ISVSVN 0 and CPUSVN 0,
// so that later versions, and this machine after an update of its microcode, get the same. -EIO: the processor refused.
// Not in simulation.
__nodiscard int seal_key(u8 ret_key[32]);
