// SPDX-License-Identifier: BSD-3-Clause
// limited_fs FOLDER: fills the file system until it is full, and tells what statfs(2) says of it.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

static long available(const char *folder)
{
    struct statfs st;
    return statfs(folder, &st) == 0 ? (long)st.f_bavail : -1;
}

int main(int argc, char **argv)
{
    static char data[10000];
    char path[256];
    struct statfs st;
    long total = 0;
    ssize_t n;

    if (argc != 2 || statfs(argv[1], &st) != 0)
        return 1;
    printf("blocks %ld free %ld\n", (long)st.f_blocks, (long)st.f_bavail);
    snprintf(path, sizeof(path), "%s/file", argv[1]);
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    memset(data, 'x', sizeof(data));
    while ((n = write(fd, data, sizeof(data))) > 0)
        total += n;
    printf("written %ld, then %s\n", total, n < 0 && errno == ENOSPC ? "ENOSPC" : "something else");
    printf("free %ld\n", available(argv[1]));
    close(fd);
    unlink(path);
    printf("after unlink free %ld\n", available(argv[1]));
    return 0;
}
