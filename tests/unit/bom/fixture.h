// SPDX-License-Identifier: BSD-3-Clause
// What the tests of copy_bom share: small files made by hand, and a folder to put them in.
#pragma once

#include "base/types.h"

enum { ELF_SIZE_MAX = 8192 };

struct elf_wish {
    const char *needed[8]; // NULL-terminated
    const char *soname, *rpath, *runpath, *interpreter;
    u64 flags_1;
    u16 type; // 0: ET_DYN
};
// Makes an ELF file with these dynamic entries; returns its size.
size_t fixture_elf(const struct elf_wish *wish, u8 bytes[ELF_SIZE_MAX]);

struct cache_wish {
    const char *name, *path;
    s32 flags; // 0: of an x86-64 library
    u64 hwcap;
};
// Makes an ld.so.cache; with `old`, behind a header of the old format. Returns its size.
size_t fixture_cache(const struct cache_wish *wishes, size_t count, bool old, u8 *bytes, size_t room);

// A descriptor of a file in memory with these contents.
int fixture_file(const void *bytes, size_t size);
// The folder of this test, made when first asked for, removed when the program ends.
const char *fixture_folder(void);
// Writes a file below that folder, with the folders above it. Returns its path, which the next 15 calls leave alone.
const char *fixture_write(const char *name, const void *bytes, size_t size);
const char *fixture_path(const char *name);
// A new empty stream for a report whose text fixture_said() then returns (until the next call).
struct report fixture_report(void);
const char *fixture_said(void);
