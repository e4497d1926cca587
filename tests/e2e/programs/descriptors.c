// SPDX-License-Identifier: BSD-3-Clause
// Opens descriptors until none is left (EMFILE), closes them, opens again; then lowers RLIMIT_NOFILE itself.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static int fill(void)
{
    int count = 0, last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
        last = fd;
        count++;
    }
    printf("refused: %s\n", errno == EMFILE ? "EMFILE" : strerror(errno));
    int ends[2];
    printf("pipe: %s\n", pipe(ends) < 0 && errno == EMFILE ? "EMFILE" : "?");
    printf("dup: %s\n", dup(0) < 0 && errno == EMFILE ? "EMFILE" : "?");
    for (fd = last; fd > 2; fd--)
        close(fd);
    return count;
}

int main(void)
{
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    int first = fill();
    printf("as the limit says: %s\n", first == (int)limit.rlim_cur - 3 ? "yes" : "no");
    limit.rlim_cur = 10;
    setrlimit(RLIMIT_NOFILE, &limit);
    printf("with a limit of 10: %d\n", fill());
    return 0;
}
