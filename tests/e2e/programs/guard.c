// SPDX-License-Identifier: BSD-3-Clause
// Writes a pattern to memory and looks at it again and again, while it also takes, protects and gives back memory. A
// page that is not what was written ends the program with status 66 and the word WRONG.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 256, THREADS = 3 };

static int rounds;

static unsigned long pattern(const char *page, int round)
{
    return (unsigned long)page * 2654435761u + (unsigned)round + 1;
}

static void fill(char *at, int round)
{
    for (int i = 0; i < PAGES; i++)
        for (int k = 0; k < PAGE; k += 512)
            *(volatile unsigned long *)(at + i * PAGE + k) = pattern(at + i * PAGE, round);
}

static void look(const char *at, int round)
{
    for (int i = 0; i < PAGES; i++)
        for (int k = 0; k < PAGE; k += 512)
            if (*(const volatile unsigned long *)(at + i * PAGE + k) != pattern(at + i * PAGE, round)) {
                static const char text[] = "WRONG\n";
                if (write(1, text, sizeof(text) - 1) < 0)
                    _exit(67);
                _exit(66);
            }
}

static char *take(void)
{
    char *at = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        exit(1);
    return at;
}

static void *work(void *argument)
{
    char *kept = take();
    fill(kept, 0);
    for (int round = 1; round <= rounds; round++) {
        char *passing = take();
        fill(passing, round);
        look(kept, round - 1);
        mprotect(kept, PAGES * PAGE / 2, PROT_READ);
        look(kept, round - 1);
        mprotect(kept, PAGES * PAGE / 2, PROT_READ | PROT_WRITE);
        fill(kept, round);
        look(passing, round);
        munmap(passing, PAGES * PAGE);
    }
    look(kept, rounds);
    return argument;
}

int main(int c, char **v)
{
    pthread_t threads[THREADS];
    rounds = c > 1 ? atoi(v[1]) : 2;
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, NULL) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    puts("right");
    return 0;
}
