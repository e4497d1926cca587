// SPDX-License-Identifier: BSD-3-Clause
// Reserves addresses as the runtime of GHC does: a terabyte, or a fifth less until it is given, above 8 GiB. Then uses
// a bit of it, and a thread and another gigabyte of addresses are still to be had.
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>

static void *run(void *argument) { return argument; }

int main(void)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    char *hint = (char *)0x4200000000, *at = MAP_FAILED;
    size_t size = 1ul << 40;
    for (int tries = 0; tries < 100; tries++) {
        at = mmap(hint, size, PROT_NONE, flags, -1, 0);
        if (at != MAP_FAILED && (unsigned long)at >= 8ul << 30)
            break;
        if (at == MAP_FAILED)
            size = size / 5 * 4 & ~0xffffful;
        else
            munmap(at, size);
        hint += 4096;
        at = MAP_FAILED;
    }
    printf("reserved: %s\n", at != MAP_FAILED && size > 8ul << 30 ? "yes" : "no");
    if (at == MAP_FAILED)
        return 1;
    printf("used: %d\n", mprotect(at + (1 << 20), 1 << 20, PROT_READ | PROT_WRITE));
    at[1 << 20] = 7;
    pthread_t thread;
    printf("a thread: %d\n", pthread_create(&thread, NULL, run, NULL));
    pthread_join(thread, NULL);
    printf("a gigabyte more: %s\n", mmap(NULL, 1 << 30, PROT_NONE, flags, -1, 0) != MAP_FAILED ? "yes" : "no");
    return 0;
}
