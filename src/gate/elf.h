// SPDX-License-Identifier: BSD-3-Clause
// A bounds-checked view of an x86-64 ELF file in memory (System V gABI, psABI). The bytes are hostile:
// every read goes through a range check; nothing is trusted because another field says so.
#pragma once

#include "gate/sites.h"

#define ELF_LOADS_MAX 16

struct elf_load {
    u64 vaddr, file_size, offset;
    bool exec;
};

// One executable range that is backed by file bytes.
struct elf_text {
    u64 vaddr;
    u64 size;
    const u8 *bytes;
};

struct elf_view {
    const u8 *bytes;
    size_t size;
    bool fixed; // ET_EXEC: addresses in the data are absolute
    u64 entry;  // e_entry
    u64 base;   // lowest page of the PT_LOAD segments
    u32 span;   // bytes from base to the end of the highest segment
    u32 load_count;
    struct elf_load loads[ELF_LOADS_MAX];
    u64 dynamic, dynamic_size; // PT_DYNAMIC, address
    u64 eh_frame_hdr;          // PT_GNU_EH_FRAME, address; 0 = none
    u64 section_table;         // file offset; 0 = none usable
    u32 section_count;
};

struct elf_section {
    u32 type;
    u32 link;
    u64 flags, vaddr, offset, size, entry_size;
};

// Is it an ELF64 little-endian x86-64 ET_EXEC or ET_DYN with sane program headers? Fills *ret.
// Returns 0, -ENOEXEC (not such a file), -EFBIG (spans more than GATE_SPAN_MAX) or -E2BIG (too many segments).
__nodiscard int elf_open(const void *file, size_t size, struct elf_view *ret);

// Reads section header `index`; false if there is none or its bytes lie outside the file.
bool elf_section_get(const struct elf_view *elf, u32 index, struct elf_section *ret);

// File bytes that are loaded at [vaddr, vaddr+len), or NULL if any of them is not file-backed.
const u8 *elf_at(const struct elf_view *elf, u64 vaddr, u64 len);

// As elf_at() for one byte, and tells how many file-backed bytes follow in that segment.
const u8 *elf_at_most(const struct elf_view *elf, u64 vaddr, u64 *ret_len);

// Unaligned little-endian reads.
static inline u16 elf_u16(const u8 *p)
{
    u16 v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline u32 elf_u32(const u8 *p)
{
    u32 v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline s32 elf_s32(const u8 *p)
{
    s32 v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
static inline u64 elf_u64(const u8 *p)
{
    u64 v;
    __builtin_memcpy(&v, p, sizeof(v));
    return v;
}
