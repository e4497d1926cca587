// SPDX-License-Identifier: BSD-3-Clause
// One test per rule of acceptance and classification.
#include <string.h>

#include "gate/find.h"
#include "gate/host_scan.h"
#include "sample.h"
#include "test.h"

static struct sample sample;

TEST(window_before_the_call)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3); // getpid
    const struct gate_site *site = sample_site(sample_scan(&sample), 0x1105);
    CHECK(site);
    CHECK_EQ(site->kind, GATE_PRE);
    CHECK_EQ(site->window_size, 5);
    CHECK_EQ(site->fixup, GATE_NO_FIXUP);
    CHECK(!memcmp(site->window, sample.file + 0x1100, 5));
}

TEST(no_call_no_table)
{
    void *table = &sample;
    size_t size = 1;

    sample_init(&sample, false);
    CHECK_EQ(gate_scan_file(sample.file, sizeof(sample.file), &table, &size), 0);
    CHECK(table == NULL && size == 0);
    CHECK_EQ(gate_scan_file((const u8 *)"#!/bin/sh\n", 10, &table, &size), 0);
    CHECK(table == NULL && size == 0);
}

TEST(rip_relative_window)
{
    sample_init(&sample, false);
    // lea 0x3000(%rip), %rdi; xor %eax, %eax; syscall
    SAMPLE_PUT(&sample, 0x1100, 0x48, 0x8d, 0x3d, 0xf9, 0x1e, 0, 0, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    const struct gate_site *site = sample_site(sample_scan(&sample), 0x1109);
    CHECK(site);
    CHECK_EQ(site->kind, GATE_PRE);
    CHECK_EQ(site->window_size, 9);
    CHECK_EQ(site->fixup, 3);
}

TEST(jump_into_window_needs_a_hole)
{
    sample_init(&sample, false);
    // cmp $0,%edi (3); nop; L: xor %eax,%eax; syscall; ret; ...; jmp L
    SAMPLE_PUT(&sample, 0x1100, 0x83, 0xff, 0, 0x90, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_PRE);
    SAMPLE_PUT(&sample, 0x1120, 0xeb, 0xe2); // to 0x1104
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_TRAP);
    SAMPLE_PUT(&sample, 0x1109, 0x0f, 0x1f, 0x44, 0, 0); // nopl after the ret
    const struct gate_site *site = sample_site(sample_scan(&sample), 0x1106);
    CHECK(site);
    CHECK_EQ(site->kind, GATE_HOLE);
    CHECK_EQ(site->hole, 0x109);             // the table's base is 0x1000
    SAMPLE_PUT(&sample, 0x1130, 0xeb, 0xd7); // to the padding itself: no longer unreachable
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_TRAP);
}

TEST(reachable_nops_are_no_hole)
{
    sample_init(&sample, false);
    // je over; xor; syscall; nopl (falls through)
    SAMPLE_PUT(&sample, 0x1100, 0x74, 0x10, 0x31, 0xc0, 0x0f, 0x05, 0x0f, 0x1f, 0x44, 0, 0, 0xc3);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1104), GATE_TRAP);
}

static int kind_with_hole_at(u64 hole)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1200, 0x74, 0x00, 0x31, 0xc0, 0x0f, 0x05, 0xc3); // site at 0x1204
    SAMPLE_PUT(&sample, hole, 0x0f, 0x1f, 0x44, 0, 0);
    return sample_kind(sample_scan(&sample), 0x1204);
}

TEST(reach_of_a_hole)
{
    CHECK_EQ(kind_with_hole_at(0x1206 + 127), GATE_HOLE);
    CHECK_EQ(kind_with_hole_at(0x1206 + 128), GATE_TRAP);
    CHECK_EQ(kind_with_hole_at(0x1206 - 128), GATE_HOLE);
    CHECK_EQ(kind_with_hole_at(0x1206 - 129), GATE_TRAP);
}

TEST(each_hole_is_used_once)
{
    sample_init(&sample, false);
    for (u64 at = 0x1200; at < 0x1220; at += 0x10)
        SAMPLE_PUT(&sample, at, 0x74, 0x00, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    SAMPLE_PUT(&sample, 0x1230, 0x0f, 0x1f, 0x44, 0, 0);
    const struct gate_table *table = sample_scan(&sample);
    CHECK_EQ(table->kinds[GATE_HOLE], 1);
    CHECK_EQ(table->kinds[GATE_TRAP], 1);
    SAMPLE_PUT(&sample, 0x1235, 0x0f, 0x1f, 0x44, 0, 0);
    table = sample_scan(&sample);
    CHECK_EQ(table->kinds[GATE_HOLE], 2);
    CHECK(table->sites[0].hole != table->sites[1].hole);
}

TEST(jump_to_the_call_itself_prefers_a_hole)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0x83, 0xf8, 0xfc, 0x74, 0xf9, 0xc3);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1105), GATE_PRE); // slow on the retry, but right
    SAMPLE_PUT(&sample, 0x110d, 0x0f, 0x1f, 0x44, 0, 0);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1105), GATE_HOLE);
}

TEST(signal_return_known_by_its_bytes_is_left_alone)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05, 0xc3, 0x0f, 0x1f, 0x44, 0, 0);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_TRAP);
    sample_add_frame(&sample, 0x1100, 10, false); // of a function: says nothing of a signal frame
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_TRAP);
    sample_add_frame(&sample, 0x10ff, 8, true); // ends before the syscall
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_TRAP);
}

TEST(signal_return_of_go_is_rewritten)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05, 0xcc);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_PRE);
}

TEST(signal_return_with_an_unwind_table_is_rewritten)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05, 0xc3);
    sample_add_frame(&sample, 0x10ff, 10, true);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_PRE);
}

TEST(signal_frame_description_starts_a_byte_early)
{
    sample_init(&sample, false);
    // The byte before the trampoline is the start of an instruction that would swallow it.
    SAMPLE_PUT(&sample, 0x10ff, 0xb8, 0x48, 0xc7, 0xc0, 15, 0, 0, 0, 0x0f, 0x05);
    sample_add_frame(&sample, 0x10ff, 10, true);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_PRE);
    sample_add_frame(&sample, 0x10ff, 10, false); // mov $0xfc0c748,%eax; add %al,(%rax); add %cl,(%rdi)
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), -1);
}

TEST(table_in_text_is_not_a_call)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x11, 0x22, 0x33, 0x44, 0x0f, 0x05, 0x66, 0x77);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1104), -1);
}

TEST(frame_makes_it_a_call)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x48, 0x83, 0xc7, 1, 0x48, 0x01, 0xc0, 0x0f, 0x05, 0xc3); // no load of eax
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), -1);
    sample_add_frame(&sample, 0x1100, 10, false);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), GATE_PRE);
    sample_add_frame(&sample, 0x1100, 7, false); // ends before it
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1107), -1);
}

TEST(errno_check_makes_it_a_call)
{
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x4c, 0x8b, 0x54, 0x24, 8, 0x0f, 0x05, 0x48, 0x3d, 1, 0xf0, 0xff, 0xff);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1105), GATE_PRE);
    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x4c, 0x8b, 0x54, 0x24, 8, 0x0f, 0x05, 0x48, 0x89, 0xc7, 0xe8, 0, 0, 0, 0);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1105), GATE_PRE);
    SAMPLE_PUT(&sample, 0x110a, 0x90); // mov %rax,%rdi alone says nothing
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1105), -1);
}

static int kind_with_prefix_nop(u8 extra)
{
    sample_init(&sample, false);
    // a 15-byte nop, then `extra` one-byte instructions, then xor %eax,%eax
    u64 at = 0x1100;
    SAMPLE_PUT(&sample, at - 2, 0x74, 0x00); // the nop is no padding
    SAMPLE_PUT(&sample, at, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0);
    at += 15;
    for (; extra; extra--)
        SAMPLE_PUT(&sample, at++, 0x9c); // pushf
    SAMPLE_PUT(&sample, at, 0x31, 0xc0, 0x0f, 0x05);
    return sample_kind(sample_scan(&sample), at + 2);
}

TEST(longest_window)
{
    CHECK_EQ(kind_with_prefix_nop(0), GATE_PRE);  // 17 bytes
    CHECK_EQ(kind_with_prefix_nop(1), GATE_TRAP); // 18
}

TEST(jump_table_targets)
{
    s32 cases[2] = { 0x1104 - 0x3000, 0x1180 - 0x3000 };

    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0x83, 0xff, 0, 0x90, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    SAMPLE_PUT(&sample, 0x1140, 0x48, 0x8d, 0x05, 0xb9, 0x1e, 0, 0); // lea 0x3000,%rax
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_PRE);
    sample_put(&sample, SAMPLE_DATA, cases, sizeof(cases));
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_TRAP);
}

TEST(absolute_pointers_of_fixed_programs)
{
    u64 target = SAMPLE_FIXED + 0x1104;

    sample_init(&sample, true);
    SAMPLE_PUT(&sample, 0x1100, 0x83, 0xff, 0, 0x90, 0x31, 0xc0, 0x0f, 0x05, 0xc3);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_PRE);
    sample_put(&sample, SAMPLE_DATA + 8, &target, 8);
    CHECK_EQ(sample_kind(sample_scan(&sample), 0x1106), GATE_TRAP);
}

static void *no_alloc(void *context, size_t size) { return NULL; }
static void no_free(void *context, void *memory, size_t size) {}

TEST(out_of_memory)
{
    const struct gate_memory memory = { .alloc = no_alloc, .free = no_free };
    struct gate_table *table = (void *)&sample;

    sample_init(&sample, false);
    SAMPLE_PUT(&sample, 0x1100, 0xb8, 39, 0, 0, 0, 0x0f, 0x05, 0xc3);
    CHECK_EQ(gate_find(sample.file, sizeof(sample.file), &memory, &table), -12);
    CHECK(table == (void *)&sample);
}
