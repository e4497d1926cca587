// SPDX-License-Identifier: BSD-3-Clause
// The table of rewritable instructions of one ELF file: made by gate_find(), kept in the image, used
// by the LibOS when it maps the file. Fixed little-endian layout, no pointers, the same in both worlds.
#pragma once

#include "base/types.h"

#define GATE_TABLE_MAGIC 0x45544147u // "GATE"
#define GATE_TABLE_VERSION 1

// A stub has room for the relocated window, 7 bytes of lea and 8 bytes of jmp.
#define GATE_STUB_STRIDE 32u
#define GATE_STUB_TAIL 15u
#define GATE_WINDOW_MAX (GATE_STUB_STRIDE - GATE_STUB_TAIL)
#define GATE_JMP_SIZE 5u          // jmp rel32
#define GATE_SPAN_MAX 0x40000000u // addresses of one file: leaves room for a stub area in reach

// How a site is reached from the program's code.
enum gate_kind {
    GATE_PRE,  // jmp rel32 over the straight-line code before it; the instruction itself is kept
    GATE_HOLE, // the instruction becomes jmp rel8 to a jmp rel32 in unreachable padding
    GATE_TRAP, // left alone: the processor traps and the LibOS serves it from there
};
#define GATE_KIND_COUNT 3

// Which instruction. Others that fault in an enclave (cpuid, rdtsc) may follow.
enum gate_class {
    GATE_CLASS_SYSCALL,
};

#define GATE_NO_FIXUP 0xff

struct gate_site {
    u32 offset;                 // address of the instruction in the file's address space, less table.base
    u32 hole;                   // GATE_HOLE: offset of the 5 bytes of padding; else 0
    u8 kind;                    // enum gate_kind
    u8 insn_class;              // enum gate_class
    u8 window_size;             // GATE_PRE: bytes replaced before the instruction (5..17); else 0
    u8 fixup;                   // position in the window of the one RIP-relative disp32, or GATE_NO_FIXUP
    u8 window[GATE_WINDOW_MAX]; // original bytes of the window, the rest 0
    u8 reserved[3];             // 0
};
static_assert(sizeof(struct gate_site) == 32, "file format");

struct gate_table {
    u32 magic;
    u16 version;
    u16 site_size;              // sizeof(struct gate_site)
    u64 base;                   // lowest page of the file's PT_LOAD segments (p_vaddr)
    u32 span;                   // bytes from base to the end of the highest segment
    u32 count;                  // number of sites, sorted by offset, none twice
    u32 kinds[GATE_KIND_COUNT]; // how many of each kind
    u32 reserved;               // 0
    struct gate_site sites[];
};
static_assert(sizeof(struct gate_table) == 40, "file format");

// A range of addresses [start, end).
struct gate_range {
    u64 start;
    u64 end;
};

// Bytes of a table with `count` sites.
static inline size_t gate_table_size(u32 count)
{
    return sizeof(struct gate_table) + (size_t)count * sizeof(struct gate_site);
}

// Is the table at `table` (`size` bytes, any alignment not below 8) one that gate_apply() may follow
// safely? Every byte it would change must lie in one of the `range_count` executable address ranges of
// the file (p_vaddr), windows and holes must not overlap, windows must decode as straight-line code.
// Returns 0, or -EINVAL. A table from the host needs this; one that verity covers does not.
__nodiscard int gate_table_check(const void *table, size_t size, const struct gate_range *ranges, size_t range_count);

// Index of the first site with offset >= `offset` (table->count if none).
u32 gate_table_lower_bound(const struct gate_table *table, u32 offset);
