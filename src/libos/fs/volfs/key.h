// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "base/types.h"

// The key of the volume in a host folder. On SGX: EGETKEY's seal key for this signer and product (MRSIGNER policy), so
// that a later version opens it. In simulation: a file of the folder, made when there is none; it protects nothing.
__nodiscard int volfs_key(int dir, u8 ret_key[32]);
