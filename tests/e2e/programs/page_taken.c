// SPDX-License-Identifier: BSD-3-Clause
// One instruction that writes to one page thousands of times, while that page is taken from it each time: by msync, and
// by a writer of another mapping of the same file. argv[1]: the folder of the file.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 3000 };

static void *map(int fd)
{
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        perror("mmap"), _exit(1);
    return at;
}

static __attribute__((noinline)) void add(char *byte, unsigned *word)
{
    __asm__ volatile("addb $1, (%0); lock addl $1, (%1)" : : "r"(byte), "r"(word) : "memory");
}

static void *adder(void *arg)
{
    char *page = arg;
    for (int i = 0; i < ROUNDS; i++)
        add(page, (unsigned *)(page + 8));
    return NULL;
}

int main(int argc, char **argv)
{
    char path[128];
    unsigned told = 0;
    snprintf(path, sizeof(path), "%s/taken", argv[argc - 1]);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || ftruncate(fd, 4096) != 0)
        return perror(path), 1;
    char *one = map(fd);
    for (int i = 0; i < ROUNDS; i++) {
        add(one, (unsigned *)(one + 8));
        if (msync(one, 4096, MS_SYNC) != 0)
            return perror("msync"), 1;
    }
    pread(fd, &told, sizeof(told), 8);
    printf("msync: %u\n", told);
    char *two = map(fd);
    pthread_t thread;
    pthread_create(&thread, NULL, adder, two);
    adder(one);
    pthread_join(thread, NULL);
    pread(fd, &told, sizeof(told), 8);
    printf("two mappings: %u\n", told);
    return 0;
}
