// SPDX-License-Identifier: BSD-3-Clause
// Small ELF files made by hand: two pages of code filled with hlt, one page of data, no section headers.
#pragma once

#include "gate/sites.h"

#define SAMPLE_SIZE 0x4000
#define SAMPLE_CODE 0x1000 // address and file offset (ET_DYN), for ET_EXEC SAMPLE_FIXED higher
#define SAMPLE_CODE_SIZE 0x2000
#define SAMPLE_DATA 0x3000
#define SAMPLE_FRAMES 0x3800 // .eh_frame_hdr, 8 bytes, then .eh_frame
#define SAMPLE_FIXED 0x400000

struct sample {
    u8 file[SAMPLE_SIZE] __attribute__((aligned(16)));
};

// An ET_DYN file, or an ET_EXEC file.
void sample_init(struct sample *sample, bool fixed);

// Puts bytes at an address (ET_DYN view).
void sample_put(struct sample *sample, u64 at, const void *bytes, size_t size);
#define SAMPLE_PUT(sample, at, ...) \
    sample_put(sample, at, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

// Adds .eh_frame with one CIE and one FDE of code [start, start+size).
void sample_add_frame(struct sample *sample, u64 start, u32 size, bool signal_frame);

// gate_scan_file(); the result is kept until the next call. NULL: no sites, or an error.
const struct gate_table *sample_scan(const struct sample *sample);

// How the site at the address was classified; -1 if it is not in the table.
int sample_kind(const struct gate_table *table, u64 at);
const struct gate_site *sample_site(const struct gate_table *table, u64 at);
