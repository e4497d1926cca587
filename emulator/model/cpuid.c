// SPDX-License-Identifier: BSD-3-Clause
// CPUID leaves that tell of SGX (SDM 34.7.2).
#include "internal.h"

enum { EAX, EBX, ECX, EDX };
#define LEAF7_EBX_SGX (1u << 2)
#define LEAF7_EBX_AVX512 0xdc230000u // F DQ IFMA PF ER CD BW VL
#define LEAF7_ECX_AVX512 0x00005842u // VBMI VBMI2 VNNI BITALG VPOPCNTDQ
#define LEAF7_EDX_AVX512 0x0080010cu // 4VNNIW 4FMAPS VP2INTERSECT FP16
#define LEAF7_ECX_SGX_LC (1u << 30)
#define SGX_LEAF 0x12u
#define XFRM_AVX512 0xe0ull
#define LOG2_MAX_SIZE_32 31u
#define LOG2_MAX_SIZE_64 46u

static void capabilities(const struct sgx_model *m, u32 regs[4])
{
    regs[EAX] = 1u | (m->config.sgx2 ? 1u << 1 : 0) | (m->config.aex_notify ? 1u << 11 : 0);
    regs[EBX] = supported_miscselect(m);
    regs[ECX] = 0;
    regs[EDX] = LOG2_MAX_SIZE_64 << 8 | LOG2_MAX_SIZE_32;
}

static void attributes(const struct sgx_model *m, u32 regs[4])
{
    regs[EAX] = (u32)(SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN_KEY |
                      (m->config.kss ? SGX_ATTR_KSS : 0) | (m->config.aex_notify ? SGX_ATTR_AEXNOTIFY : 0));
    regs[EBX] = 0;
    regs[ECX] = (u32)m->config.xfrm;
    regs[EDX] = (u32)(m->config.xfrm >> 32);
}

static void epc_section(const struct sgx_model *m, u32 regs[4])
{
    u64 base = m->config.epc_base, size = (u64)m->pages * PAGE_SIZE;

    regs[EAX] = (u32)(base & 0xfffff000u) | 1; // a section
    regs[EBX] = (u32)(base >> 32) & 0xfffff;
    regs[ECX] = (u32)(size & 0xfffff000u) | 1; // with confidentiality and integrity, says it
    regs[EDX] = (u32)(size >> 32) & 0xfffff;
}

void sgx_cpuid(const struct sgx_model *m, u32 leaf, u32 subleaf, u32 regs[4])
{
    if (leaf == 0 && regs[EAX] < SGX_LEAF)
        regs[EAX] = SGX_LEAF;
    if (leaf == 7 && subleaf == 0) {
        regs[EBX] |= LEAF7_EBX_SGX;
        regs[ECX] |= LEAF7_ECX_SGX_LC;
        // Enclave runtimes derive XFRM from these bits: tell no more than XFRM offers.
        if (!(m->config.xfrm & XFRM_AVX512)) {
            regs[EBX] &= ~LEAF7_EBX_AVX512;
            regs[ECX] &= ~LEAF7_ECX_AVX512;
            regs[EDX] &= ~LEAF7_EDX_AVX512;
        }
    }
    if (leaf != SGX_LEAF)
        return;
    regs[EAX] = regs[EBX] = regs[ECX] = regs[EDX] = 0;
    if (subleaf == 0)
        capabilities(m, regs);
    else if (subleaf == 1)
        attributes(m, regs);
    else if (subleaf == 2)
        epc_section(m, regs);
}
