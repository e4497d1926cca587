// SPDX-License-Identifier: BSD-3-Clause
// Finds the `syscall` instructions of an ELF file and decides how each can be reached through the gate.
#pragma once

#include "gate/sites.h"

// Where the finder's working memory and its result come from.
struct gate_memory {
    void *(*alloc)(void *context, size_t size); // 16-byte aligned, any content; NULL if there is none
    void (*free)(void *context, void *memory, size_t size);
    void *context;
};

// Scans the ELF file at `file`. On success *ret_table comes from memory->alloc and has
// gate_table_size((*ret_table)->count) bytes; a file without sites yields a table with count 0.
// Working memory is about half the size of the code, none if the code has no byte pair 0F 05.
// Returns 0, -ENOEXEC, -EFBIG or -E2BIG (see elf_open), or -ENOMEM.
__nodiscard int gate_find(const void *file, size_t size, const struct gate_memory *memory,
                          struct gate_table **ret_table);
