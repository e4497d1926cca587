// SPDX-License-Identifier: BSD-3-Clause
// durable write FILE: appends records, fsyncs each and then says its number. durable read FILE: how many whole records
// the file holds, in order; whatever lies behind them is a record cut off.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct record {
    unsigned long number, check;
    unsigned char filling[1000];
};

static struct record make(unsigned long number)
{
    struct record r = { .number = number, .check = number * 0x9e3779b97f4a7c15ul };
    for (size_t i = 0; i < sizeof(r.filling); i++)
        r.filling[i] = (unsigned char)(number + i);
    return r;
}

static unsigned long count(int fd)
{
    struct record r, wanted;
    unsigned long n = 0;

    lseek(fd, 0, SEEK_SET);
    while (read(fd, &r, sizeof(r)) == (ssize_t)sizeof(r)) {
        wanted = make(n);
        if (memcmp(&r, &wanted, sizeof(r)) != 0)
            break;
        n++;
    }
    return n;
}

int main(int argc, char **argv)
{
    int fd = open(argv[2], O_RDWR | O_CREAT, 0644);
    if (argc != 3 || fd < 0) {
        perror("open");
        return 1;
    }
    unsigned long n = count(fd);
    if (strcmp(argv[1], "read") == 0) {
        printf("%lu\n", n);
        return 0;
    }
    for (;; n++) {
        struct record r = make(n);
        if (pwrite(fd, &r, sizeof(r), (off_t)(n * sizeof(r))) != (ssize_t)sizeof(r) || fsync(fd) != 0) {
            perror("write");
            return 1;
        }
        printf("%lu\n", n + 1);
        fflush(stdout);
    }
}
