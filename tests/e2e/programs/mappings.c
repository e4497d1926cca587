// SPDX-License-Identifier: BSD-3-Clause
// mmap, mprotect, mremap, madvise, brk: contents, drops, refusals, reservations that cost nothing.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const char *name(void)
{
    return errno == EINVAL   ? "EINVAL"
           : errno == ENOMEM ? "ENOMEM"
           : errno == EACCES ? "EACCES"
           : errno == EEXIST ? "EEXIST"
                             : "?";
}

int main(void)
{
    int rw = PROT_READ | PROT_WRITE, anonymous = MAP_PRIVATE | MAP_ANONYMOUS;
    char *big = mmap(NULL, 256l << 20, PROT_NONE, anonymous | MAP_NORESERVE, -1, 0);
    printf("reservation: %s\n", big != MAP_FAILED ? "yes" : name());
    printf("commit in it: %d\n", mprotect(big + 4096, 8192, rw));
    big[4096] = 1;
    printf("release it: %d\n", munmap(big, 256l << 20));

    char *p = mmap(NULL, 16384, rw, anonymous, -1, 0);
    memset(p, 7, 16384);
    madvise(p + 4096, 4096, MADV_DONTNEED);
    printf("dropped: %d %d %d\n", p[0], p[4096], p[8192]);
    char *q = mremap(p, 16384, 1 << 20, MREMAP_MAYMOVE);
    printf("grown: %d %d %d\n", q[0], q[8192], q[20000]);
    char *r = mremap(q, 1 << 20, 4096, 0);
    printf("shrunk in place: %d\n", r == q);

    printf("fixed: %d\n", mmap(r, 4096, rw, anonymous | MAP_FIXED, -1, 0) == r && r[0] == 0);
    printf("fixed over: %s\n", mmap(r, 4096, rw, anonymous | 0x100000, -1, 0) == MAP_FAILED ? name() : "given");
    printf("length 0: %s\n", mmap(NULL, 0, rw, anonymous, -1, 0) == MAP_FAILED ? name() : "given");
    printf("unaligned: %s\n", munmap(r + 1, 4096) ? name() : "done");

    int fd = open("/tmp/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(fd, "0123456789", 10);
    char *file = mmap(NULL, 4096, rw, MAP_PRIVATE, fd, 0);
    file[0] = 'X';
    char text[11] = "";
    pread(fd, text, 10, 0);
    printf("private: %c %s\n", file[0], text);
    char *shared = mmap(NULL, 4096, rw, MAP_SHARED, fd, 0);
    shared[1] = 'Y';
    msync(shared, 4096, MS_SYNC);
    pread(fd, text, 10, 0);
    printf("shared: %s\n", text);

    char *top = sbrk(0);
    printf("brk: %d\n", sbrk(65536) == top && (top[0] = 1) && sbrk(-65536) == top + 65536);
    return 0;
}
