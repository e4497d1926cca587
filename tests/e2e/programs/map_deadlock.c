// SPDX-License-Identifier: BSD-3-Clause
// write(2) to a file out of memory that faults, against msync and munmap of shared mappings of that file: nobody may
// wait for the other. argv[1]: the file; argv[2]: "append" opens it so.
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 400, PIECE = 16384 };
static int file, source;
static volatile int running = 1;

static void *map(int fd, size_t size, int prot, int flags)
{
    void *at = mmap(NULL, size, prot, flags, fd, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

// Each round the buffer is absent again.
static void *writer(void *append)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *buffer = map(source, 65536, PROT_READ, MAP_PRIVATE);
        ssize_t n = append ? write(file, buffer, PIECE) : pwrite(file, buffer, PIECE, 4096);
        if (n != PIECE) {
            perror("write");
            exit(1);
        }
        munmap(buffer, 65536);
    }
    running = 0;
    return NULL;
}

static void *syncer(void *unused)
{
    int fd = *(int *)unused;
    while (running) {
        char *shared = map(fd, 8192, PROT_READ | PROT_WRITE, MAP_SHARED);
        shared[0]++;
        shared[4096 + PIECE % 4096]++;
        msync(shared, 8192, MS_SYNC);
        munmap(shared, 8192);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    int append = argc > 2, fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
    file = append ? open(argv[1], O_RDWR | O_APPEND) : fd;
    source = open("/proc/self/exe", O_RDONLY);
    if (fd < 0 || file < 0 || ftruncate(fd, 1 << 16)) {
        perror(argv[1]);
        return 1;
    }
    pthread_t a, b;
    pthread_create(&a, NULL, writer, append ? argv : NULL);
    pthread_create(&b, NULL, syncer, &file);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    printf("%d writes, size %s\n", ROUNDS,
           lseek(fd, 0, SEEK_END) == (append ? 65536l + ROUNDS * PIECE : 65536l) ? "right" : "wrong");
    return 0;
}
