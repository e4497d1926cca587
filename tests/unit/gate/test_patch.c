// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "gate/decode.h"
#include "gate/patch.h"
#include "sample.h"
#include "test.h"

#define BIAS 0x7000000000ul
#define STUBS (BIAS + 0x100000)
#define ENTRY 0x58

static struct sample sample;
static u8 stubs[64 * GATE_STUB_STRIDE];

// A pre site with a RIP-relative window across the page border at 0x2000, and a hole site at 0x1204.
static struct gate_mapping make_mapping(void)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1ffd, 0x48, 0x8d, 0x3d, 0xfc, 0x0f, 0, 0, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    SAMPLE_PUT(&sample, 0x1200, 0x74, 0x00, 0x31, 0xc0, 0x0f, 0x05, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc);
    const struct gate_table *table = sample_scan(&sample);
    return (struct gate_mapping){
        .table = table, .bias = BIAS, .stub_base = STUBS, .first = BIAS + 0x1000, .last = BIAS + 0x3000
    };
}

static void apply_pages(const struct gate_mapping *map, u8 *code)
{
    memcpy(code, sample.file + SAMPLE_CODE, SAMPLE_CODE_SIZE);
    for (u64 at = 0; at < SAMPLE_CODE_SIZE; at += PAGE_SIZE)
        gate_apply(map, BIAS + SAMPLE_CODE + at, code + at);
}

// Where a jump at `at` (address in the file) leads, as a run-time address.
static u64 jump_target(const u8 *code, u64 at)
{
    struct gate_insn insn;

    gate_decode(code + (at - SAMPLE_CODE), 16, &insn);
    return insn.kind == INSN_JMP ? BIAS + at + insn.size + (u64)(s64)insn.value : 0;
}

TEST(bytes_in_the_text)
{
    struct gate_mapping map = make_mapping();
    u8 code[SAMPLE_CODE_SIZE];

    CHECK(map.table);
    CHECK_EQ(map.table->count, 2);
    apply_pages(&map, code);
    CHECK_EQ(jump_target(code, 0x1204), BIAS + 0x1207); // to the hole
    CHECK_EQ(jump_target(code, 0x1207), STUBS);
    CHECK_EQ(jump_target(code, 0x1ffd), STUBS + GATE_STUB_STRIDE); // across the page border
    CHECK(!memcmp(code + 0x2006 - 0x1000, "\x0f\x05", 2));         // the syscall is still there
    // Nothing else has changed.
    unsigned changed = 0;
    for (size_t i = 0; i < sizeof(code); i++)
        changed += code[i] != sample.file[SAMPLE_CODE + i];
    CHECK(changed <= 12);
}

TEST(one_page_at_a_time_touches_only_that_page)
{
    struct gate_mapping map = make_mapping();
    u8 page[PAGE_SIZE];

    memcpy(page, sample.file + 0x1000, PAGE_SIZE);
    CHECK_EQ(gate_apply(&map, BIAS + 0x1000, page), 2);
    memcpy(page, sample.file + 0x2000, PAGE_SIZE);
    CHECK_EQ(gate_apply(&map, BIAS + 0x2000, page), 1);
    memcpy(page, sample.file + 0x3000, PAGE_SIZE);
    CHECK_EQ(gate_apply(&map, BIAS + 0x3000, page), 0);
    CHECK(!memcmp(page, sample.file + 0x3000, PAGE_SIZE));
}

TEST(site_partly_mapped_is_left_alone)
{
    struct gate_mapping map = make_mapping();
    u8 page[PAGE_SIZE];

    map.last = BIAS + 0x2000; // only the first page of code
    memcpy(page, sample.file + 0x1000, PAGE_SIZE);
    CHECK_EQ(gate_apply(&map, BIAS + 0x1000, page), 1);
    CHECK(!memcmp(page + 0xffd, sample.file + 0x1ffd, 3));
    map.last = BIAS + 0x1208; // the hole is cut off
    memcpy(page, sample.file + 0x1000, PAGE_SIZE);
    CHECK_EQ(gate_apply(&map, BIAS + 0x1000, page), 0);
}

TEST(other_bytes_than_scanned_are_left_alone)
{
    struct gate_mapping map = make_mapping();
    u8 page[PAGE_SIZE];

    memcpy(page, sample.file + 0x1000, PAGE_SIZE);
    page[0x205] = 0x06; // no syscall any more
    page[0xffe] = 0x8b; // another instruction in the window
    CHECK_EQ(gate_apply(&map, BIAS + 0x1000, page), 0);
}

TEST(stub_code)
{
    struct gate_mapping map = make_mapping();
    struct gate_insn insn;

    CHECK_EQ(gate_stub_area_size(map.table), 2 * GATE_STUB_STRIDE);
    CHECK_EQ(gate_write_stubs(&map, ENTRY, stubs), 0);
    const u8 *stub = stubs + GATE_STUB_STRIDE;
    u64 run = STUBS + GATE_STUB_STRIDE;
    gate_decode(stub, 16, &insn); // the relocated lea: still of 0x3000
    CHECK_EQ(insn.size, 7);
    CHECK_EQ(run + 7 + (u64)(s64)insn.disp, BIAS + 0x3000);
    CHECK(!memcmp(stub + 7, "\x31\xc0", 2));
    gate_decode(stub + 9, 16, &insn); // lea resume(%rip), %rcx
    CHECK_EQ(insn.size, 7);
    CHECK_EQ(run + 16 + (u64)(s64)insn.disp, BIAS + 0x2008);
    CHECK(!memcmp(stub + 16, "\x65\xff\x24\x25\x58\0\0\0", 8));
    CHECK(!memcmp(stubs, "\x48\x8d\x0d", 3)); // the hole's stub has no window
}

TEST(program_counters)
{
    struct gate_mapping map = make_mapping();
    u64 original = 1, pre = STUBS + GATE_STUB_STRIDE;

    CHECK_EQ(gate_stub_to_original(&map, pre, &original), 0);
    CHECK_EQ(original, BIAS + 0x1ffd);
    CHECK_EQ(gate_stub_to_original(&map, pre + 7, &original), 0);
    CHECK_EQ(original, BIAS + 0x2004);
    CHECK_EQ(gate_stub_to_original(&map, pre + 9, &original), 0); // the lea
    CHECK_EQ(original, BIAS + 0x2006);
    CHECK_EQ(gate_stub_to_original(&map, pre + 16, &original), 0); // the jmp
    CHECK_EQ(original, BIAS + 0x2006);
    CHECK_EQ(gate_stub_to_original(&map, pre + 24, &original), -2); // beyond the code
    CHECK_EQ(gate_stub_to_original(&map, STUBS + 7, &original), 0);
    CHECK_EQ(original, BIAS + 0x1204);
    CHECK_EQ(gate_stub_to_original(&map, BIAS + 0x1207, &original), 0); // in the hole
    CHECK_EQ(original, BIAS + 0x1204);
    CHECK_EQ(gate_stub_to_original(&map, BIAS + 0x1206, &original), -2);
    CHECK_EQ(gate_stub_to_original(&map, STUBS + 64, &original), -2);
    CHECK_EQ(gate_stub_to_original(&map, STUBS - 1, &original), -2);
    CHECK_EQ(gate_original_to_run(&map, BIAS + 0x1ffd), BIAS + 0x1ffd);
    CHECK_EQ(gate_original_to_run(&map, BIAS + 0x1ffe), pre + 1);
    CHECK_EQ(gate_original_to_run(&map, BIAS + 0x2004), BIAS + 0x2004); // bytes still in place
    CHECK_EQ(gate_original_to_run(&map, BIAS + 0x2006), BIAS + 0x2006);
    CHECK_EQ(gate_original_to_run(&map, 0), 0);
}

TEST(reach)
{
    struct gate_mapping map = make_mapping();

    map.stub_base = BIAS + 0x7f000000;
    CHECK(gate_in_reach(&map));
    map.stub_base = BIAS + 0x80002000;
    CHECK(!gate_in_reach(&map));
    CHECK_EQ(gate_write_stubs(&map, ENTRY, stubs), -34);
    map.stub_base = UINT64_MAX - 31;
    CHECK(!gate_in_reach(&map));
}
