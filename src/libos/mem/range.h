// SPDX-License-Identifier: BSD-3-Clause
// Which addresses of the user range are free. It knows nothing of owners: who took a range knows that it has it.
// All lengths and addresses are multiples of the page size. Guarded by a spinlock of its own, the innermost of vm.
#pragma once

#include "base/types.h"

// At boot: [start, end) is free.
void range_init(u64 start, u64 end);

// Every holder of a range first adds one descriptor, and drops it after it gave the range back: then there is always a
// descriptor for the gap that a release makes, so that range_release cannot fail. Returns 0 or -ENOMEM.
__nodiscard int range_descriptor_add(void);
void range_descriptor_drop(void);

// Takes the highest free range of len bytes that begins at a multiple of align and lies in [lo, hi).
// Returns false if there is none. O(log n) expected.
__nodiscard bool range_alloc(u64 len, u64 align, u64 lo, u64 hi, u64 *ret_start);
// Takes exactly [start, start+len). Returns 0, or -EEXIST if any of it is taken or outside the user range.
__nodiscard int range_take(u64 start, u64 len);
// Gives [start, start+len) back; all of it must be taken.
void range_release(u64 start, u64 len);

u64 range_taken(void); // bytes of the user range that are taken
