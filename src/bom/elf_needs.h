// SPDX-License-Identifier: BSD-3-Clause
// What an ELF file asks of the dynamic linker (System V gABI, psABI). The file is hostile: every read is checked.
#pragma once

#include "bom/memory.h"

struct elf_needs {
    const char *interpreter; // PT_INTERP; NULL: none
    struct text_list needed; // DT_NEEDED in order
    const char *soname;      // NULL: none
    const char *rpath, *runpath;
    bool no_default; // DF_1_NODEFLIB: neither ld.so.cache nor the default folders
    bool is_library; // ET_DYN: may be loaded as one
};

enum elf_kind {
    ELF_OTHER,   // no ELF file
    ELF_X86_64,  // *ret holds what it needs
    ELF_FOREIGN, // an ELF file, but no program or library for x86-64: of another machine, an object file, a core
    ELF_BROKEN,
};

// Reads the headers of an open file. *ret is written for ELF_X86_64, *ret_why for ELF_BROKEN and ELF_FOREIGN.
enum elf_kind elf_needs_read(struct arena *arena, int fd, struct elf_needs *ret, const char **ret_why);
