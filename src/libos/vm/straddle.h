// SPDX-License-Identifier: BSD-3-Clause
// A store that runs over the border of two mappings of one page (a ring buffer that is mapped twice in a row): only one
// of the two may be written at a time (object.h), so the processor can never do it. The LibOS does it in two pieces.
#pragma once

#include "libos/vm/vm.h"
#include "trusted/regs.h"

// After a fault of a write at addr was resolved. Watches for an instruction that faults again and again on both sides
// of a page's end; carries it out and moves regs->rip behind it. 0, or -EIO: it is none that can be carried out
// (SIGBUS).
__nodiscard int vm_store_across(struct user_regs *regs, u64 addr);
