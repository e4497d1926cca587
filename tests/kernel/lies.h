// SPDX-License-Identifier: BSD-3-Clause
// A host that lies: answers of host calls are replaced.
#pragma once

#include "base/types.h"

// The result and the out arguments to be reported for a call that was served truly with `result`.
s64 lies_tell(u64 number, const u64 arg[8], s64 result);
