// SPDX-License-Identifier: BSD-3-Clause
// Tells the sanitizer of this build about an access that assembly makes.
#pragma once

#include "base/types.h"

#if defined(__SANITIZE_THREAD__)
void __tsan_read_range(void *addr, unsigned long size);
void __tsan_write_range(void *addr, unsigned long size);
#elif defined(__SANITIZE_ADDRESS__)
void __asan_loadN(unsigned long addr, unsigned long size);
void __asan_storeN(unsigned long addr, unsigned long size);
#endif

static inline void sanitize_range(const void *ptr, size_t size, bool write)
{
#if defined(__SANITIZE_THREAD__)
    if (write)
        __tsan_write_range((void *)(uintptr_t)ptr, size);
    else
        __tsan_read_range((void *)(uintptr_t)ptr, size);
#elif defined(__SANITIZE_ADDRESS__)
    if (write)
        __asan_storeN((uintptr_t)ptr, size);
    else
        __asan_loadN((uintptr_t)ptr, size);
#else
    (void)ptr, (void)size, (void)write;
#endif
}
