// SPDX-License-Identifier: BSD-3-Clause
// Reading, writing, positions, space.
#include "surface.h"

#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

CASE(read_errors)
{
    char buf[16];
    file_with("f", "hello");
    int fd = open("f", O_RDONLY), w = open("f", O_WRONLY), d = open(".", O_RDONLY);
    SEE(read(-1, buf, 1));
    SEE(read(999, buf, 1));
    SEE(read(w, buf, 1));
    SEE(read(d, buf, 1));
    SEE(read(fd, bad, 1));
    SEE(read(fd, (void *)-1, 1));
    SEE(read(fd, buf, -1));
    SEE(read(fd, bad, 0));
    SEE(read(fd, NULL, 1));
    SEE(read(fd, buf, 16));
    SEE(read(fd, buf, 16));
    SEE(read(fd, bad, 1));
    SEE(read(fd, (void *)-1, 1));
    SEE(read(d, buf, 0));
    SEE(read(w, buf, 0));
}
CASE(write_errors)
{
    file_with("f", "hello");
    int fd = open("f", O_WRONLY), r = open("f", O_RDONLY);
    SEE(write(-1, "x", 1));
    SEE(write(r, "x", 1));
    SEE(write(fd, bad, 1));
    SEE(write(fd, "x", -1));
    SEE(write(fd, bad, 0));
    SEE(write(fd, "", 0));
    SEE(write(r, "", 0));
    SEE(write(fd, (void *)-1, 1));
    tell("%s", contents("f"));
}
CASE(partial_fault)
{
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), buf[16];
    memset(two, 'a', 8192);
    munmap(two + 4096, 4096);
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    SEE(write(fd, two + 4090, 16));
    SEE(lseek(fd, 0, SEEK_CUR));
    SEE(pwrite(fd, "0123456789", 10, 0));
    SEE(pread(fd, two + 4092, 10, 0));
    tell("%.4s", two + 4092);
    SEE(pread(fd, two + 4096, 10, 0));
}
CASE(pread_errors)
{
    char buf[8];
    int fds[2];
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    pipe(fds);
    SEE(pread(fd, buf, 2, 1));
    SEE(pread(fd, buf, 8, 4));
    SEE(pread(fd, buf, 8, 5));
    SEE(pread(fd, buf, 8, 100));
    SEE(pread(fd, buf, 8, -1));
    SEE(pread(fds[0], buf, 8, 0));
    SEE(pread(-1, buf, 8, 0));
    SEE(pread(-1, buf, 8, -1));
    SEE(pwrite(fds[1], buf, 8, 0));
    SEE(pwrite(fd, "x", 1, -1));
    SEE(pwrite(fd, "x", 1, 10));
    SEE(pwrite(open("f", O_RDONLY), "x", 1, 0));
    SEE(lseek(fd, 0, SEEK_CUR));
    struct stat st;
    fstat(fd, &st);
    tell("size %d", (int)st.st_size);
}
CASE(append_positions)
{
    file_with("f", "abc");
    int fd = open("f", O_RDWR | O_APPEND);
    SEE(lseek(fd, 0, SEEK_CUR));
    SEE(write(fd, "d", 1));
    SEE(lseek(fd, 0, SEEK_CUR));
    SEE(pwrite(fd, "e", 1, 0));
    SEE(lseek(fd, 0, SEEK_CUR));
    tell("%s", contents("f"));
    SEE(fcntl(fd, F_SETFL, 0));
    SEE(pwrite(fd, "X", 1, 0));
    tell("%s", contents("f"));
}
CASE(lseek_errors)
{
    int fds[2];
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    pipe(fds);
    SEE(lseek(fd, 100, SEEK_SET));
    SEE(lseek(fd, -101, SEEK_CUR));
    SEE(lseek(fd, -5, SEEK_END));
    SEE(lseek(fd, -6, SEEK_END));
    SEE(lseek(fd, 1, SEEK_END));
    SEE(lseek(fd, -1, SEEK_SET));
    SEE(lseek(fd, 0, 9));
    SEE(lseek(fd, 0, -1));
    SEE(lseek(fds[0], 0, SEEK_SET));
    SEE(lseek(-1, 0, SEEK_SET));
    SEE(lseek(fd, LONG_MAX, SEEK_SET));
    SEE(lseek(fd, LONG_MAX, SEEK_CUR));
    SEE(lseek(fd, 0, SEEK_DATA));
    SEE(lseek(fd, 0, SEEK_HOLE));
    SEE(lseek(fd, 5, SEEK_DATA));
    SEE(lseek(fd, 5, SEEK_HOLE));
    SEE(lseek(fd, -1, SEEK_DATA));
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    SEE(lseek(null, 5, SEEK_SET));
    SEE(lseek(zero, 5, SEEK_END));
}
CASE(holes)
{
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    pwrite(fd, "x", 1, 0);
    pwrite(fd, "x", 1, 65536);
    ftruncate(fd, 131072);
    SEE(lseek(fd, 0, SEEK_HOLE));
    SEE(lseek(fd, 4096, SEEK_DATA));
    SEE(lseek(fd, 65536, SEEK_HOLE));
    SEE(lseek(fd, 69632, SEEK_DATA));
    struct stat st;
    fstat(fd, &st);
    tell("fewer blocks than bytes %d", st.st_blocks * 512 < st.st_size);
}
CASE(iov_errors)
{
    char a[4], b[4];
    struct iovec v[2] = { { a, 4 }, { b, 4 } }, many[1025] = { 0 };
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    SEE(readv(fd, v, 2));
    tell("%.4s%.1s", a, b);
    SEE(readv(fd, v, -1));
    SEE(readv(fd, v, 0));
    SEE(readv(fd, many, 1025));
    SEE(readv(fd, many, 1024));
    SEE(readv(fd, (void *)bad, 1));
    SEE(readv(-1, v, 1));
    v[1].iov_len = -1;
    SEE(readv(fd, v, 2));
    SEE(writev(fd, v, 2));
    v[1] = (struct iovec){ bad, 4 };
    lseek(fd, 0, SEEK_SET);
    SEE(readv(fd, v, 2));
    SEE(writev(fd, v, 2));
    v[0] = (struct iovec){ bad, 4 };
    SEE(writev(fd, v, 2));
    SEE(writev(open("f", O_RDONLY), v, 1));
    v[0] = (struct iovec){ (void *)-1, 4 };
    SEE(writev(fd, v, 1));
}
CASE(preadv2_flags)
{
    char a[4] = "abcd";
    struct iovec v = { a, 4 };
    int fds[2];
    pipe(fds);
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    SEE(preadv2(fd, &v, 1, 1, 0));
    SEE(preadv2(fd, &v, 1, -1, 0));
    SEE(lseek(fd, 0, SEEK_CUR));
    SEE(preadv2(fd, &v, 1, -2, 0));
    SEE(preadv2(fd, &v, 1, 0, 0x4000));
    SEE(pwritev2(fd, &v, 1, 0, RWF_APPEND));
    SEE(pwritev2(fd, &v, 1, 0, RWF_SYNC));
    SEE(pwritev2(fd, &v, 1, 0, RWF_DSYNC | RWF_HIPRI));
    SEE(preadv2(fds[0], &v, 1, 0, 0));
    SEE(preadv(fd, &v, 1, -1));
    SEE(pwritev(fd, &v, 1, -1));
    tell("%s", contents("f"));
}
CASE(sendfile_errors)
{
    int fds[2];
    off_t at = 0;
    file_with("f", "hello");
    file_with("g", "");
    int f = open("f", O_RDONLY), g = open("g", O_WRONLY), a = open("g", O_WRONLY | O_APPEND), d = open(".", O_RDONLY);
    pipe(fds);
    SEE(sendfile(g, f, NULL, 3));
    SEE(lseek(f, 0, SEEK_CUR));
    SEE(sendfile(g, f, &at, 100));
    tell("%ld %ld %s", (long)at, (long)lseek(f, 0, SEEK_CUR), contents("g"));
    SEE(sendfile(g, f, &at, 100));
    at = -1;
    SEE(sendfile(g, f, &at, 1));
    at = 0;
    SEE(sendfile(a, f, &at, 1));
    SEE(sendfile(f, f, &at, 1));
    SEE(sendfile(g, g, &at, 1));
    SEE(sendfile(g, d, NULL, 1));
    SEE(sendfile(g, fds[0], NULL, 1));
    SEE(sendfile(g, fds[0], &at, 1));
    SEE(sendfile(-1, f, &at, 1));
    SEE(sendfile(g, -1, &at, 1));
    SEE(sendfile(g, f, (void *)bad, 1));
    SEE(sendfile(fds[1], f, &at, 5));
    SEE(sendfile(g, f, &at, 0));
}
CASE(sendfile_full_pipe)
{
    static char block[200000];
    int fds[2];
    memset(block, 'x', sizeof(block));
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    write(fd, block, sizeof(block));
    lseek(fd, 0, SEEK_SET);
    pipe2(fds, O_NONBLOCK);
    long first = sendfile(fds[1], fd, NULL, sizeof(block)), taken = 0, n;
    tell("part %d, position agrees %d", first > 0 && first < (long)sizeof(block), lseek(fd, 0, SEEK_CUR) == first);
    SEE(sendfile(fds[1], fd, NULL, 1));
    while ((n = read(fds[0], block, sizeof(block))) > 0) {
        taken += n;
        sendfile(fds[1], fd, NULL, sizeof(block));
    }
    tell("%ld arrived", taken);
}
CASE(copy_file_range_errors)
{
    loff_t in = 0, out = 0;
    int fds[2];
    file_with("f", "hello world");
    file_with("g", "");
    int f = open("f", O_RDWR), g = open("g", O_RDWR), d = open(".", O_RDONLY), a = open("g", O_WRONLY | O_APPEND);
    pipe(fds);
    SEE(copy_file_range(f, &in, g, &out, 5, 0));
    tell("%d %d %s", (int)in, (int)out, contents("g"));
    SEE(copy_file_range(f, NULL, g, NULL, 100, 0));
    tell("%ld %ld", (long)lseek(f, 0, SEEK_CUR), (long)lseek(g, 0, SEEK_CUR));
    SEE(copy_file_range(f, NULL, g, NULL, 100, 0));
    SEE(copy_file_range(f, &in, g, &out, 5, 1));
    SEE(copy_file_range(-1, &in, g, &out, 5, 0));
    SEE(copy_file_range(f, &in, -1, &out, 5, 0));
    SEE(copy_file_range(f, &in, d, &out, 5, 0));
    SEE(copy_file_range(d, &in, g, &out, 5, 0));
    SEE(copy_file_range(fds[0], NULL, g, &out, 5, 0));
    SEE(copy_file_range(f, &in, fds[1], NULL, 5, 0));
    SEE(copy_file_range(f, &in, a, &out, 5, 0));
    SEE(copy_file_range(f, &in, open("g", O_RDONLY), &out, 5, 0));
    SEE(copy_file_range(open("f", O_WRONLY), &in, g, &out, 5, 0));
    in = 0, out = 2;
    SEE(copy_file_range(f, &in, f, &out, 5, 0));
    out = 100;
    SEE(copy_file_range(f, &in, f, &out, 5, 0));
    in = -1;
    SEE(copy_file_range(f, &in, g, &out, 5, 0));
    in = 1, out = LONG_MAX;
    SEE(copy_file_range(f, &in, g, &out, 5, 0));
    SEE(copy_file_range(f, (void *)bad, g, &out, 5, 0));
    in = 0, out = 0;
    SEE(copy_file_range(f, &in, g, &out, 0, 0));
}
static void space(const char *what)
{
    struct stat st;
    stat("f", &st);
    tell("%s: size %ld blocks %d", what, (long)st.st_size, (int)st.st_blocks);
}
CASE(fallocate_modes)
{
    static char block[16384];
    memset(block, 'x', sizeof(block));
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    write(fd, block, sizeof(block));
    space("written");
    SEE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, 4096));
    space("punched");
    SEE(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 4096, 4096));
    SEE(fallocate(fd, 0, 0, 32768));
    space("allocated");
    SEE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 65536));
    tell("size %ld", (long)lseek(fd, 0, SEEK_END));
    SEE(pread(fd, block, 8192, 0));
    tell("%d %d %d", block[4095], block[4096], block[8191]);
    SEE(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
    SEE(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096));
    SEE(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096));
    SEE(fallocate(fd, 0x100, 0, 4096));
}
CASE(fallocate_errors)
{
    int fds[2];
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    pipe(fds);
    SEE(fallocate(fd, 0, -1, 10));
    SEE(fallocate(fd, 0, 0, 0));
    SEE(fallocate(fd, 0, 0, -1));
    SEE(fallocate(-1, 0, 0, 10));
    SEE(fallocate(open("f", O_RDONLY), 0, 0, 10));
    SEE(fallocate(fds[1], 0, 0, 10));
    SEE(fallocate(fds[0], 0, 0, 10));
    SEE(fallocate(open(".", O_RDONLY), 0, 0, 10));
    SEE(fallocate(open("/dev/null", O_RDWR), 0, 0, 10));
    SEE(fallocate(fd, 0, LONG_MAX, 10));
    SEE(fallocate(fd, 0, LONG_MAX - 4, 10));
    tell("%d", posix_fallocate(fd, 0, 0));
    tell("%d", posix_fallocate(fd, 0, 10));
}
CASE(sync_calls)
{
    int fds[2];
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    pipe(fds);
    SEE(fsync(fd));
    SEE(fdatasync(fd));
    SEE(fsync(-1));
    SEE(fsync(fds[0]));
    SEE(fdatasync(fds[1]));
    SEE(fsync(open(".", O_RDONLY)));
    SEE(fsync(open("/dev/null", O_RDONLY)));
    SEE(syncfs(fd));
    SEE(syncfs(-1));
    SEE(sync_file_range(fd, 0, 10, 0));
    SEE(sync_file_range(fd, 0, 10, 7));
    SEE(sync_file_range(fd, 0, 10, 8));
    SEE(sync_file_range(fd, -1, 10, 0));
    SEE(sync_file_range(fd, 0, -1, 0));
    SEE(sync_file_range(fds[0], 0, 1, 0));
    SEE(sync_file_range(-1, 0, 1, 0));
    SEE(sync_file_range(open("/dev/null", O_RDONLY), 0, 1, 0));
}
CASE(advice)
{
    int fds[2];
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    pipe(fds);
    for (int i = -1; i < 8; i++)
        SEE(posix_fadvise(fd, 0, 0, i));
    SEE(posix_fadvise(fd, 0, -1, 0));
    SEE(posix_fadvise(fd, -1, 1, 0));
    SEE(posix_fadvise(fds[0], 0, 0, 0));
    SEE(posix_fadvise(-1, 0, 0, 0));
    SEE(readahead(fd, 0, 10));
    SEE(readahead(-1, 0, 10));
    SEE(readahead(fds[0], 0, 10));
    SEE(readahead(open(".", O_RDONLY), 0, 10));
    SEE(readahead(open("f", O_WRONLY), 0, 10));
}
CASE(devices)
{
    char buf[8] = "1234567";
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
    SEE(read(null, buf, 8));
    SEE(write(null, bad, 8));
    SEE(write(null, (void *)-1, 8));
    SEE(read(zero, buf, 8));
    tell("%d", buf[3]);
    SEE(read(zero, bad, 8));
    SEE(write(zero, buf, 8));
    SEE(write(full, buf, 8));
    SEE(read(full, buf, 8));
    SEE(pwrite(null, buf, 8, 100));
    SEE(pread(zero, buf, 8, 100));
    SEE(ftruncate(null, 0));
    SEE(read(open("/dev/urandom", O_RDONLY), buf, 8));
    SEE(ioctl(null, 0x5401, buf));
    SEE(ioctl(null, 0x541b, buf));
}
CASE(large_offsets)
{
    int fd = open("f", O_CREAT | O_RDWR, 0600);
    SEE(pwrite(fd, "x", 1, LONG_MAX));
    SEE(lseek(fd, 5l << 32, SEEK_SET));
    SEE(write(fd, "x", 1));
    struct stat st;
    fstat(fd, &st);
    tell("%ld", (long)st.st_size);
    char c = 0;
    SEE(pread(fd, &c, 1, 5l << 32));
    tell("%c", c);
    SEE(ftruncate(fd, 0));
}
