// SPDX-License-Identifier: BSD-3-Clause
// Working folders, lists of names, access, openat2(2).
#include "surface.h"

#include <dirent.h>
#include <sys/sysmacros.h>

CASE(chdir_errors)
{
    file_with("f", "x");
    SEE(chdir("f"));
    SEE(chdir("none"));
    SEE(chdir(""));
    SEE(chdir(bad));
    SEE(chdir(long_name));
    SEE(chdir("f/x"));
    SEE(fchdir(-1));
    SEE(fchdir(open("f", O_RDONLY)));
    SEE(fchdir(open(".", O_PATH)));
    SEE(chroot("none"));
    SEE(chroot("f"));
    SEE(chroot(bad));
}
CASE(getcwd_errors)
{
    char buf[PATH_MAX];
    SEE(syscall(SYS_getcwd, buf, 1));
    SEE(syscall(SYS_getcwd, buf, 0));
    SEE(syscall(SYS_getcwd, bad, 4096));
    mkdir("d", 0755);
    SEE(chdir("d"));
    SEE(rmdir("../d"));
    SEE(syscall(SYS_getcwd, buf, sizeof(buf)));
    SEE(open("x", O_CREAT | O_RDWR, 0600));
    SEE(mkdir("x", 0755));
    SEE(symlink("y", "x"));
    SEE(stat(".", &(struct stat){ 0 }));
    SEE(open(".", O_RDONLY));
    SEE(access("..", F_OK));
    SEE(rmdir("."));
    SEE(rename("../none", "x"));
}
CASE(removed_folder_lists_nothing)
{
    char buf[256];
    mkdir("d", 0755);
    int fd = open("d", O_RDONLY);
    rmdir("d");
    SEE(syscall(SYS_getdents64, fd, buf, sizeof(buf)));
}
CASE(getdents_errors)
{
    char buf[256];
    mkdir("d", 0755);
    file_with("d/a-name-of-some-length", "x");
    int fd = open("d", O_RDONLY);
    SEE(syscall(SYS_getdents64, fd, buf, 8));
    SEE(syscall(SYS_getdents64, fd, buf, 0));
    SEE(syscall(SYS_getdents64, fd, bad, 256));
    SEE(syscall(SYS_getdents64, -1, buf, 256));
    SEE(syscall(SYS_getdents64, open("d/a-name-of-some-length", O_RDONLY), buf, 256));
    SEE(read(fd, buf, 10));
    SEE(pread(fd, buf, 10, 0));
    SEE(write(fd, buf, 10));
    SEE(lseek(fd, 0, SEEK_SET));
    GOOD(syscall(SYS_getdents64, fd, buf, 256));
    SEE(syscall(SYS_getdents64, fd, buf, 256));
}
CASE(readdir_while_removing)
{
    char name[16];
    int seen = 0;
    mkdir("d", 0755);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d/%d", i);
        file_with(name, "");
    }
    DIR *dir = opendir("d");
    struct dirent *entry;
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        unlinkat(dirfd(dir), entry->d_name, 0);
        seen++;
    }
    closedir(dir);
    tell("removed %d", seen);
    SEE(rmdir("d"));
}
CASE(access_errors)
{
    file_with("f", "x");
    chmod("f", 0600);
    SEE(access("f", F_OK));
    SEE(access("f", R_OK | W_OK));
    SEE(access("f", X_OK));
    SEE(access("f", 8));
    SEE(access("none", F_OK));
    SEE(access("f/x", F_OK));
    SEE(access(bad, F_OK));
    SEE(access("", F_OK));
    SEE(access(long_name, F_OK));
    SEE(access(".", X_OK));
    SEE(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, 0x8000));
    SEE(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
    SEE(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_SYMLINK_NOFOLLOW));
    SEE(syscall(SYS_faccessat2, AT_FDCWD, "", R_OK, AT_EMPTY_PATH));
    SEE(faccessat(-1, "f", R_OK, 0));
}
CASE(names_of_open_files)
{
    char link[64], path[PATH_MAX], folder[PATH_MAX];
    file_with("f", "x");
    getcwd(folder, sizeof(folder));
    int fd = open("f", O_RDONLY);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    for (int step = 0; step < 4; step++) {
        if (step == 1)
            rename("f", "g");
        if (step == 2) {
            mkdir("d", 0755);
            rename("g", "d/h");
        }
        if (step == 3)
            unlink("d/h");
        ssize_t n = readlink(link, path, sizeof(path) - 1);
        path[n > 0 ? n : 0] = '\0';
        tell("%s", strncmp(path, folder, strlen(folder)) ? path : path + strlen(folder));
    }
    tell("reopened: %s", contents(link));
}
CASE(reopen_by_proc)
{
    char link[64], c;
    int fds[2];
    pipe(fds);
    write(fds[1], "ab", 2);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fds[0]);
    int again = open(link, O_RDONLY);
    see_good("reader again", again);
    SEE(read(again, &c, 1));
    GOOD(open(link, O_WRONLY));
    GOOD(open(link, O_RDWR | O_CREAT, 0600));
    struct stat a, b;
    fstat(fds[0], &a);
    fstat(fds[1], &b);
    tell("one inode %d, mode %o", a.st_ino == b.st_ino, a.st_mode);
    SEE(fchmod(fds[0], 0666));
    fstat(fds[1], &b);
    tell("mode %o", b.st_mode);
    file_with("f", "old");
    int fd = open("f", O_RDONLY);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    int w = open(link, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    see_good("writer", w);
    SEE(write(w, "new", 3));
    tell("%s", contents("f"));
    SEE(open(link, O_CREAT | O_EXCL, 0600));
}

struct how {
    uint64_t flags, mode, resolve, more;
};
static long openat2(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve, size_t size)
{
    struct how how = { flags, mode, resolve, 0 };
    return syscall(437, dir, path, &how, size);
}
CASE(openat2_arguments)
{
    file_with("f", "x");
    GOOD(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0, 24));
    GOOD(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0, 32));
    SEE(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0, 16));
    SEE(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0, 5000));
    SEE(openat2(AT_FDCWD, "f", O_RDONLY, 0600, 0, 24));
    SEE(openat2(AT_FDCWD, "f", 1ull << 40, 0, 0, 24));
    SEE(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0x100, 24));
    SEE(openat2(AT_FDCWD, "g", O_CREAT, 0x10000, 0, 24));
    SEE(openat2(AT_FDCWD, "f", O_PATH | O_RDWR, 0, 0, 24));
    SEE(openat2(AT_FDCWD, "f", O_RDONLY, 0, 0x18, 24));
    SEE(syscall(437, AT_FDCWD, "f", bad, 24));
    struct how more = { O_RDONLY, 0, 0, 1 };
    SEE(syscall(437, AT_FDCWD, "f", &more, sizeof(more)));
}
CASE(openat2_resolve)
{
    mkdir("d", 0755);
    file_with("d/f", "x");
    file_with("g", "x");
    symlink("f", "d/l");
    symlink("/etc", "d/abs");
    symlink("../g", "d/out");
    symlink("/f", "d/root");
    int d = open("d", O_PATH), f = open("g", O_RDONLY);
    char magic[64];
    snprintf(magic, sizeof(magic), "/proc/self/fd/%d", f);
    GOOD(openat2(d, "f", O_RDONLY, 0, 8, 24));
    GOOD(openat2(d, "l", O_RDONLY, 0, 8, 24));
    SEE(openat2(d, "../g", O_RDONLY, 0, 8, 24));
    SEE(openat2(d, "out", O_RDONLY, 0, 8, 24));
    SEE(openat2(d, "abs", O_RDONLY, 0, 8, 24));
    SEE(openat2(d, "/etc", O_RDONLY, 0, 8, 24));
    GOOD(openat2(d, "/f", O_RDONLY, 0, 16, 24));
    GOOD(openat2(d, "root", O_RDONLY, 0, 16, 24));
    GOOD(openat2(d, "../../f", O_RDONLY, 0, 16, 24));
    SEE(openat2(d, "../g", O_RDONLY, 0, 16, 24));
    SEE(openat2(d, "l", O_RDONLY, 0, 4, 24));
    GOOD(openat2(d, "l", O_PATH | O_NOFOLLOW, 0, 4, 24));
    GOOD(openat2(d, "l", O_RDONLY, 0, 2, 24));
    SEE(openat2(d, magic, O_RDONLY, 0, 2, 24));
    SEE(openat2(d, "/proc/version", O_RDONLY, 0, 1, 24));
    GOOD(openat2(d, "f", O_RDONLY, 0, 1, 24));
}
