// SPDX-License-Identifier: BSD-3-Clause
// 8 threads map, unmap, protect, advise and touch pages of one arena at random. Every read must give a zero or what was
// written there; then, with all threads gone, prints the arena and what /proc/occlum/pages says. Usage: storm
// OPERATIONS SEED
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { THREADS = 8, PAGE = 4096, ARENA_PAGES = 16384, LONGEST = 64 };

static char *arena;
static long operations;
static unsigned long seed;
static __thread sigjmp_buf *back;

static void on_fault(int number)
{
    if (!back)
        _exit(70);
    siglongjmp(*back, number);
}

static unsigned long draw(unsigned long *state, unsigned long below)
{
    *state ^= *state << 13, *state ^= *state >> 7, *state ^= *state << 17;
    return *state % below;
}

// Half of the arena is shared by all, the rest each thread's own.
static char *place(unsigned long *state, long thread, size_t *ret_size)
{
    size_t pages = 1 + draw(state, LONGEST), half = ARENA_PAGES / 2, own = half / THREADS;
    *ret_size = pages * PAGE;
    if (draw(state, 2))
        return arena + draw(state, half - LONGEST) * PAGE;
    return arena + (half + (size_t)thread * own + draw(state, own - LONGEST)) * PAGE;
}

static void touch(char *at, size_t size, int writes)
{
    sigjmp_buf here;
    if (sigsetjmp(here, 1) == 0) {
        back = &here;
        for (size_t i = 0; i < size; i += PAGE) {
            volatile unsigned long *word = (volatile unsigned long *)(at + i);
            unsigned long value = *word;
            if (value && value != (unsigned long)word) {
                printf("WRONG: %lx at %p\n", value, (void *)word);
                fflush(stdout);
                _exit(66);
            }
            if (writes)
                *word = (unsigned long)word;
        }
    }
    back = NULL;
}

static void *work(void *argument)
{
    static const int protections[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                                       PROT_READ | PROT_EXEC };
    long thread = (long)argument;
    unsigned long state = 88172645463325252ul ^ (seed * 2654435761u + (unsigned long)thread * 40503u);
    for (long i = 0; i < operations / THREADS; i++) {
        size_t size;
        char *at = place(&state, thread, &size);
        int protection = protections[draw(&state, 5)];
        switch (draw(&state, 8)) {
        case 0:
        case 1:
            if (mmap(at, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
                _exit(71);
            break;
        case 2:
            munmap(at, size);
            break;
        case 3:
            mprotect(at, size, protection);
            break;
        case 4:
            madvise(at, size, MADV_DONTNEED);
            break;
        default:
            touch(at, size, draw(&state, 4) != 0);
        }
    }
    return NULL;
}

int main(int c, char **v)
{
    pthread_t threads[THREADS];
    char line[256];
    if (c < 3)
        return 2;
    operations = atol(v[1]);
    seed = strtoul(v[2], NULL, 0);
    signal(SIGSEGV, on_fault);
    arena = mmap(NULL, (size_t)ARENA_PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (arena == MAP_FAILED)
        return 1;
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("arena %lx-%lx\n", (unsigned long)arena, (unsigned long)arena + (unsigned long)ARENA_PAGES * PAGE);
    FILE *pages = fopen("/proc/occlum/pages", "r");
    while (pages && fgets(line, sizeof(line), pages))
        fputs(line, stdout);
    fflush(stdout);
    _exit(0);
}
