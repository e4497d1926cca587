// SPDX-License-Identifier: BSD-3-Clause
// System calls without libc: the answer is the kernel's, -errno included, and no thread-local storage is touched. For
// the code that serves host calls and for signal handlers, which in simulation run with the program's %fs.
#pragma once

#include <sys/syscall.h>

#include "base/types.h"

// syscall(2) of the x86-64 ABI: RAX the number, arguments in RDI RSI RDX R10 R8 R9; RCX and R11 are lost.
static inline s64 raw_syscall6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    s64 result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

// RAW(SYS_name, arguments...): at most six, integers or pointers.
#define RAW(...) RAW_PADDED(__VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define RAW_PADDED(number, a, b, c, d, e, f, ...) \
    raw_syscall6((long)(number), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))

// futex(2) on a word of this process. timeout: relative, NULL for none.
struct timespec;
static inline s64 raw_futex(u32 *word, int op, u32 value, const struct timespec *timeout)
{
    enum { PRIVATE = 128 };
    return RAW(SYS_futex, word, op | PRIVATE, value, timeout);
}
