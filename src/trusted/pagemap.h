// SPDX-License-Identifier: BSD-3-Clause
// The trusted page-state map of EDMM: what the enclave knows of each page of user space, one byte a page, sparse. It is
// the only truth: a page is accepted once, when its state leaves PAGE_NONE; what the host says is a hint.
#pragma once

#include "base/types.h"

// A state byte. No bit set: no page (or one that was never accepted).
enum page_state {
    PAGE_ACCESS = 7,       // EMM_READ | EMM_WRITE | EMM_EXEC of its EPCM entry
    PAGE_LIVE = 1 << 3,    // committed, in use
    PAGE_IDLE = 1 << 4,    // committed, readable and writable, zeroed, not in use; the host was asked to hide it
    PAGE_BUSY = 1 << 5,    // some thread changes it
    PAGE_INITIAL = 1 << 6, // added at load without execute: its mapping may never have it
};

#define PAGEMAP_LEAF_PAGES 4096u // pages one leaf describes

// The states of the leaf that holds addr, from addr's page on; *ret_count pages of it. NULL: no leaf, all PAGE_NONE
// (create: the kernel heap is exhausted). Pages of the initial region start as PAGE_IDLE | PAGE_INITIAL.
u8 *pagemap_get(u64 addr, bool create, u64 *ret_count);

// Waits until no other thread changes the page, takes it and returns its state; the caller sets the new one.
u8 page_lock(u8 *state);
bool page_trylock(u8 *state, u8 *ret_old); // false: somebody else has it
void page_unlock(u8 *state, u8 value);
