// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/cpu.h"
#include "trusted/enclu.h"
#include "trusted/layout.h"
#include "trusted/xsave.h"

static u64 hwcap, xfrm;
static bool reports_faults;
static size_t area_size;

struct cpuid_regs {
    u32 eax, ebx, ecx, edx;
};

// CPUID is illegal inside a hardware enclave (#UD); simulation executes it.
static struct cpuid_regs cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid_regs r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

static u64 xgetbv0(void)
{
    u32 low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return ((u64)high << 32) | low;
}

// Whether the CPU writes EXINFO is the loader's choice where the signature leaves it open: the CPU itself knows.
static bool exinfo_selected(void)
{
    static const struct sgx_targetinfo nobody;
    static const u8 data[64] __attribute__((aligned(128)));
    static struct sgx_report report __attribute__((aligned(512)));
    enclu_ereport(&nobody, data, &report);
    return report.body.miscselect & SGX_MISC_EXINFO;
}

void cpu_init(void)
{
    bool sim = enclave_layout.mode == ENCLAVE_MODE_SIM;
    xfrm = xgetbv0() & enclave_layout.xfrm;
    reports_faults = sim || exinfo_selected();
    if (sim) {
        hwcap = cpuid(1, 0).edx;
        area_size = cpuid(0xd, 0).ebx;
    } else {
        hwcap = 0xbfebfbff; // FPU..SSE2, HTT: what every SGX CPU reports
        area_size = xsave_size(xfrm);
    }
}

static u32 told_7_ebx; // written at boot

void cpu_told(u64 cpuid_7_ebx) { told_7_ebx = (u32)cpuid_7_ebx; }

bool cpu_has_sha(void) { return told_7_ebx & (1u << 29); }

u64 cpu_hwcap(void) { return hwcap; }
u64 cpu_xfrm(void) { return xfrm; }
size_t cpu_xsave_size(void) { return area_size; }
bool cpu_reports_faults(void) { return reports_faults; }
// The CPUs that know EXINFO are those with SGX2, and those allow RDTSC in an enclave (SDM 37.6.1).
bool cpu_has_tsc(void) { return reports_faults; }

__noinline u64 cpu_tsc(void)
{
    u32 low, high;
    if (!cpu_has_tsc())
        return 0;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((u64)high << 32) | low;
}
