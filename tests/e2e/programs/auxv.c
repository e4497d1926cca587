// SPDX-License-Identifier: BSD-3-Clause
// The auxiliary vector: page size, random bytes, entry, program headers, name.
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

int main(void)
{
    static const char zeros[16];
    printf("page size %lu %ld\n", getauxval(AT_PAGESZ), sysconf(_SC_PAGESIZE));
    printf("name %s\n", (const char *)getauxval(AT_EXECFN));
    printf("random: %s\n", getauxval(AT_RANDOM) && memcmp((void *)getauxval(AT_RANDOM), zeros, 16) != 0 ? "yes" : "no");
    printf("headers: %s\n", getauxval(AT_PHDR) && getauxval(AT_PHNUM) > 2 && getauxval(AT_PHENT) == 56 ? "yes" : "no");
    printf("entry: %s\n", getauxval(AT_ENTRY) ? "yes" : "no");
    printf("secure %lu uid %lu gid %lu\n", getauxval(AT_SECURE), getauxval(AT_UID), getauxval(AT_GID));
    printf("clock ticks %lu\n", getauxval(AT_CLKTCK));
    return 0;
}
