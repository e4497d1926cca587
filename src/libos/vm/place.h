// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: pages with contents come to their place in one step, so that no other thread sees them half filled.
#pragma once

#include "libos/vm/vm.h"

// Writes what belongs to [at, at+len) into `bytes`, which are zero. 0 or -errno.
typedef int (*page_source)(void *arg, u64 at, u64 len, u8 *bytes);

// Fills the absent pages of [start, end) and gives them the protection prot (EMM_*). alone: no other thread of the
// address space runs, so they may be filled in place. The caller has charged them. 0, -ENOMEM, the source's error.
__nodiscard int place_pages(u64 start, u64 end, u32 prot, bool alone, page_source source, void *arg);
