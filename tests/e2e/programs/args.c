// SPDX-License-Identifier: BSD-3-Clause
// Prints its arguments and its environment, one per line, each between brackets.
#include <stdio.h>

extern char **environ;

int main(int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        printf("arg %d [%s]\n", i, argv[i]);
    for (char **p = environ; *p; p++)
        printf("env [%s]\n", *p);
    return 0;
}
