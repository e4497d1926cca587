// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: large pieces of memory for the LibOS itself, taken from user space for a while: the kernel heap is
// small.
#pragma once

#include "libos/vm/place.h"

// Page aligned, zeroed, readable and writable. Addresses in [lo, hi). NULL when addresses or memory run out.
void *tempmem_alloc(u64 size, u64 lo, u64 hi);
// The same with contents and the protection prot (EMM_*). The source is asked from the start on, piece by piece.
void *tempmem_place(u64 size, u64 lo, u64 hi, u32 prot, page_source source, void *arg);
void tempmem_free(void *memory, u64 size);
