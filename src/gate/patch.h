// SPDX-License-Identifier: BSD-3-Clause
// Applies a table of sites to a mapped file: writes the stubs, rewrites the text page by page, and
// translates program counters between what runs and what the program was compiled to.
//
// A stub does not change rsp or memory. It runs the window's instructions, sets rcx to the address after
// the `syscall` (as the processor would) and jumps to the gate: jmp *%gs:entry_offset.
#pragma once

#include "gate/sites.h"

// One file mapping. All addresses are run-time addresses.
struct gate_mapping {
    const struct gate_table *table; // verified, or accepted by gate_table_check()
    u64 bias;                       // run-time address less p_vaddr
    u64 stub_base;                  // stub area: 32-byte aligned, gate_stub_area_size() bytes
    u64 first, last;                // what is mapped of the file: [first, last); sites that do not lie
                                    // wholly inside are left alone
};

// Bytes of the stub area: one stride per site.
size_t gate_stub_area_size(const struct gate_table *table);

// Can every jump between text and stub area span the distance (+-2 GiB)? Also false if an address wraps.
bool gate_in_reach(const struct gate_mapping *map);

// Writes the stub area into `area` (gate_stub_area_size() bytes, which will run at map->stub_base).
// `entry_offset`: where in the %gs segment the address of the gate's entry is kept.
// Returns 0, or -ERANGE if the area is out of reach (nothing written).
__nodiscard int gate_write_stubs(const struct gate_mapping *map, u32 entry_offset, u8 *area);

// Rewrites what falls into the page of the mapping at `page` (page aligned), whose original content is in
// `bytes`. The table and the reach must have been checked. A site whose bytes are not those the table was
// made from is skipped. Returns the number of sites touched.
u32 gate_apply(const struct gate_mapping *map, u64 page, u8 bytes[PAGE_SIZE]);

// The address the program would be at, for a PC inside a stub or a hole: an instruction of the window, or
// the `syscall` itself. Returns 0, or -ENOENT if `rip` is in neither.
__nodiscard int gate_stub_to_original(const struct gate_mapping *map, u64 rip, u64 *ret_original);

// The reverse, for returning to an address in the program: an instruction that a window's jmp has
// overwritten is continued in its stub; any other address is returned as it is.
u64 gate_original_to_run(const struct gate_mapping *map, u64 rip);
