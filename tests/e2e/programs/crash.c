// SPDX-License-Identifier: BSD-3-Clause
// Ends by the fault that its argument names.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile int zero;

int main(int argc, char **argv)
{
    const char *kind = argc > 1 ? argv[1] : "";
    puts("before");
    fflush(stdout);
    if (strcmp(kind, "segv") == 0)
        *(volatile int *)8 = 1;
    else if (strcmp(kind, "kernel") == 0)
        *(volatile int *)0xffff800000000000ul = 1;
    else if (strcmp(kind, "jump") == 0)
        ((void (*)(void))(unsigned long)(zero + 16))();
    else if (strcmp(kind, "write-text") == 0)
        *(volatile char *)main = 0;
    else if (strcmp(kind, "abort") == 0)
        abort();
    else if (strcmp(kind, "fpe") == 0)
        zero = 1000 / zero;
    else if (strcmp(kind, "ill") == 0)
        __asm__ volatile("ud2");
    else if (strcmp(kind, "trap") == 0)
        __asm__ volatile("int3");
    else if (strcmp(kind, "kill") == 0)
        kill(getpid(), SIGKILL);
    else if (strcmp(kind, "term") == 0)
        raise(SIGTERM);
    else if (strcmp(kind, "bus") == 0) {
        char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 0, 0);
        return page == MAP_FAILED ? 3 : page[0];
    }
    puts("after");
    return 0;
}
