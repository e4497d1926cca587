// SPDX-License-Identifier: BSD-3-Clause
// Takes memory until there is none; gives it back; takes again. Each refusal must be ENOMEM to this caller alone.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { STEP = 16 << 20, MOST = 4096 };
static void *blocks[MOST];

static int take(void)
{
    int count = 0;
    for (; count < MOST; count++) {
        blocks[count] = mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (blocks[count] == MAP_FAILED)
            break;
        for (long i = 0; i < STEP; i += 4096)
            ((volatile char *)blocks[count])[i] = 1;
    }
    printf("refused: %s, some were given: %s\n", errno == ENOMEM ? "ENOMEM" : strerror(errno),
           count > 3 && count < MOST ? "yes" : "no");
    for (int i = 0; i < count; i++)
        munmap(blocks[i], STEP);
    return count;
}

int main(void)
{
    int first = take(), second = take();
    printf("as much again: %s\n", second >= first - 1 ? "yes" : "no");
    return 0;
}
