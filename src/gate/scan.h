// SPDX-License-Identifier: BSD-3-Clause
// The finder's working state; private to src/gate.
#pragma once

#include "base/bitmap.h"
#include "gate/decode.h"
#include "gate/elf.h"
#include "gate/find.h"

#define SCAN_TEXTS_MAX 32

// One run of code with its place in the bitmaps.
struct scan_text {
    struct elf_text code;
    size_t first_bit;
};

// A byte pair 0F 05, and later what is known about it.
struct scan_hit {
    u64 vaddr;
    u32 text;
    u32 hole; // offset from elf->base
    u8 kind;  // enum gate_kind
    u8 window_size;
    u8 fixup;
    bool accepted; // an instruction beyond reasonable doubt
    bool in_fde;
    bool in_signal_frame; // that FDE is one of a signal trampoline
};

// Each bitmap has one bit per byte of code.
struct scan {
    struct elf_view elf;
    struct scan_text texts[SCAN_TEXTS_MAX];
    u32 text_count;
    size_t bits;
    u64 *starts;           // an instruction of the linear sweep begins here
    u64 *targets;          // control may arrive here from elsewhere
    u64 *guesses;          // the same, from data that looks like an address: counts where an instruction begins
    u64 *syncs;            // an instruction begins here for certain; after the sweep: byte is given away
    struct scan_hit *hits; // sorted by vaddr
    u32 hit_count;
    u64 budget; // words of data that may still be looked at as jump tables
};

// Fills texts and bits from sections, or from segments if there are no usable section headers.
void scan_find_texts(struct scan *scan);

// Byte pairs 0F 05 in all texts; stores the first `max` of them in scan->hits.
u32 scan_raw_hits(struct scan *scan, u32 max);

// Bit of an address. False if it is not in any text.
bool scan_bit(const struct scan *scan, u64 vaddr, size_t *ret_bit);

// Marks an address, if it is one of code.
void scan_mark_target(struct scan *scan, u64 vaddr);
void scan_mark_guess(struct scan *scan, u64 vaddr);
void scan_mark_sync(struct scan *scan, u64 vaddr);

// Marks what .eh_frame says: starts of functions, and which hits lie inside one.
void scan_unwind_tables(struct scan *scan);

// Marks function symbols, the entry point, relocated pointers and words of data that look like pointers.
void scan_references(struct scan *scan);

// Decodes all code from the syncs on: fills starts, marks branch targets and jump tables.
void scan_sweep(struct scan *scan);

// Decides kind, window and hole of each hit. Needs everything above.
void scan_classify(struct scan *scan);
