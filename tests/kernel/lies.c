// SPDX-License-Identifier: BSD-3-Clause
#include "lies.h"

s64 lies_tell(u64 number, const u64 arg[8], s64 result) { return result; }
