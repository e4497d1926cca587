// SPDX-License-Identifier: BSD-3-Clause
// Inside of vm/: call-gate patches of executable file mappings.
#pragma once

#include "libos/vm/filemap.h"

// Prepares the patches for [start, end) of an executable private mapping of an ELF file: finds the table, writes the
// stubs. Sets map->gate, or leaves it NULL when there is nothing to patch. 0 or -ENOMEM.
__nodiscard int gatemap_attach(struct mm *mm, struct vm_filemap *map, u64 start, u64 end);
// Rewrites the call sites of pages in [start, end), whose bytes lie, writable, at `bytes` (there, or where they are
// prepared).
void gatemap_apply(struct vm_filemap *map, u64 start, u64 end, u8 *bytes);
void gatemap_ref(struct vm_gate *gate); // another filemap has it
void gatemap_detach(struct vm_filemap *map);
