// SPDX-License-Identifier: BSD-3-Clause
// Takes and touches MiB of memory, says "held", waits for a line; gives it back, says "free", waits for another line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

int main(int c, char **v)
{
    char line[16];
    size_t size = strtoul(c > 1 ? v[1] : "1", NULL, 0) << 20;
    char *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return 1;
    memset(at, 1, size);
    puts("held");
    fflush(stdout);
    if (!fgets(line, sizeof(line), stdin))
        return 2;
    munmap(at, size);
    puts("free");
    fflush(stdout);
    return fgets(line, sizeof(line), stdin) ? 0 : 2;
}
