// SPDX-License-Identifier: BSD-3-Clause
// Reads a file twice from end to end and prints the second pass in bytes per second (bench/).
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static char buffer[1 << 20];

static double pass(const char *path, long *ret_size)
{
    struct timespec from, to;
    int fd = open(path, O_RDONLY);
    long size = 0, got;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while ((got = read(fd, buffer, sizeof(buffer))) > 0)
        size += got;
    clock_gettime(CLOCK_MONOTONIC, &to);
    close(fd);
    *ret_size = size;
    return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) * 1e-9;
}

int main(int argc, char **argv)
{
    long size;
    double first = pass(argv[1], &size), second = pass(argv[1], &size);
    printf("%ld %.0f %.0f\n", size, (double)size / first, (double)size / second);
    return 0;
}
