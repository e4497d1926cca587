// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/hostmem.h"
#include "base/checked.h"
#include "base/string.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/usercopy.h"

bool hostmem_outside(u64 addr, u64 len)
{
    return addr >= PAGE_SIZE && range_outside(addr, len, 0, enclave_layout.elrange_size);
}

static void require_outside(u64 addr, u64 len)
{
    if (unlikely(!hostmem_outside(addr, len)))
        enclave_abort(ABORT_HOST_POINTER);
}

static u64 load(u64 addr)
{
    u64 value;
    __asm__ volatile("movq (%1), %0" : "=r"(value) : "r"(addr) : "memory");
    return value;
}

static void store(u64 addr, u64 value) { __asm__ volatile("movq %0, (%1)" ::"r"(value), "r"(addr) : "memory"); }

u64 hostmem_read_u64(const void __host *src)
{
    u64 addr = (u64)(uintptr_t)src;
    require_outside(addr, 8);
    return load(ALIGN_DOWN(addr, 8));
}

// Aligned whole units: rep movsq moves 8 bytes at a time.
static void copy_units(u64 dst, u64 src, size_t units)
{
    __asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(units)::"memory");
}

void hostmem_copy_in(void *dst, const void __host *src, size_t size)
{
    u64 from = (u64)(uintptr_t)src;
    u8 *to = dst;

    require_outside(from, size);
    while (size && (from & 7)) {
        size_t skip = from & 7, n = MIN(8 - skip, size);
        u64 unit = load(from - skip);
        memcpy(to, (u8 *)&unit + skip, n);
        from += n, to += n, size -= n;
    }
    copy_units((u64)(uintptr_t)to, from, size / 8);
    if (size & 7) {
        u64 unit = load(from + (size & ~7ul));
        memcpy(to + (size & ~7ul), &unit, size & 7);
    }
}

bool hostmem_try_copy_in(void *dst, const void __host *src, size_t size)
{
    require_outside((u64)(uintptr_t)src, size);
    return hostcopy_raw(dst, src, size / 8) == 0;
}

void hostmem_copy_out(void __host *dst, const void *src, size_t size)
{
    u64 to = (u64)(uintptr_t)dst;
    const u8 *from = src;

    require_outside(to, size);
    while (size && ((to & 7) || size < 8)) {
        size_t skip = to & 7, n = MIN(8 - skip, size);
        u64 unit = load(to - skip);
        memcpy((u8 *)&unit + skip, from, n);
        store(to - skip, unit);
        to += n, from += n, size -= n;
    }
    copy_units(to, (u64)(uintptr_t)from, size / 8);
    if (size & 7)
        hostmem_copy_out((void __host *)(to + (size & ~7ul)), from + (size & ~7ul), size & 7);
}
