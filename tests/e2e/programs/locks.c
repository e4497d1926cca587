// SPDX-License-Identifier: BSD-3-Clause
// fcntl(2) record locks and flock(2) between two openings of a file.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

int main(void)
{
    int a = open("/tmp/lock", O_RDWR | O_CREAT, 0600), b = open("/tmp/lock", O_RDWR);
    printf("flock a: %d\n", flock(a, LOCK_EX));
    printf("flock b: %s\n", flock(b, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK ? "EWOULDBLOCK" : "?");
    flock(a, LOCK_UN);
    printf("flock b: %d\n", flock(b, LOCK_EX | LOCK_NB));
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10 };
    printf("record: %d\n", fcntl(a, F_SETLK, &lock));
    printf("own again: %d\n", fcntl(b, F_SETLK, &lock));
    struct flock other = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 1 };
    printf("open file description: %s\n", fcntl(b, F_OFD_SETLK, &other) < 0 && errno == EAGAIN ? "EAGAIN" : "?");
    return 0;
}
