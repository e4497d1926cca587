// SPDX-License-Identifier: BSD-3-Clause
// The raw copies of usercopy.S (linked here as machine_*, so that faults are real), with the LibOS's side of each copy
// shown to the sanitizers: assembly is invisible to them.
#include "trusted/usercopy.h"
#include "base/string.h"
#include "bench.h"
#include "machine.h"
#include "sanitize.h"

static void check(const void *ptr, size_t size, bool write)
{
    if (!machine_is_user((u64)(uintptr_t)ptr) && size)
        sanitize_range(ptr, size, write);
}

size_t usercopy_raw(void *dst, const void *src, size_t n)
{
    check(dst, n, true);
    check(src, n, false);
    return machine_copy(dst, src, n);
}

size_t userclear_raw(void *dst, size_t n)
{
    check(dst, n, true);
    return machine_clear(dst, n);
}

long userstr_raw(char *dst, const char *src, size_t n)
{
    check(dst, n, true);
    return machine_string(dst, src, n);
}

bool usercmpxchg_raw(u32 *ptr, u32 *expected, u32 new, u32 *ret_fault)
{
    return machine_cmpxchg(ptr, expected, new, ret_fault);
}

// The host's memory is touched by assembly too.
void __real_hostmem_copy_in(void *dst, const void __host *src, size_t size);
void __real_hostmem_copy_out(void __host *dst, const void *src, size_t size);
void __wrap_hostmem_copy_in(void *dst, const void __host *src, size_t size);
void __wrap_hostmem_copy_out(void __host *dst, const void *src, size_t size);

void __wrap_hostmem_copy_in(void *dst, const void __host *src, size_t size)
{
    check(dst, size, true);
    __real_hostmem_copy_in(dst, src, size);
}

void __wrap_hostmem_copy_out(void __host *dst, const void *src, size_t size)
{
    check(src, size, false);
    __real_hostmem_copy_out(dst, src, size);
}
