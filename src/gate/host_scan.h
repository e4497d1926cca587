// SPDX-License-Identifier: BSD-3-Clause
// gate_find() for the host's image packer: malloc'ed result, no state, may run on several threads.
#pragma once

#include "base/types.h"

// Scans the file at `file`. If it is an ELF file with sites, *ret_table gets a malloc'ed struct gate_table of
// *ret_size bytes; otherwise (no ELF file, or nothing to rewrite) NULL and 0. Returns 0 or -ENOMEM.
__nodiscard int gate_scan_file(const u8 *file, size_t size, void **ret_table, size_t *ret_size);
