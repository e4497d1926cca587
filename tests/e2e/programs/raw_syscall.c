// SPDX-License-Identifier: BSD-3-Clause
// System calls without libc, from the program's own text: they reach the LibOS, never the host.
#include <stdio.h>
#include <unistd.h>

static long raw(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}

int main(void)
{
    printf("getpid agrees: %s\n", raw(39, 0, 0, 0) == getpid() ? "yes" : "no");
    printf("pid %ld\n", raw(39, 0, 0, 0));
    printf("9999: %ld\n", raw(9999, 0, 0, 0));
    printf("bad pointer: %ld\n", raw(1, 1, 8, 4));
    printf("bad descriptor: %ld\n", raw(1, 99, (long)"x", 1));
    fflush(stdout);
    raw(1, 1, (long)"written\n", 8);
    raw(231, 6, 0, 0);
    return 0;
}
