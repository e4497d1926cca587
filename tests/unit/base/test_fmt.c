// SPDX-License-Identifier: BSD-3-Clause
#include "base/fmt.h"
#include "test.h"

#define CHECK_FORMAT(expected, ...)                               \
    do {                                                          \
        char text[128];                                           \
        size_t len = fmt_format(text, sizeof(text), __VA_ARGS__); \
        CHECK_STR(text, expected);                                \
        CHECK_EQ(len, __builtin_strlen(expected));                \
    } while (0)

TEST(integers)
{
    CHECK_FORMAT("-2147483648 2147483647 0", "%d %d %d", -2147483647 - 1, 2147483647, 0);
    CHECK_FORMAT("-9223372036854775808", "%ld", (long)(-9223372036854775807 - 1));
    CHECK_FORMAT("0022 17", "%04o %o", 022, 017);
    CHECK_FORMAT("ffffffffffffffff 0x10 1F", "%lx %#x %X", ~0ul, 16, 31);
    CHECK_FORMAT("[   42] [42   ] [00042] [+42] [ 42] [0042]", "[%5d] [%-5d] [%05d] [%+d] [% d] [%.4d]", 42, 42, 42, 42,
                 42, 42);
    CHECK_FORMAT("255 -1 18446744073709551615", "%hhu %hhd %zu", 511, 511, (size_t)-1);
    CHECK_FORMAT("[  7]", "[%*d]", 3, 7);
}

TEST(strings)
{
    CHECK_FORMAT("[abc] [  abc] [ab] [(null)] %c", "[%s] [%5s] [%.2s] [%s] %%c", "abc", "abc", "abc", (char *)NULL);
    CHECK_FORMAT("x", "%c", 'x');
}

TEST(cut_text_is_terminated_and_its_length_reported)
{
    char small[4];
    CHECK_EQ(fmt_format(small, sizeof(small), "%d", 123456), 6);
    CHECK_STR(small, "123");
    CHECK_EQ(fmt_format(NULL, 0, "%s", "hello"), 5);
}
