// SPDX-License-Identifier: BSD-3-Clause
#include "gate/decode.h"
#include "test.h"

static const struct {
    const char *name;
    u8 bytes[16];
    u8 available, size, kind, flags;
} cases[] = {
    { "syscall", { 0x0f, 0x05 }, 2, 2, INSN_SYSCALL, 0 },
    { "mov imm32", { 0xb8, 1, 2, 3, 4 }, 5, 5, INSN_PLAIN, INSN_WRITES_AX | INSN_IMM32 },
    { "mov imm64", { 0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8 }, 10, 10, INSN_PLAIN, INSN_WRITES_AX },
    { "mov imm16", { 0x66, 0xb8, 1, 2 }, 4, 4, INSN_PLAIN, INSN_IMM32 },
    { "mov to r8d", { 0x41, 0xb8, 1, 2, 3, 4 }, 6, 6, INSN_PLAIN, INSN_IMM32 },
    { "mov $15,%rax", { 0x48, 0xc7, 0xc0, 15, 0, 0, 0 }, 7, 7, INSN_PLAIN, INSN_WRITES_AX | INSN_IMM32 },
    { "xor", { 0x31, 0xc0 }, 2, 2, INSN_PLAIN, INSN_WRITES_AX },
    { "xor r8d", { 0x45, 0x31, 0xc0 }, 3, 3, INSN_PLAIN, 0 },
    { "lea rip", { 0x48, 0x8d, 0x05, 1, 0, 0, 0 }, 7, 7, INSN_PLAIN, INSN_WRITES_AX | INSN_LEA | INSN_RIP_RELATIVE },
    { "cmp errno", { 0x48, 0x3d, 0x01, 0xf0, 0xff, 0xff }, 6, 6, INSN_PLAIN, INSN_CMP_ERRNO },
    { "cmp $-4", { 0x83, 0xf8, 0xfc }, 3, 3, INSN_PLAIN, INSN_CMP_ERRNO },
    { "cmp $4", { 0x83, 0xf8, 4 }, 3, 3, INSN_PLAIN, 0 },
    { "mov %rax,%rdi", { 0x48, 0x89, 0xc7 }, 3, 3, INSN_PLAIN, INSN_MOV_AX_DI },
    { "gs load", { 0x65, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0, 0 }, 9, 9, INSN_PLAIN, INSN_WRITES_AX },
    { "jne", { 0x75, 0xfe }, 2, 2, INSN_JCC, 0 },
    { "jne rel32", { 0x0f, 0x85, 1, 0, 0, 0 }, 6, 6, INSN_JCC, 0 },
    { "loop", { 0xe2, 0xfe }, 2, 2, INSN_JCC, 0 },
    { "xbegin", { 0xc7, 0xf8, 0, 0, 0, 0 }, 6, 6, INSN_JCC, INSN_IMM32 },
    { "jmp indirect", { 0xff, 0xe0 }, 2, 2, INSN_JMP_INDIRECT, 0 },
    { "notrack jmp", { 0x3e, 0xff, 0xe0 }, 3, 3, INSN_JMP_INDIRECT, 0 },
    { "call indirect", { 0xff, 0x15, 0, 0, 0, 0 }, 6, 6, INSN_CALL_INDIRECT, INSN_RIP_RELATIVE },
    { "bnd ret", { 0xf2, 0xc3 }, 2, 2, INSN_RET, 0 },
    { "nopw", { 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0 }, 10, 10, INSN_NOP, 0 },
    { "pause", { 0xf3, 0x90 }, 2, 2, INSN_PLAIN, 0 },
    { "xchg r8", { 0x49, 0x90 }, 2, 2, INSN_PLAIN, 0 },
    { "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, 4, 4, INSN_PLAIN, INSN_ENDBR },
    { "test imm", { 0xf7, 0xc0, 1, 0, 0, 0 }, 6, 6, INSN_PLAIN, 0 },
    { "neg", { 0xf7, 0xd8 }, 2, 2, INSN_PLAIN, 0 },
    { "moffs", { 0xa1, 1, 2, 3, 4, 5, 6, 7, 8 }, 9, 9, INSN_PLAIN, 0 },
    { "enter", { 0xc8, 1, 0, 0 }, 4, 4, INSN_PLAIN, 0 },
    { "vzeroupper", { 0xc5, 0xf8, 0x77 }, 3, 3, INSN_PLAIN, 0 },
    { "vpshufd", { 0xc5, 0xf9, 0x70, 0xc0, 1 }, 5, 5, INSN_PLAIN, 0 },
    { "vaesenc", { 0xc4, 0xe2, 0x79, 0xdc, 0xc1 }, 5, 5, INSN_PLAIN, 0 },
    { "evex", { 0x62, 0xf1, 0x7c, 0x48, 0x10, 0x05, 0, 0, 0, 0 }, 10, 10, INSN_PLAIN, INSN_RIP_RELATIVE },
    { "xop vpcmov", { 0x8f, 0xe8, 0x78, 0xa2, 0xc1, 0x20 }, 6, 6, INSN_PLAIN, 0 },
    { "pop m", { 0x8f, 0x00 }, 2, 2, INSN_PLAIN, 0 },
    { "xsha1", { 0xf3, 0x0f, 0xa6, 0xc8 }, 4, 4, INSN_PLAIN, 0 },
    { "push es", { 0x06 }, 1, 1, INSN_BAD, 0 },
    { "cut off", { 0xb8, 1, 2 }, 3, 1, INSN_BAD, 0 },
    { "cut displacement", { 0x48, 0x8d, 0x05, 1 }, 4, 1, INSN_BAD, 0 },
    { "only prefixes", { 0x66, 0x66, 0x66 }, 3, 1, INSN_BAD, 0 },
    { "nothing", { 0 }, 0, 1, INSN_BAD, 0 },
    { "sixteen bytes",
      { 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x0f, 0x05 },
      16,
      1,
      INSN_BAD,
      0 },
    { "int3", { 0xcc }, 1, 1, INSN_INT3, 0 },
    { "int 0x80", { 0xcd, 0x80 }, 2, 2, INSN_OTHER, 0 },
    { "EIP-relative", { 0x67, 0x8b, 0x05, 0, 0, 0, 0 }, 7, 7, INSN_OTHER, INSN_WRITES_AX },
    { "SIB without base", { 0x8b, 0x04, 0x25, 0, 0, 0, 0 }, 7, 7, INSN_PLAIN, INSN_WRITES_AX },
    { "disp8 and SIB", { 0x8b, 0x44, 0x24, 8 }, 4, 4, INSN_PLAIN, INSN_WRITES_AX },
};

TEST(sizes_and_classes)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct gate_insn insn;
        gate_decode(cases[i].bytes, cases[i].available, &insn);
        if (insn.size != cases[i].size || insn.kind != cases[i].kind || insn.flags != cases[i].flags) {
            test_fail(__FILE__, __LINE__, "%s: size %u kind %u flags %#x", cases[i].name, insn.size, insn.kind,
                      insn.flags);
            return;
        }
    }
}

TEST(targets_and_displacements)
{
    struct gate_insn insn;

    gate_decode((const u8[]){ 0xe9, 0xfb, 0xff, 0xff, 0xff }, 5, &insn);
    CHECK_EQ(insn.value, -5);
    gate_decode((const u8[]){ 0xeb, 0x80 }, 2, &insn);
    CHECK_EQ(insn.value, -128);
    gate_decode((const u8[]){ 0x80, 0x3d, 0x78, 0x56, 0x34, 0x12, 0 }, 7, &insn);
    CHECK_EQ(insn.disp_at, 2);
    CHECK_EQ(insn.disp, 0x12345678);
}

// No byte beyond the given ones is read (ASan sees it) and the size never exceeds them.
TEST(random_bytes)
{
    for (int i = 0; i < 200000; i++) {
        u8 exact[16];
        struct gate_insn insn;
        u64 a = test_random(), b = test_random();
        __builtin_memcpy(exact, &a, 8);
        __builtin_memcpy(exact + 8, &b, 8);
        size_t size = 1 + test_random() % 15;
        u8 *heap = __builtin_malloc(size);
        __builtin_memcpy(heap, exact, size);
        gate_decode(heap, size, &insn);
        __builtin_free(heap);
        CHECK(insn.size >= 1 && insn.size <= size);
    }
}
