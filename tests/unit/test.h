// SPDX-License-Identifier: BSD-3-Clause
// A unit test is a function: TEST(name) { CHECK(...); }. tests/unit/test.c runs all of a program and
// prints TAP. Free of libc headers, so that it can stand beside the LibOS's own.
#pragma once

#include "base/types.h"

void test_register(const char *name, void (*run)(void));
void test_fail(const char *file, int line, const char *format, ...) __printf_like(3, 4);
// Reproducible pseudo-random numbers (same sequence in every run; seed may be set by TEST_SEED).
u64 test_random(void);

#define TEST(name)                                                                                        \
    static void test_##name(void);                                                                        \
    __attribute__((constructor)) static void register_##name(void) { test_register(#name, test_##name); } \
    static void test_##name(void)

// A failed check ends its test function.
#define CHECK(cond)                                     \
    do {                                                \
        if (!(cond)) {                                  \
            test_fail(__FILE__, __LINE__, "%s", #cond); \
            return;                                     \
        }                                               \
    } while (0)

#define CHECK_EQ(a, b)                                                                                  \
    do {                                                                                                \
        long long check_a = (long long)(a), check_b = (long long)(b);                                   \
        if (check_a != check_b) {                                                                       \
            test_fail(__FILE__, __LINE__, "%s == %s: %lld (0x%llx) and %lld (0x%llx)", #a, #b, check_a, \
                      (unsigned long long)check_a, check_b, (unsigned long long)check_b);               \
            return;                                                                                     \
        }                                                                                               \
    } while (0)

#define CHECK_STR(a, b)                                                                             \
    do {                                                                                            \
        const char *check_a = (a), *check_b = (b);                                                  \
        if (__builtin_strcmp(check_a, check_b) != 0) {                                              \
            test_fail(__FILE__, __LINE__, "%s == %s: \"%s\" and \"%s\"", #a, #b, check_a, check_b); \
            return;                                                                                 \
        }                                                                                           \
    } while (0)
