// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "libos/fs/fs.h"
#include "libos/vm/vm.h"

// What an ELF file says, checked: every number below is in range.
struct elf_image {
    struct file *file;
    bool fixed;      // ET_EXEC
    bool exec_stack; // PT_GNU_STACK asks for a stack that can be executed (code of nested functions)
    u64 entry, phdr; // link-time addresses; phdr 0 if the headers are not mapped
    u16 phnum;
    u64 start, end; // span of the PT_LOADs, page aligned
    u64 phoff;
    char interpreter[256]; // "" without PT_INTERP
    u64 bias;              // after loading: where it is minus where it was linked
};

// Where the segments that are executed lie, and the last of all.
struct elf_parts {
    u64 code_start, code_end, data_start, data_end;
};

// Reads and checks the headers. -ENOEXEC for what is not a loadable x86-64 ELF file.
__nodiscard int elf_image_open(struct file *file, struct elf_image *ret_image);
// Maps the segments into mm and sets bias; *ret_parts (may be NULL). -ENOMEM, also when a fixed address is taken.
__nodiscard int elf_image_map(struct elf_image *image, struct mm *mm, struct elf_parts *ret_parts);
