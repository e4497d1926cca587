// SPDX-License-Identifier: BSD-3-Clause
// The only functions of the loader that hold these instructions (tests/lint/layers.toml).
#include "platform/sim/bases.h"

#include <asm/prctl.h>
#include <sys/auxv.h>

#include "platform/raw.h"
#include "platform/switches.h"

enum { FSGSBASE_BIT = 1 << 1 }; // of AT_HWCAP2: HWCAP2_FSGSBASE of asm/hwcap2.h

static bool by_instruction;

void bases_init(void) { by_instruction = !switch_is_on("OCCLUM_NO_FSGSBASE") && (getauxval(AT_HWCAP2) & FSGSBASE_BIT); }

bool bases_by_instruction(void) { return by_instruction; }

int bases_set_fs(u64 base)
{
    if (!by_instruction)
        return (int)RAW(SYS_arch_prctl, ARCH_SET_FS, base);
    __asm__ volatile("wrfsbase %0" ::"r"(base));
    return 0;
}

int bases_set_gs(u64 base)
{
    if (!by_instruction)
        return (int)RAW(SYS_arch_prctl, ARCH_SET_GS, base);
    __asm__ volatile("wrgsbase %0" ::"r"(base));
    return 0;
}

u64 bases_get_fs(u64 remembered)
{
    if (by_instruction)
        __asm__ volatile("rdfsbase %0" : "=r"(remembered));
    return remembered;
}

u64 bases_libc_fs(void)
{
    u64 base;
    __asm__ volatile("mov %%fs:0, %0" : "=r"(base));
    return base;
}
