// SPDX-License-Identifier: BSD-3-Clause
// mprotect where it is hard: protect lost: execution is added to a page that another thread writes to, no write may be
// lost; protect code PAGES: written, then executed, never both; protect boundaries PAGES: every other page is freed,
// then all is used again.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, ROUNDS = 60 };

static volatile unsigned long *volatile target; // of the round; NULL: pause
static volatile unsigned long written;
static volatile int paused, stop;

static void *writer(void *arg)
{
    while (!stop) {
        volatile unsigned long *p = target;
        unsigned long n = 0;
        if (!p)
            continue;
        paused = 0;
        while (target == p) {
            n++;
            ++*p;
        }
        written = n;
        __atomic_store_n(&paused, 1, __ATOMIC_RELEASE);
    }
    return NULL;
}

static char *map(size_t pages, void *where)
{
    char *p =
        mmap(where, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | (where ? MAP_FIXED : 0), -1, 0);
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

// At the start of user space, where the pages were added at load.
static int lost(void)
{
    pthread_t thread;
    char *memory = map(ROUNDS, (void *)0x800000);
    int wrong = 0;
    if (pthread_create(&thread, NULL, writer, NULL))
        return 1;
    for (int i = 0; i < ROUNDS; i++) {
        volatile unsigned long *page = (volatile unsigned long *)(memory + i * PAGE);
        *page = 0;
        target = page;
        while (*page < 100)
            ;
        if (mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC))
            return 1;
        for (volatile int k = 0; k < 3000; k++)
            ;
        target = NULL;
        while (!__atomic_load_n(&paused, __ATOMIC_ACQUIRE))
            ;
        wrong += *page != written;
        paused = 0;
    }
    stop = 1;
    pthread_join(thread, NULL);
    printf("%d of %d pages lost writes\n", wrong, ROUNDS);
    return wrong != 0;
}

static int code(size_t pages)
{
    static const unsigned char function[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; // mov $42, %eax; ret
    char *memory = map(pages, NULL);
    int sum = 0;
    for (size_t i = 0; i < pages; i++)
        memcpy(memory + i * PAGE, function, sizeof(function));
    if (mprotect(memory, pages * PAGE, PROT_READ | PROT_EXEC))
        return 1;
    for (size_t i = 0; i < pages; i++)
        sum += ((int (*)(void))(memory + i * PAGE))();
    printf("%d\n", sum);
    return sum != 42 * (int)pages;
}

static int boundaries(size_t pages)
{
    char *memory = map(pages, NULL);
    memset(memory, 1, pages * PAGE);
    for (size_t i = 0; i < pages; i += 2)
        if (munmap(memory + i * PAGE, PAGE))
            return 1;
    for (size_t i = 1; i < pages; i += 2)
        if (memory[i * PAGE + 5] != 1)
            return 2;
    int wrong = 0;
    for (size_t i = 0; i < pages; i += 2) {
        const char *again = map(1, memory + i * PAGE);
        for (size_t k = 0; k < PAGE; k++)
            wrong += again[k] != 0;
        memset(memory + i * PAGE, 2, PAGE);
    }
    printf("%d bytes of new memory are not 0\n", wrong);
    return wrong != 0;
}

int main(int argc, char **argv)
{
    size_t pages = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (argc > 1 && !strcmp(argv[1], "lost"))
        return lost();
    if (argc > 2 && !strcmp(argv[1], "code"))
        return code(pages);
    return argc > 2 && !strcmp(argv[1], "boundaries") ? boundaries(pages) : 64;
}
