// SPDX-License-Identifier: BSD-3-Clause
// The private pages of an address space, for whoever keeps several processes at the same addresses (families: fork,
// programs linked to one address). README.md of this folder says how to use it.
#pragma once

#include "libos/vm/vm.h"

// A run of pages with contents that are mm's own: anonymous memory, and what private mappings of files brought in.
struct private_run {
    u64 start, end;
    u32 prot; // EMM_*, as the program asked for
};
// The first one that ends after addr, cut to begin there. False: there is none. Where memory is committed by faults
// (EDMM) only committed pages count; elsewhere all of an area that was ever usable. mm->lock is taken.
bool mm_next_private(struct mm *mm, u64 addr, struct private_run *ret_run);

// Copies of private pages, kept in memory of the LibOS.
struct vm_aside;
// Copies the private pages of [start, end); they stay where they are. No thread of mm runs its program. 0 or -ENOMEM
// (nothing is kept).
__nodiscard int mm_set_aside(struct mm *mm, u64 start, u64 end, struct vm_aside **ret_aside);
// The pages are as they were when they were set aside, whoever used their addresses since: the same contents and
// protection. Pages that somebody else has there now and mm had not are the caller's to discard. 0, and the copies are
// freed; -ENOMEM: some are not back yet, and calling again goes on.
__nodiscard int mm_bring_back(struct vm_aside **aside);
void mm_drop_aside(struct vm_aside *aside); // NULL is accepted
u64 mm_aside_pages(const struct vm_aside *aside);
