// SPDX-License-Identifier: BSD-3-Clause
// READ_ONCE and WRITE_ONCE are volatile accesses: the compiler marks them apart (tsan-distinguish-volatile). A write
// counts as a relaxed atomic, so that a plain access beside it is a race. A read counts as nothing, unless --strict
// asks for it: the LibOS looks without a lock at what others write plainly under theirs, where any value that it may
// see is right.
#include "bench.h"

#define MO_RELAXED 0

#define VOLATILE(bits, bytes)                                                             \
    u##bits __tsan_atomic##bits##_load(const volatile u##bits *a, int order);             \
    u##bits __tsan_atomic##bits##_fetch_add(volatile u##bits *a, u##bits v, int order);   \
    void __tsan_volatile_read##bytes(void *addr);                                         \
    void __tsan_volatile_write##bytes(void *addr);                                        \
    void __tsan_unaligned_volatile_read##bytes(void *addr);                               \
    void __tsan_unaligned_volatile_write##bytes(void *addr);                              \
    void __tsan_volatile_read##bytes(void *addr)                                          \
    {                                                                                     \
        if (bench_options.strict)                                                         \
            (void)__tsan_atomic##bits##_load((const volatile u##bits *)addr, MO_RELAXED); \
    }                                                                                     \
    void __tsan_volatile_write##bytes(void *addr)                                         \
    {                                                                                     \
        __tsan_atomic##bits##_fetch_add((volatile u##bits *)addr, 0, MO_RELAXED);         \
    }                                                                                     \
    void __tsan_unaligned_volatile_read##bytes(void *addr) {}                             \
    void __tsan_unaligned_volatile_write##bytes(void *addr) {}

VOLATILE(8, 1)
VOLATILE(16, 2)
VOLATILE(32, 4)
VOLATILE(64, 8)
