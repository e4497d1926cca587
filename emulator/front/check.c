// SPDX-License-Identifier: BSD-3-Clause
// --check: what this machine has of SGX, whether the emulator can work here, and what the emulated machine offers.
#include <cpuid.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "front/cpu/fsgsbase.h"
#include "front/front.h"
#include "front/os/emu.h"

enum { EAX, EBX, ECX, EDX };

static const char *yes(bool is) { return is ? "yes" : "no"; }

static void machine_cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
    memset(r, 0, 4 * sizeof(u32));
    if (__get_cpuid_max(leaf & 0x80000000u, NULL) >= leaf)
        __cpuid_count(leaf, subleaf, r[EAX], r[EBX], r[ECX], r[EDX]);
}

static void emulated_cpuid(u32 leaf, u32 subleaf, u32 r[4])
{
    machine_cpuid(leaf, subleaf, r);
    sgx_cpuid(&emu.model, leaf, subleaf, r);
}

// EPC bytes of all sections (SDM 34.7.2).
static u64 epc_bytes(void (*cpuid)(u32, u32, u32 *))
{
    u64 sum = 0;
    u32 r[4];
    for (u32 i = 2; i < 34; i++) {
        cpuid(0x12, i, r);
        if ((r[EAX] & 15) != 1)
            break;
        sum += (r[ECX] & 0xfffff000u) | (u64)(r[EDX] & 0xfffff) << 32;
    }
    return sum;
}

static void describe(void (*cpuid)(u32, u32, u32 *))
{
    u32 leaf7[4], leaf12[4], attributes[4];
    cpuid(7, 0, leaf7);
    bool sgx = leaf7[EBX] & 1u << 2;
    printf("  SGX (CPUID.7.EBX[2]): %s\n", yes(sgx));
    if (!sgx)
        return;
    cpuid(0x12, 0, leaf12);
    cpuid(0x12, 1, attributes);
    printf("  flexible launch control (CPUID.7.ECX[30]): %s\n", yes(leaf7[ECX] & 1u << 30));
    printf("  SGX1: %s\n  SGX2 (EDMM): %s\n", yes(leaf12[EAX] & 1), yes(leaf12[EAX] & 2));
    printf("  EXINFO: %s\n  AEX notify: %s\n", yes(leaf12[EBX] & 1), yes(leaf12[EAX] & 1u << 11));
    printf("  key separation and sharing: %s\n", yes(attributes[EAX] & SGX_ATTR_KSS));
    printf("  XFRM: %#lx\n", attributes[ECX] | (u64)attributes[EDX] << 32);
    printf("  largest enclave: 2^%u bytes\n", leaf12[EDX] >> 8 & 0xff);
    printf("  EPC: %lu MB\n", epc_bytes(cpuid) >> 20);
}

// Tried, not looked up: containers forbid either in several ways.
static bool can_trace(void)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        for (;;)
            pause();
    if (child < 0)
        return false;
    bool works = ptrace(PTRACE_SEIZE, child, NULL, (unsigned long)PTRACE_O_TRACESECCOMP) == 0;
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    return works;
}

static bool can_filter(void)
{
    u32 action = SECCOMP_RET_TRACE;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int check_machine(void)
{
    puts("This machine:");
    describe(machine_cpuid);
    printf("  /dev/sgx_enclave: %s\n", access("/dev/sgx_enclave", F_OK) ? "absent" : "present");
    printf("  /dev/sgx_provision: %s\n", access("/dev/sgx_provision", F_OK) ? "absent" : "present");
    bool trace_works = can_trace(), filter_works = can_filter();
    puts("The emulator needs:");
    printf("  ptrace: %s\n  seccomp with SECCOMP_RET_TRACE: %s\n", yes(trace_works), yes(filter_works));
    puts("rdfsbase, wrfsbase, rdgsbase and wrgsbase in enclaves:");
    printf("  offered by the kernel (AT_HWCAP2): %s%s\n", yes(fsgsbase_of_kernel()),
           fsgsbase_of_kernel() && !emu.bases_native ? ", hidden by OCCLUM_NO_FSGSBASE" : "");
    printf("  executed by: %s\n",
           emu.bases_native ? "the enclave itself" : "the emulator, which replaces them in pages that are executed");
    puts("The emulated machine:");
    describe(emulated_cpuid);
    printf("  /dev/sgx_enclave, /dev/sgx_provision: present, %s the SGX2 ioctls\n",
           emu.options.driver_sgx1 ? "without" : "with");
    puts("The emulator protects nothing: its pages and keys can be read by anybody.");
    return trace_works && filter_works ? 0 : 1;
}
