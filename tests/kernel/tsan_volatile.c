// SPDX-License-Identifier: BSD-3-Clause
// READ_ONCE and WRITE_ONCE are volatile accesses: the compiler marks them apart (tsan-distinguish-volatile), and they
// count as relaxed atomics, so that a plain access beside them is still a race.
#include "base/types.h"

#define MO_RELAXED 0

#define VOLATILE(bits, bytes)                                                                               \
    u##bits __tsan_atomic##bits##_load(const volatile u##bits *a, int order);                               \
    u##bits __tsan_atomic##bits##_fetch_add(volatile u##bits *a, u##bits v, int order);                     \
    void __tsan_volatile_read##bytes(void *addr);                                                           \
    void __tsan_volatile_write##bytes(void *addr);                                                          \
    void __tsan_unaligned_volatile_read##bytes(void *addr);                                                 \
    void __tsan_unaligned_volatile_write##bytes(void *addr);                                                \
    void __tsan_volatile_read##bytes(void *addr)                                                            \
    {                                                                                                       \
        (void)__tsan_atomic##bits##_load((const volatile u##bits *)addr, MO_RELAXED);                       \
    }                                                                                                       \
    void __tsan_volatile_write##bytes(void *addr) { __tsan_atomic##bits##_fetch_add(addr, 0, MO_RELAXED); } \
    void __tsan_unaligned_volatile_read##bytes(void *addr) {}                                               \
    void __tsan_unaligned_volatile_write##bytes(void *addr) {}

VOLATILE(8, 1)
VOLATILE(16, 2)
VOLATILE(32, 4)
VOLATILE(64, 8)
