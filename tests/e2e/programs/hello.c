// SPDX-License-Identifier: BSD-3-Clause
// The smallest program with a libc.
#include <stdio.h>

int main(void)
{
    puts("Hello, world!");
    return 0;
}
