// SPDX-License-Identifier: BSD-3-Clause
// Address space: mmap and its relatives.
#include "surface.h"

#include <sys/resource.h>

#define MAP(len, prot, flags) mmap(NULL, len, prot, flags, -1, 0)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
enum { PAGE = 4096 };

CASE(mmap_arguments)
{
    SEE((long)MAP(0, RW, ANON));
    SEE((long)MAP(PAGE, RW, MAP_ANONYMOUS));
    SEE((long)MAP(PAGE, RW, MAP_ANONYMOUS | MAP_SHARED | MAP_PRIVATE));
    GOOD((long)MAP(1, RW, ANON));
    SEE((long)MAP(-1, RW, ANON));
    SEE((long)MAP((size_t)1 << 62, RW, ANON));
    SEE((long)mmap((void *)1, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SEE((long)mmap((void *)-4096, PAGE, RW, ANON | MAP_FIXED, -1, 0));
    SEE((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, -1, 0));
    SEE((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, 999, 0));
    GOOD((long)mmap(NULL, PAGE, RW, ANON, 999, 0));
    SEE((long)mmap(NULL, PAGE, RW, ANON, -1, 1));
    GOOD((long)mmap(NULL, PAGE, RW, ANON, -1, PAGE));
    GOOD((long)MAP(PAGE, RW, ANON | MAP_NORESERVE | MAP_POPULATE | MAP_STACK | MAP_LOCKED));
    GOOD((long)MAP(PAGE, 0x8, ANON));
    GOOD((long)MAP(PAGE, RW, ANON | 0x80000000));
    SEE((long)MAP(PAGE, RW, 0x03 | MAP_ANONYMOUS));
}
CASE(mmap_files)
{
    file_with("f", "hello");
    int r = open("f", O_RDONLY), w = open("f", O_WRONLY), rw = open("f", O_RDWR), d = open(".", O_RDONLY);
    int fds[2];
    pipe(fds);
    SEE((long)mmap(NULL, PAGE, RW, MAP_SHARED, r, 0));
    GOOD((long)mmap(NULL, PAGE, RW, MAP_PRIVATE, r, 0));
    GOOD((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, w, 0));
    SEE((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, w, 0));
    SEE((long)mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE, w, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, d, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[1], 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("/dev/null", O_RDWR), 0));
    SEE((long)mmap(NULL, PAGE, RW, MAP_SHARED, rw, 17));
    GOOD((long)mmap(NULL, PAGE, RW, MAP_SHARED, rw, PAGE * 4));
    SEE((long)mmap(NULL, PAGE, RW, 0x03, rw, 0) == -1);
    SEE((long)mmap(NULL, PAGE, RW, 0x03 | MAP_SYNC, rw, 0));
    GOOD((long)mmap(NULL, PAGE, RW, MAP_SHARED, rw, (off_t)1 << 62));
}
CASE(mmap_fixed_noreplace)
{
    char *p = MAP(3 * PAGE, RW, ANON);
    SEE((long)mmap(p, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0));
    munmap(p + PAGE, PAGE);
    tell("%d", mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGE);
    tell("%d", mmap(p, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
    tell("hint that is taken %d", mmap(p, PAGE, RW, ANON, -1, 0) != p);
}
CASE(munmap_errors)
{
    char *p = MAP(3 * PAGE, RW, ANON);
    SEE(munmap(p + 1, PAGE));
    SEE(munmap(p, 0));
    SEE(munmap(p, -1));
    SEE(munmap((void *)-4096, PAGE));
    SEE(munmap(p + PAGE, 1));
    SEE(munmap(p + PAGE, PAGE));
    SEE(munmap(p, 3 * PAGE));
    SEE(munmap(p, 3 * PAGE));
}
CASE(mprotect_errors)
{
    char *p = MAP(3 * PAGE, RW, ANON);
    SEE(mprotect(p + 1, PAGE, PROT_READ));
    SEE(mprotect(p, 0, PROT_READ));
    SEE(mprotect(p, PAGE, 0x100));
    SEE(mprotect(p, PAGE, PROT_GROWSDOWN));
    SEE(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP));
    munmap(p + PAGE, PAGE);
    SEE(mprotect(p, 3 * PAGE, PROT_READ));
    SEE(mprotect(p + PAGE, PAGE, PROT_READ));
    SEE(mprotect((void *)-4096, PAGE, PROT_READ));
    SEE(mprotect(p, -PAGE, PROT_READ));
    file_with("f", "x");
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, open("f", O_RDONLY), 0);
    SEE(mprotect(q, PAGE, RW));
    q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open("f", O_RDONLY), 0);
    SEE(mprotect(q, PAGE, RW));
}
CASE(mremap_flags)
{
    char *p = MAP(4 * PAGE, RW, ANON), *q;
    strcpy(p, "kept");
    SEE((long)mremap(p + 1, PAGE, PAGE, 0));
    SEE((long)mremap(p, PAGE, 0, 0));
    SEE((long)mremap(p, PAGE, 2 * PAGE, 8));
    SEE((long)mremap(p, PAGE, 2 * PAGE, MREMAP_FIXED, bad));
    SEE((long)mremap(p, PAGE, 2 * PAGE, 0));
    tell("shrunk in place %d", mremap(p, 4 * PAGE, 2 * PAGE, 0) == p);
    q = mremap(p, 2 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
    tell("grown: %s", q == MAP_FAILED ? strerrorname_np(errno) : q);
    char *target = MAP(8 * PAGE, RW, ANON);
    tell("moved to the place %d", mremap(q, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target) == target);
    tell("%s", target);
    SEE((long)mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + PAGE));
    SEE((long)mremap(target, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, target + 1));
    SEE((long)mremap((void *)PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE));
    munmap(target + PAGE, PAGE);
    SEE((long)mremap(target, 4 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
}
CASE(mremap_shared_twin)
{
    char *p = MAP(2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
    strcpy(p, "twin");
    char *q = mremap(p, 0, 2 * PAGE, MREMAP_MAYMOVE);
    tell("%s", q == MAP_FAILED ? strerrorname_np(errno) : q);
    if (q != MAP_FAILED) {
        strcpy(q, "other");
        tell("%s", p);
    }
    p = MAP(PAGE, RW, ANON);
    SEE((long)mremap(p, 0, PAGE, MREMAP_MAYMOVE));
}
CASE(mremap_dontunmap)
{
    char *p = MAP(2 * PAGE, RW, ANON);
    strcpy(p, "moved");
    char *q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4);
    tell("%s", q == MAP_FAILED ? strerrorname_np(errno) : q);
    if (q != MAP_FAILED)
        tell("old is empty %d", p[0] == 0);
    SEE((long)mremap(p, 2 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | 4));
    SEE((long)mremap(p, 2 * PAGE, 2 * PAGE, 4));
}
CASE(madvise_values)
{
    char *p = MAP(4 * PAGE, RW, ANON);
    static const int advices[] = { 0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23 };
    memset(p, 'x', 4 * PAGE);
    for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
        errno = 0;
        int r = madvise(p, PAGE, advices[i]);
        if (advices[i] != 12 && advices[i] != 13) // same page merging is a matter of the kernel's configuration
            tell("%d: %d %s", advices[i], r, errno ? strerrorname_np(errno) : "");
    }
    SEE(madvise(p, PAGE, 99));
    SEE(madvise(p, PAGE, 5));
    SEE(madvise(p, PAGE, -1));
    SEE(madvise(p + 1, PAGE, MADV_NORMAL));
    SEE(madvise(p, 0, MADV_NORMAL));
    SEE(madvise(p, -1, MADV_NORMAL));
    SEE(madvise(p + PAGE, PAGE, MADV_DONTNEED));
    tell("%d %d", p[PAGE], p[2 * PAGE]);
    munmap(p + PAGE, PAGE);
    SEE(madvise(p, 3 * PAGE, MADV_DONTNEED));
    SEE(madvise(p, 3 * PAGE, MADV_NORMAL));
    tell("%d", p[2 * PAGE]);
}
CASE(madvise_files)
{
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    char *s = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
    p[0] = 'J';
    SEE(madvise(p, PAGE, MADV_DONTNEED));
    tell("%.5s", p);
    SEE(madvise(p, PAGE, MADV_FREE));
    SEE(madvise(s, PAGE, MADV_FREE));
    SEE(madvise(s, PAGE, MADV_DONTNEED));
    tell("%.5s", s);
    SEE(madvise(p, PAGE, MADV_REMOVE));
    SEE(madvise(s, PAGE, MADV_REMOVE));
    tell("%d", s[0]);
    SEE(madvise(s, PAGE, MADV_WILLNEED));
}
CASE(msync_errors)
{
    char *p = MAP(3 * PAGE, RW, ANON);
    SEE(msync(p, PAGE, MS_SYNC));
    SEE(msync(p, PAGE, MS_ASYNC));
    SEE(msync(p, PAGE, MS_INVALIDATE));
    SEE(msync(p, PAGE, 0));
    SEE(msync(p, PAGE, MS_SYNC | MS_ASYNC));
    SEE(msync(p, PAGE, 8));
    SEE(msync(p + 1, PAGE, MS_SYNC));
    SEE(msync(p, 0, MS_SYNC));
    SEE(msync(p, -1, MS_SYNC));
    munmap(p + PAGE, PAGE);
    SEE(msync(p, 3 * PAGE, MS_SYNC));
    SEE(msync(p + PAGE, PAGE, MS_ASYNC));
    SEE(mlock(p, PAGE));
    SEE(msync(p, PAGE, MS_INVALIDATE));
}
CASE(mincore_untouched)
{
    char *p = MAP(512 * PAGE, RW, ANON);
    unsigned char vec[512];
    memset(vec, 9, sizeof(vec));
    SEE(mincore(p, 512 * PAGE, vec));
    SEE(vec[0] | vec[511]);
    p[300 * PAGE] = 1;
    SEE(mincore(p, 512 * PAGE, vec));
    SEE(vec[0] | vec[511] | vec[100]); // with EDMM the pages beside it may have come along
    SEE(vec[300]);
    SEE(mprotect(p + 300 * PAGE, PAGE, PROT_NONE));
    SEE(mincore(p + 300 * PAGE, PAGE, vec));
    SEE(vec[0]);
}
CASE(mincore_errors)
{
    unsigned char vec[4];
    char *p = MAP(3 * PAGE, RW, ANON);
    memset(p, 1, 3 * PAGE);
    SEE(mincore(p, 3 * PAGE, vec));
    tell("%d %d %d", vec[0] & 1, vec[1] & 1, vec[2] & 1);
    SEE(mincore(p, 1, vec));
    SEE(mincore(p + 1, PAGE, vec));
    SEE(mincore(p, 0, vec));
    SEE(mincore(p, PAGE, (void *)bad));
    SEE(mincore(p, -1, vec));
    munmap(p + PAGE, PAGE);
    SEE(mincore(p, 3 * PAGE, vec));
}
CASE(mlock_errors)
{
    char *p = MAP(3 * PAGE, RW, ANON);
    SEE(mlock(p, PAGE));
    SEE(mlock(p + 1, 1));
    SEE(mlock(p, 0));
    SEE(mlock(p, -1));
    SEE(munlock(p, PAGE));
    SEE(munlock(p + 1, PAGE));
    SEE(mlock2(p, PAGE, 0));
    SEE(mlock2(p, PAGE, MLOCK_ONFAULT));
    SEE(mlock2(p, PAGE, 2));
    SEE(mlockall(0));
    SEE(mlockall(MCL_ONFAULT));
    SEE(mlockall(8));
    SEE(mlockall(MCL_CURRENT));
    SEE(munlockall());
    munmap(p + PAGE, PAGE);
    SEE(mlock(p, 3 * PAGE));
    SEE(munlock(p, 3 * PAGE));
}
CASE(brk_moves)
{
    char *start = sbrk(0);
    SEE(brk(start + 100));
    tell("%ld", (long)((char *)sbrk(0) - start));
    start[99] = 'x';
    SEE(brk(start));
    SEE((long)(syscall(SYS_brk, 0) == (long)start));
    SEE((long)(syscall(SYS_brk, 1) == (long)start));
    SEE((long)(syscall(SYS_brk, -1) == (long)start));
}
CASE(remap_pages)
{
    char *p = MAP(2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS);
    p[0] = 'a';
    p[PAGE] = 'b';
    SEE(syscall(SYS_remap_file_pages, p, PAGE, 0, 1, 0));
    tell("%c", p[0]);
    SEE(syscall(SYS_remap_file_pages, p, PAGE, 1, 1, 0));
    SEE(syscall(SYS_remap_file_pages, p + 1, PAGE, 0, 1, 0));
    char *q = MAP(PAGE, RW, ANON);
    SEE(syscall(SYS_remap_file_pages, q, PAGE, 0, 0, 0));
}
CASE(memfd_and_seals)
{
    SEE(syscall(SYS_memfd_create, bad, 0));
    SEE(memfd_create("x", 0x100));
    char name[300];
    memset(name, 'n', 299);
    name[299] = 0;
    SEE(memfd_create(name, 0));
    name[249] = 0;
    GOOD(memfd_create(name, 0));
    int fd = memfd_create("x", MFD_ALLOW_SEALING), plain = memfd_create("y", 0);
    SEE(fcntl(fd, F_GET_SEALS));
    SEE(fcntl(plain, F_GET_SEALS));
    SEE(fcntl(plain, F_ADD_SEALS, F_SEAL_WRITE));
    ftruncate(fd, PAGE);
    char *p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(p, PAGE);
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SEE(ftruncate(fd, 100));
    SEE(ftruncate(fd, 2 * PAGE));
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SEE(ftruncate(fd, 3 * PAGE));
    SEE(pwrite(fd, "xy", 2, 2 * PAGE - 1));
    SEE(pwrite(fd, "xy", 2, 2 * PAGE));
    SEE(fallocate(fd, 0, 0, 3 * PAGE));
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SEE(write(fd, "x", 1));
    SEE((long)mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
    GOOD((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0));
    SEE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
    SEE(fcntl(fd, F_ADD_SEALS, 0x1000));
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
    SEE(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SEE(fcntl(fd, F_GET_SEALS));
    file_with("f", "x");
    int fds[2];
    pipe(fds);
    SEE(fcntl(fds[0], F_GET_SEALS));
    SEE(fcntl(open("f", O_RDONLY), F_ADD_SEALS, F_SEAL_GROW));
}
static void write_bad(void) { *(volatile char *)bad = 1; }
static void read_behind_end(void)
{
    int fd = open("g", O_CREAT | O_RDWR, 0600);
    volatile char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    (void)p[0];
}
CASE(faults)
{
    tell("%s", status_text(in_child(write_bad)));
    tell("%s", status_text(in_child(read_behind_end)));
}
CASE(private_and_shared_views)
{
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    char *s = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), *p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0), buf[6] = "";
    pwrite(fd, "J", 1, 0);
    tell("%.5s %.5s", s, p);
    p[1] = 'X';
    s[2] = 'L';
    pread(fd, buf, 5, 0);
    tell("%s %.5s", buf, p);
    ftruncate(fd, 3);
    tell("%d %d", s[2], s[3]);
    SEE(mprotect(s, PAGE, PROT_READ));
    SEE(pread(fd, s, 3, 0));
}
