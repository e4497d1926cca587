// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/vector.h"
#include "trusted/cpu.h"
#include "trusted/tls.h"

size_t vector_state_size(void) { return cpu_xsave_size(); }

void vector_save(void *area)
{
    u64 mask = cpu_xfrm();
    __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}

void vector_restore(const void *area)
{
    u64 mask = cpu_xfrm();
    __asm__ volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)mask), "d"((u32)(mask >> 32)) : "memory");
}

void vector_reset(void)
{
    // An XSAVE header of zeros selects the initial configuration of every component but MXCSR, which is read from the
    // area.
    static const struct {
        u16 fcw;
        u8 fill1[22];
        u32 mxcsr, mxcsr_mask;
        u8 fill2[544];
    } __attribute__((aligned(64))) initial = { .fcw = 0x37f, .mxcsr = 0x1f80 };
    static_assert(sizeof(initial) == 576);
    vector_restore(&initial);
}

void vector_begin(void) { vector_save(tls_self()->vector_area); }
void vector_end(void) { vector_restore(tls_self()->vector_area); }
