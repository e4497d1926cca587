// SPDX-License-Identifier: BSD-3-Clause
#include "libos/process/cpuid.h"

#include "abi/linux/abi.h"
#include "libos/time/time.h"
#include "trusted/cpu.h"
#include "trusted/ocall.h"
#include "trusted/usercopy.h"
#include "trusted/xsave.h"

enum { EAX, EBX, ECX, EDX };

#define BIT(n) (1u << (n))
#define XFRM_AVX BIT(2)
#define XFRM_AVX512 0xe0u
#define XFRM_PKRU BIT(9)
#define XFRM_AMX (3u << 17)
#define MAX_LEAF 0x1fu

// What every CPU with SGX has, whatever the host answers: hidden by it, programs would fall back to random numbers and
// AES of software, whose tables leak through the cache. Beyond these the host decides how fast a program is, no more.
static const u32 every_sgx_cpu_ecx =
    BIT(0) | BIT(1) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23) | BIT(25) | BIT(26) |
    BIT(30); // SSE3, PCLMULQDQ, SSSE3, CX16, SSE4.1, SSE4.2, POPCNT, AES, XSAVE, RDRAND

static void filter_features(u64 xfrm, u32 regs[4])
{
    regs[EDX] |= (u32)cpu_hwcap();
    regs[ECX] |= every_sgx_cpu_ecx | (xfrm & XFRM_AVX ? BIT(28) : 0);
    // MONITOR, VMX, SMX; an enclave cannot use them.
    regs[ECX] &= ~(BIT(3) | BIT(5) | BIT(6));
    if (!(xfrm & XFRM_AVX))
        regs[ECX] &= ~(BIT(12) | BIT(28) | BIT(29)); // FMA, AVX, F16C
    regs[ECX] |= BIT(27);                            // OSXSAVE: XGETBV tells XFRM
}

static void filter_extended(u64 xfrm, u32 regs[4])
{
    const u32 avx512_ebx = BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31);
    const u32 avx512_ecx = BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14),
              avx512_edx = BIT(2) | BIT(3) | BIT(8) | BIT(23);

    regs[EBX] &= ~(BIT(2) | BIT(4) | BIT(10) | BIT(11)); // SGX, HLE, INVPCID, RTM
    regs[ECX] &= ~(BIT(5) | BIT(7));                     // WAITPKG, CET shadow stacks
    regs[EDX] &= ~(u32)BIT(20);                          // CET indirect branch tracking
    if (!(xfrm & XFRM_AVX)) {
        regs[EBX] &= ~(u32)BIT(5);        // AVX2
        regs[ECX] &= ~(BIT(9) | BIT(10)); // VAES, VPCLMULQDQ
    }
    if ((xfrm & XFRM_AVX512) != XFRM_AVX512) {
        regs[EBX] &= ~avx512_ebx;
        regs[ECX] &= ~avx512_ecx;
        regs[EDX] &= ~avx512_edx;
    }
    if (!(xfrm & XFRM_PKRU))
        regs[ECX] &= ~(BIT(3) | BIT(4)); // PKU, OSPKE
    if ((xfrm & XFRM_AMX) != XFRM_AMX)
        regs[EDX] &= ~(BIT(22) | BIT(24) | BIT(25));
}

static void xsave_leaf(u32 subleaf, u64 xfrm, u32 regs[4])
{
    u32 end = (u32)xsave_size(xfrm), supported = regs[EAX];

    regs[EAX] = regs[EBX] = regs[ECX] = regs[EDX] = 0;
    for (size_t i = 0; i < XSAVE_COMPONENTS; i++)
        if ((xfrm >> xsave_components[i].number & 1) && xsave_components[i].number == subleaf) {
            regs[EAX] = xsave_components[i].size;
            regs[EBX] = xsave_components[i].offset;
        }
    if (subleaf == 0) {
        regs[EAX] = (u32)xfrm;
        regs[EDX] = (u32)(xfrm >> 32);
        regs[EBX] = regs[ECX] = end;
    } else if (subleaf == 1) {
        regs[EAX] = supported & (BIT(0) | BIT(1) | BIT(2)); // XSAVEOPT, XSAVEC, XGETBV with ECX = 1; no XSAVES
        regs[EBX] = end;
    }
}

void cpuid_filter(u32 leaf, u32 subleaf, u64 xfrm, u32 regs[4])
{
    switch (leaf) {
    case 0:
        regs[EAX] = MIN(regs[EAX], MAX_LEAF);
        break;
    case 1:
        filter_features(xfrm, regs);
        break;
    case 7:
        if (subleaf == 0)
            filter_extended(xfrm, regs);
        else if ((xfrm & XFRM_AVX512) != XFRM_AVX512)
            regs[EAX] &= ~(u32)BIT(5); // AVX512_BF16
        break;
    case 0xd:
        xsave_leaf(subleaf, xfrm, regs);
        break;
    case 0x12: // SGX, SGX again
    case 0x14: // processor trace
        regs[EAX] = regs[EBX] = regs[ECX] = regs[EDX] = 0;
        break;
    default:
        break;
    }
}

static void do_cpuid(struct user_regs *regs)
{
    u32 leaf = (u32)regs->rax, subleaf = (u32)regs->rcx, answer[4] = { 0 };

    if (ocall_cpuid(leaf, subleaf, answer, ARRAY_SIZE(answer)) != 0)
        answer[EAX] = answer[EBX] = answer[ECX] = answer[EDX] = 0;
    cpuid_filter(leaf, subleaf, cpu_xfrm(), answer);
    regs->rax = answer[EAX];
    regs->rbx = answer[EBX];
    regs->rcx = answer[ECX];
    regs->rdx = answer[EDX];
}

// A counter of nanoseconds, which only grows.
static void do_rdtsc(struct user_regs *regs)
{
    u64 now = (u64)time_monotonic_ns();
    regs->rax = (u32)now;
    regs->rdx = now >> 32;
}

bool instruction_emulate(struct user_regs *regs)
{
    u8 bytes[3] = { 0 };
    size_t have = sizeof(bytes) - usercopy_raw(bytes, (const void *)regs->rip, sizeof(bytes));

    if (have < 2 || bytes[0] != 0x0f)
        return false;
    if (bytes[1] == 0xa2) {
        do_cpuid(regs);
        regs->rip += 2;
    } else if (bytes[1] == 0x31) {
        do_rdtsc(regs);
        regs->rip += 2;
    } else if (have == 3 && bytes[1] == 0x01 && bytes[2] == 0xf9) { // RDTSCP
        do_rdtsc(regs);
        regs->rcx = 0;
        regs->rip += 3;
    } else {
        return false;
    }
    return true;
}
