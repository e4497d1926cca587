// SPDX-License-Identifier: BSD-3-Clause
// volume_bench FOLDER MIB write|read: times of file work for bench/volume.py, on stderr: names and figures.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PIECE = 1 << 20, PAGE = 4096, RANDOM = 4000, FILES = 200, SMALL = 512 };

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void must(int good, const char *what)
{
    if (!good) {
        perror(what);
        exit(1);
    }
}

static unsigned long next(void)
{
    static unsigned long state = 88172645463325252ul;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

static char *piece;

static void sequential(int fd, long mib, int writes)
{
    double begin = now();
    for (long i = 0; i < mib; i++)
        must((writes ? write(fd, piece, PIECE) : read(fd, piece, PIECE)) == PIECE, "sequential");
    double written = now();
    if (writes)
        must(fsync(fd) == 0, "fsync");
    fprintf(stderr, "%s %.1f\n", writes ? "seq_write" : "seq_read", (double)mib / (now() - begin));
    if (writes)
        fprintf(stderr, "seq_write_before_fsync %.1f\n", (double)mib / (written - begin));
}

static void at_random(int fd, long mib, int writes)
{
    long pages = mib * (PIECE / PAGE);
    double begin = now();
    for (long i = 0; i < RANDOM; i++) {
        long at = (long)(next() % (unsigned long)pages) * PAGE;
        must((writes ? pwrite(fd, piece, PAGE, at) : pread(fd, piece, PAGE, at)) == PAGE, "random");
    }
    if (writes)
        must(fsync(fd) == 0, "fsync");
    fprintf(stderr, "%s %.1f\n", writes ? "random_write" : "random_read", RANDOM * PAGE / 1048576.0 / (now() - begin));
}

static void creates(const char *folder)
{
    char name[256];
    double begin = now();
    for (int i = 0; i < FILES; i++) {
        snprintf(name, sizeof(name), "%s/small-%d", folder, i);
        int fd = open(name, O_CREAT | O_WRONLY, 0644);
        must(fd >= 0 && write(fd, piece, SMALL) == SMALL && fsync(fd) == 0, "create");
        close(fd);
    }
    fprintf(stderr, "create_fsync %.1f\n", FILES / (now() - begin));
    begin = now();
    for (int i = 0; i < 10 * FILES; i++) {
        snprintf(name, sizeof(name), "%s/more-%d", folder, i);
        int fd = open(name, O_CREAT | O_WRONLY, 0644);
        must(fd >= 0 && write(fd, piece, SMALL) == SMALL, "create");
        close(fd);
    }
    fprintf(stderr, "create %.1f\n", 10 * FILES / (now() - begin));
}

int main(int argc, char **argv)
{
    char name[256];
    long mib = atol(argv[2]);

    piece = malloc(PIECE);
    for (long i = 0; i < PIECE; i++)
        piece[i] = (char)next();
    snprintf(name, sizeof(name), "%s/large", argv[1]);
    int fd = open(name, O_RDWR | O_CREAT, 0644);
    must(fd >= 0, "open");
    if (strcmp(argv[3], "read") == 0) {
        sequential(fd, mib, 0);
        at_random(fd, mib, 0);
        return 0;
    }
    sequential(fd, mib, 1);
    at_random(fd, mib, 1);
    creates(argv[1]);
    return 0;
}
