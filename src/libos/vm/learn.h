// SPDX-License-Identifier: BSD-3-Clause
// `occlum run --learn`: which pages of files programs touch. While it is on, a fault of a private file mapping brings
// in one page, so that what is brought in is what was touched. At the end the host is told, which saw these faults
// anyhow: the next `occlum build` packs it with the image, and then a mapping gets these pages at its first fault
// (filemap.c).
#pragma once

#include "libos/vm/filemap.h"

// At boot.
void learn_start(void);
bool learn_is_on(void);
// Pages [first, first + count) of the mapping's file were touched. mm->lock is held.
void learn_note(const struct vm_filemap *map, u64 first, u64 count);
// At the end: tells the host all of it.
void learn_tell(void);
