// SPDX-License-Identifier: BSD-3-Clause
// open(2) and openat(2): names, flags and kinds of files.
#include "surface.h"

#include <dirent.h>
#include <sys/sysmacros.h>

CASE(open_missing) { SEE(open("none", O_RDONLY)); }
CASE(open_in_missing) { SEE(open("none/x", O_RDONLY | O_CREAT, 0644)); }
CASE(open_empty) { SEE(open("", O_RDONLY)); }
CASE(open_bad_pointer)
{
    SEE(open(bad, O_RDONLY));
    SEE(open(NULL, O_RDONLY));
    SEE(open((char *)-1, O_RDONLY));
}
CASE(open_long_name)
{
    SEE(open(long_name, O_RDONLY));
    SEE(open(long_name, O_CREAT | O_RDWR, 0600));
    long_name[NAME_MAX] = '\0';
    GOOD(open(long_name, O_CREAT | O_RDWR, 0600));
    long_name[NAME_MAX] = 'n';
}
CASE(open_long_path) { SEE(open(long_path, O_RDONLY)); }
CASE(open_through_file)
{
    file_with("f", "x");
    SEE(open("f/x", O_RDONLY));
    SEE(open("f/", O_RDONLY));
    SEE(open("f/.", O_RDONLY));
    SEE(open("f/..", O_RDONLY));
    SEE(open("f/x", O_CREAT | O_RDWR, 0600));
}
CASE(open_exclusive)
{
    file_with("f", "x");
    symlink("none", "l");
    SEE(open("f", O_CREAT | O_EXCL, 0600));
    SEE(open("l", O_CREAT | O_EXCL, 0600));
    SEE(open(".", O_CREAT | O_EXCL, 0600));
    SEE(open("..", O_CREAT | O_EXCL, 0600));
    SEE(open("/", O_CREAT | O_EXCL, 0600));
    SEE(open("f/", O_CREAT | O_EXCL, 0600));
    SEE(open("g/", O_CREAT | O_EXCL, 0600));
}
CASE(open_directory_flags)
{
    mkdir("d", 0755);
    file_with("f", "x");
    SEE(open("f", O_DIRECTORY));
    SEE(open("d", O_WRONLY));
    SEE(open("d", O_RDWR));
    SEE(open("d", O_RDONLY | O_CREAT, 0600));
    SEE(open("d", O_RDONLY | O_TRUNC));
    SEE(open("new/", O_CREAT | O_RDWR, 0600));
    SEE(open("d", O_DIRECTORY | O_CREAT, 0600));
    SEE(open("d/", O_WRONLY | O_CREAT, 0600));
}
CASE(open_nofollow)
{
    file_with("f", "x");
    symlink("f", "l");
    symlink("l", "ll");
    SEE(open("l", O_NOFOLLOW));
    GOOD(open("l", O_NOFOLLOW | O_PATH));
    GOOD(open("l", O_RDONLY));
    SEE(open("ll", O_NOFOLLOW | O_RDWR));
    SEE(open("l", O_NOFOLLOW | O_DIRECTORY));
    SEE(open("l/", O_NOFOLLOW));
}
CASE(open_loop)
{
    symlink("b", "a");
    symlink("a", "b");
    SEE(open("a", O_RDONLY));
    SEE(open("a", O_RDONLY | O_CREAT, 0600));
    SEE(open("a/x", O_RDONLY));
    SEE(stat("a", &(struct stat){ 0 }));
    SEE(lstat("a", &(struct stat){ 0 }));
    SEE(chdir("a"));
    SEE(truncate("a", 0));
    SEE(access("a", F_OK));
    SEE(chmod("a", 0600));
    SEE(link("a", "c"));
    SEE(rename("a", "c"));
}
CASE(open_many_links)
{
    char from[16], to[16];
    file_with("l0", "end");
    for (int i = 1; i <= 41; i++) {
        snprintf(to, sizeof(to), "l%d", i - 1);
        snprintf(from, sizeof(from), "l%d", i);
        symlink(to, from);
    }
    GOOD(open("l40", O_RDONLY));
    SEE(open("l41", O_RDONLY));
}
CASE(open_create_through_link)
{
    symlink("target", "l");
    GOOD(open("l", O_CREAT | O_RDWR, 0640));
    SEE(access("target", F_OK));
    symlink("none/target", "m");
    SEE(open("m", O_CREAT | O_RDWR, 0640));
}
CASE(open_tmpfile)
{
    mkdir("d", 0755);
    file_with("f", "x");
    SEE(open("d", O_TMPFILE, 0600));
    SEE(open("d", O_TMPFILE | O_RDONLY, 0600));
    SEE(open("f", O_TMPFILE | O_RDWR, 0600));
    SEE(open("none", O_TMPFILE | O_RDWR, 0600));
    SEE(open("d", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
    SEE(open("d", O_TMPFILE | O_CREAT | O_RDWR, 0600));
    int fd = open("d", O_TMPFILE | O_RDWR, 0640);
    struct stat st;
    fstat(fd, &st);
    tell("mode %o links %d size %d", st.st_mode, (int)st.st_nlink, (int)st.st_size);
    SEE(write(fd, "hello", 5));
    char path[64];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    SEE(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
    tell("named: %s", contents("named"));
    SEE(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
    fstat(fd, &st);
    tell("links %d", (int)st.st_nlink);
    int exclusive = open("d", O_TMPFILE | O_EXCL | O_WRONLY, 0600);
    SEE(linkat(exclusive, "", AT_FDCWD, "third", AT_EMPTY_PATH));
}
CASE(open_path_only)
{
    char c;
    file_with("f", "x");
    int fd = open("f", O_PATH | O_RDWR | O_TRUNC | O_CREAT, 0600);
    tell("flags %o", fcntl(fd, F_GETFL));
    SEE(read(fd, &c, 1));
    SEE(write(fd, "y", 1));
    SEE(lseek(fd, 0, SEEK_SET));
    SEE(fchmod(fd, 0600));
    SEE(fchown(fd, 0, 0));
    SEE(ftruncate(fd, 0));
    SEE(fsync(fd));
    SEE(ioctl(fd, 0x541b, &c));
    SEE(fcntl(fd, F_SETFL, O_NONBLOCK));
    SEE(flock(fd, 1));
    GOOD(fcntl(fd, F_DUPFD, 100));
    SEE(fstat(fd, &(struct stat){ 0 }));
    SEE((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    tell("still %s", contents("f"));
}
CASE(open_flags_shown)
{
    int fd = open("f", O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_SYNC, 0600);
    tell("%o %d", fcntl(fd, F_GETFL) & ~O_CLOEXEC, fcntl(fd, F_GETFD));
    fd = open(".", O_RDONLY | O_DIRECTORY);
    tell("%o %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
}
CASE(open_access_mode_3)
{
    char c;
    file_with("f", "x");
    int fd = open("f", 3);
    see_good("open f 3", fd);
    SEE(read(fd, &c, 1));
    SEE(write(fd, &c, 1));
}
CASE(open_set_id_mode)
{
    struct stat st;
    close(open("f", O_CREAT | O_RDWR, 07777));
    stat("f", &st);
    tell("%o", st.st_mode);
    mkdir("d", 07777);
    stat("d", &st);
    tell("%o", st.st_mode);
}
CASE(open_fifo)
{
    mkfifo("p", 0600);
    SEE(open("p", O_WRONLY | O_NONBLOCK));
    int r = open("p", O_RDONLY | O_NONBLOCK);
    see_good("reader", r);
    GOOD(open("p", O_WRONLY | O_NONBLOCK));
    GOOD(open("p", O_RDWR));
    SEE(lseek(r, 0, SEEK_CUR));
}
CASE(open_socket_name)
{
    SEE(mknod("s", S_IFSOCK | 0600, 0));
    SEE(open("s", O_RDONLY));
    GOOD(open("s", O_PATH));
}
CASE(openat_folders)
{
    mkdir("d", 0755);
    file_with("f", "x");
    int d = open("d", O_RDONLY), f = open("f", O_RDONLY);
    GOOD(openat(d, "x", O_CREAT | O_RDWR, 0600));
    GOOD(openat(d, "../f", O_RDONLY));
    SEE(openat(f, "x", O_RDONLY));
    SEE(openat(-1, "x", O_RDONLY));
    SEE(openat(999, "x", O_RDONLY));
    GOOD(openat(-1, "/", O_RDONLY));
    SEE(openat(d, "", O_RDONLY));
}
