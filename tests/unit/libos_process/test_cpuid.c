// SPDX-License-Identifier: BSD-3-Clause
// Instructions an enclave may not execute: which are taken, what they answer, and that no answer promises what XFRM
// lacks.
#include "libos/process/cpuid.h"
#include "base/string.h"
#include "fake.h"
#include "test.h"
#include "trusted/cpu.h"
#include "trusted/xsave.h"

enum { EAX, EBX, ECX, EDX };

static u32 host_answer[4];
static s64 host_result;

s64 ocall_cpuid(u32 leaf, u32 subleaf, u32 *regs, size_t n);
s64 ocall_cpuid(u32 leaf, u32 subleaf, u32 *regs, size_t n)
{
    memcpy(regs, host_answer, n * sizeof(u32));
    return host_result;
}

static struct user_regs at(const void *code)
{
    memcpy(fake_user, code, 3);
    return (struct user_regs){ .rip = user_addr(0) };
}

TEST(takes_its_instructions_only)
{
    static const u8 cpuid[] = { 0x0f, 0xa2, 0x90 }, rdtsc[] = { 0x0f, 0x31, 0x90 }, rdtscp[] = { 0x0f, 0x01, 0xf9 };
    static const u8 others[][3] = {
        { 0x0f, 0x0b, 0 }, { 0x0f, 0x01, 0xd0 }, { 0x0f, 0x05, 0 }, { 0xa2, 0x0f, 0xa2 }, { 0x90, 0x0f, 0x31 }
    };

    struct user_regs regs = at(cpuid);
    CHECK(instruction_emulate(&regs));
    CHECK_EQ(regs.rip, user_addr(0) + 2);
    regs = at(rdtsc);
    CHECK(instruction_emulate(&regs));
    CHECK_EQ(regs.rip, user_addr(0) + 2);
    CHECK_EQ(regs.rax, 1000); // the fake clock
    CHECK_EQ(regs.rdx, 0);
    regs = at(rdtscp);
    CHECK(instruction_emulate(&regs));
    CHECK_EQ(regs.rip, user_addr(0) + 3);
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        regs = at(others[i]);
        CHECK(!instruction_emulate(&regs));
        CHECK_EQ(regs.rip, user_addr(0));
    }
}

TEST(answers_are_32_bits_wide_and_zero_when_the_host_fails)
{
    static const u8 cpuid[] = { 0x0f, 0xa2, 0x90 };
    for (int i = 0; i < 4; i++)
        host_answer[i] = 0x80000001u + (u32)i;
    struct user_regs regs = at(cpuid);
    regs.rax = 0xffffffff80000008ull;
    regs.rcx = ~0ull;
    CHECK(instruction_emulate(&regs));
    CHECK_EQ(regs.rax, 0x80000001u);
    CHECK_EQ(regs.rbx, 0x80000002u);
    CHECK_EQ(regs.rcx, 0x80000003u);
    CHECK_EQ(regs.rdx, 0x80000004u);
    host_result = -5;
    regs = at(cpuid);
    CHECK(instruction_emulate(&regs));
    host_result = 0;
    CHECK_EQ(regs.rax | regs.rbx | regs.rdx, 0);
}

static void filter(u32 leaf, u32 subleaf, u64 mask, u32 regs[4])
{
    for (int i = 0; i < 4; i++)
        regs[i] = ~0u;
    cpuid_filter(leaf, subleaf, mask, regs);
}

TEST(features_follow_xfrm)
{
    u32 regs[4];
    filter(1, 0, 3, regs);
    CHECK(!(regs[ECX] & (1u << 28)) && !(regs[ECX] & (1u << 12)) && (regs[ECX] & (1u << 27)));
    filter(1, 0, 7, regs);
    CHECK(regs[ECX] & (1u << 28));
    filter(7, 0, 7, regs);
    CHECK((regs[EBX] & (1u << 5)) && !(regs[EBX] & (1u << 16)) && !(regs[EBX] & (1u << 2)) && !(regs[ECX] & (1u << 3)));
    filter(7, 0, 0xe7, regs);
    CHECK((regs[EBX] & (1u << 16)) && !(regs[EDX] & (1u << 24)));
    filter(7, 0, 0x600e7 | 0x200, regs);
    CHECK((regs[EDX] & (1u << 24)) && (regs[ECX] & (1u << 3)));
    filter(0x12, 0, 7, regs);
    CHECK_EQ(regs[EAX] | regs[EBX] | regs[ECX] | regs[EDX], 0);
    filter(0, 0, 7, regs);
    CHECK_EQ(regs[EAX], 0x1f);
}

// A host that answers nothing hides neither RDRAND nor AES.
TEST(features_of_every_sgx_cpu)
{
    u32 regs[4] = { 0 };
    cpuid_filter(1, 0, 3, regs);
    CHECK(regs[ECX] & (1u << 30));
    CHECK(regs[ECX] & (1u << 25));
    CHECK(regs[ECX] & (1u << 1));
    CHECK(!(regs[ECX] & (1u << 28)));
    CHECK_EQ(regs[EDX] & cpu_hwcap(), cpu_hwcap());
    memset(regs, 0, sizeof(regs));
    cpuid_filter(1, 0, 7, regs);
    CHECK(regs[ECX] & (1u << 28));
}

// A program gives XSAVE as much stack as these say: whatever the host answered.
TEST(xsave_sizes_are_ours)
{
    static const struct {
        u64 mask;
        u32 size;
    } rows[] = { { 3, 576 }, { 7, 832 }, { 0xe7, 2688 }, { 0x2e7, 2696 }, { 0x600e7, 11008 } };
    u32 regs[4];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        filter(0xd, 0, rows[i].mask, regs);
        CHECK_EQ(xsave_size(rows[i].mask), rows[i].size); // of what is kept for a thread
        CHECK_EQ(regs[EBX], rows[i].size);
        CHECK_EQ(regs[ECX], rows[i].size);
        CHECK_EQ(regs[EAX], rows[i].mask);
        filter(0xd, 1, rows[i].mask, regs);
        CHECK_EQ(regs[EAX], 7);
        CHECK_EQ(regs[EBX], rows[i].size);
    }
    filter(0xd, 2, 7, regs);
    CHECK_EQ(regs[EAX], 256);
    CHECK_EQ(regs[EBX], 576);
    filter(0xd, 5, 7, regs);
    CHECK_EQ(regs[EAX] | regs[EBX], 0);
}
