// SPDX-License-Identifier: BSD-3-Clause
// A host that lies: answers of host calls are replaced.
#pragma once

#include "base/types.h"

struct ocall_frame;

// What is reported for a call that was served truly with `result`: one of --lies answers is false, in its result or in
// the data in the arena, which begins with frame.
s64 lies_tell(u64 number, struct ocall_frame *frame, const u64 arg[8], s64 result);
// The answer to a call that nobody served.
s64 lies_invent(u64 number, struct ocall_frame *frame, const u64 arg[8]);
extern u64 lies_told; // atomic
