// SPDX-License-Identifier: BSD-3-Clause
// For a debugger: calls within calls, a variable, a system call.
#include <stdio.h>
#include <string.h>

static int depth(int n)
{
    if (n == 0) {
        puts("bottom");
        return 0;
    }
    return 1 + depth(n - 1);
}

int main(void)
{
    char text[32];
    strcpy(text, "inside");
    int result = depth(3);
    printf("%s %d\n", text, result);
    return result;
}
