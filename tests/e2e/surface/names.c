// SPDX-License-Identifier: BSD-3-Clause
// Names: made, found, moved, removed.
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
CASE(mkdir_errors)
{
    file_with("f", "x");
    SEE(mkdir("d", 0755));
    SEE(mkdir("d", 0755));
    SEE(mkdir("f", 0755));
    SEE(mkdir("f/x", 0755));
    SEE(mkdir("none/x", 0755));
    SEE(mkdir("", 0755));
    SEE(mkdir(".", 0755));
    SEE(mkdir("/", 0755));
    SEE(mkdir(long_name, 0755));
    SEE(mkdir(long_path, 0755));
    SEE(mkdir(bad, 0755));
    SEE(mkdir("e/", 0755));
    SEE(mkdir("d/.", 0755));
    SEE(mkdir("d/..", 0755));
    symlink("gone", "l");
    SEE(mkdir("l", 0755));
    SEE(mkdir("l/", 0755));
}
CASE(rmdir_errors)
{
    file_with("f", "x");
    mkdir("d", 0755);
    mkdir("d/e", 0755);
    SEE(rmdir("f"));
    SEE(rmdir("d"));
    SEE(rmdir("none"));
    SEE(rmdir(""));
    SEE(rmdir("."));
    SEE(rmdir("d/."));
    SEE(rmdir("d/e/.."));
    SEE(rmdir(".."));
    SEE(rmdir("/"));
    SEE(rmdir("/proc"));
    SEE(rmdir(bad));
    SEE(rmdir(long_name));
    SEE(rmdir("f/x"));
    symlink("d", "l");
    SEE(rmdir("l"));
    SEE(rmdir("l/"));
    SEE(rmdir("d/e/"));
}
CASE(unlink_errors)
{
    file_with("f", "x");
    mkdir("d", 0755);
    SEE(unlink("none"));
    SEE(unlink("d"));
    SEE(unlink("d/"));
    SEE(unlink("f/"));
    SEE(unlink("f/x"));
    SEE(unlink(""));
    SEE(unlink("."));
    SEE(unlink("/"));
    SEE(unlink(bad));
    SEE(unlink(long_name));
    SEE(unlinkat(AT_FDCWD, "f", 1));
    SEE(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
    SEE(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
    SEE(unlinkat(-1, "f", 0));
    SEE(unlink("f"));
    SEE(unlink("f"));
}
CASE(link_errors)
{
    file_with("f", "x");
    mkdir("d", 0755);
    SEE(link("f", "g"));
    SEE(link("f", "g"));
    SEE(link("none", "h"));
    SEE(link("d", "h"));
    SEE(link("f", "d"));
    SEE(link("f", "none/h"));
    SEE(link("f", "g/h"));
    SEE(link("f", ""));
    SEE(link("", "h"));
    SEE(link(bad, "h"));
    SEE(link("f", bad));
    SEE(link("f", long_name));
    SEE(link("f", "h/"));
    SEE(link("f/", "h"));
    SEE(link("f", "."));
    SEE(linkat(AT_FDCWD, "f", AT_FDCWD, "h", 0x1));
    SEE(linkat(AT_FDCWD, "f", -1, "h", 0));
    SEE(link("/proc/self/stat", "h"));
    struct stat st;
    stat("f", &st);
    tell("links %d", (int)st.st_nlink);
}
CASE(link_of_symlink)
{
    struct stat st;
    file_with("f", "x");
    symlink("f", "l");
    SEE(link("l", "m"));
    lstat("m", &st);
    tell("%o", st.st_mode);
    SEE(linkat(AT_FDCWD, "l", AT_FDCWD, "n", AT_SYMLINK_FOLLOW));
    lstat("n", &st);
    tell("%o", st.st_mode);
}
CASE(symlink_errors)
{
    file_with("f", "x");
    SEE(symlink("", "l"));
    SEE(symlink("x", ""));
    SEE(symlink("x", "f"));
    SEE(symlink("x", "none/l"));
    SEE(symlink("x", "f/l"));
    SEE(symlink("x", "l/"));
    SEE(symlink(bad, "l"));
    SEE(symlink("x", bad));
    SEE(symlink(long_path, "l"));
    SEE(symlink("x", long_name));
    long_path[PATH_MAX - 1] = '\0';
    SEE(symlink(long_path, "l"));
    long_path[PATH_MAX - 1] = 'x';
}
CASE(readlink_errors)
{
    char buf[64];
    file_with("f", "x");
    symlink("target", "l");
    SEE(readlink("l", buf, 64));
    SEE(readlink("l", buf, 3));
    SEE(readlink("l", buf, 0));
    SEE(readlink("l", buf, -1));
    SEE(readlink("f", buf, 64));
    SEE(readlink(".", buf, 64));
    SEE(readlink("none", buf, 64));
    SEE(readlink("", buf, 64));
    SEE(readlink("l", bad, 64));
    SEE(readlink(bad, buf, 64));
    SEE(readlink("f/x", buf, 64));
    SEE(readlink("l/", buf, 64));
    SEE(readlink(long_name, buf, 64));
    int fd = open("l", O_PATH | O_NOFOLLOW);
    SEE(readlinkat(fd, "", buf, 64));
    fd = open("f", O_RDONLY);
    SEE(readlinkat(fd, "", buf, 64));
}
CASE(rename_errors)
{
    file_with("f", "x");
    mkdir("d", 0755);
    mkdir("e", 0755);
    file_with("e/x", "y");
    SEE(rename("none", "x"));
    SEE(rename("f", "d"));
    SEE(rename("d", "f"));
    SEE(rename("d", "e"));
    SEE(rename("d", "d/x"));
    SEE(rename("e/x", "e/x/y"));
    SEE(rename("f", "none/x"));
    SEE(rename("f", ""));
    SEE(rename("", "x"));
    SEE(rename("f", bad));
    SEE(rename(bad, "x"));
    SEE(rename("f", long_name));
    SEE(rename(".", "x"));
    SEE(rename("f", "."));
    SEE(rename("d/..", "x"));
    SEE(rename("f/", "x"));
    SEE(rename("f", "x/"));
    SEE(rename("d/", "g/"));
    SEE(rename("g", "f/"));
    SEE(rename("/proc", "/x"));
    SEE(rename("f", "/proc/x"));
    SEE(rename("e", "g"));
    SEE(rename("g", "g"));
}
CASE(rename_links)
{
    file_with("f", "x");
    link("f", "g");
    SEE(rename("f", "g"));
    SEE(access("f", F_OK));
    symlink("f", "l");
    SEE(rename("l", "f"));
    tell("f: %s", contents("f"));
}
CASE(rename_flags)
{
    file_with("f", "1");
    file_with("g", "2");
    mkdir("d", 0755);
    SEE(renameat2(AT_FDCWD, "f", AT_FDCWD, "g", RENAME_NOREPLACE));
    SEE(renameat2(AT_FDCWD, "f", AT_FDCWD, "h", RENAME_NOREPLACE));
    SEE(renameat2(AT_FDCWD, "h", AT_FDCWD, "g", RENAME_EXCHANGE));
    tell("h %s", contents("h"));
    tell("g %s", contents("g"));
    SEE(renameat2(AT_FDCWD, "h", AT_FDCWD, "none", RENAME_EXCHANGE));
    SEE(renameat2(AT_FDCWD, "h", AT_FDCWD, "d", RENAME_EXCHANGE));
    SEE(access("h/.", F_OK));
    SEE(renameat2(AT_FDCWD, "g", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE));
    SEE(renameat2(AT_FDCWD, "g", AT_FDCWD, "x", 0x80));
    SEE(renameat2(AT_FDCWD, "g", AT_FDCWD, ".", RENAME_NOREPLACE));
    mkdir("p", 0755);
    mkdir("p/q", 0755);
    SEE(renameat2(AT_FDCWD, "p", AT_FDCWD, "p/q", RENAME_EXCHANGE));
    SEE(renameat2(AT_FDCWD, "p/q", AT_FDCWD, "p", RENAME_EXCHANGE));
    SEE(renameat2(AT_FDCWD, "p/q", AT_FDCWD, "p", 0));
}
CASE(mknod_kinds)
{
    struct stat st;
    SEE(mknod("r", S_IFREG | 0640, 0));
    SEE(mknod("z", 0600, 0));
    SEE(mknod("p", S_IFIFO | 0600, 0));
    SEE(mknod("c", S_IFCHR | 0600, makedev(1, 3)));
    SEE(mknod("b", S_IFBLK | 0600, makedev(7, 200)));
    SEE(mknod("d", S_IFDIR | 0700, 0));
    SEE(mknod("l", S_IFLNK | 0700, 0));
    SEE(mknod("x", 0x3000 | 0700, 0));
    SEE(mknod("r", S_IFREG | 0640, 0));
    SEE(mknod("none/r", S_IFREG | 0640, 0));
    SEE(mknod(bad, S_IFREG | 0640, 0));
    SEE(mknod("s/", S_IFREG | 0640, 0));
    stat("c", &st);
    tell("%o %d %d", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    SEE(write(open("c", O_WRONLY), "x", 1));
    stat("b", &st);
    tell("%o %d %d", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
    stat("z", &st);
    tell("%o", st.st_mode);
}
CASE(set_group_folder)
{
    struct stat st;
    mkdir("d", 0755);
    SEE(chown("d", 0, 1234));
    SEE(chmod("d", 02775));
    file_with("d/f", "x");
    stat("d/f", &st);
    tell("file %o group %d", st.st_mode, st.st_gid);
    mkdir("d/e", 0755);
    stat("d/e", &st);
    tell("folder %o group %d", st.st_mode, st.st_gid);
    symlink("x", "d/l");
    lstat("d/l", &st);
    tell("link group %d", st.st_gid);
    int fd = open("d", O_TMPFILE | O_RDWR, 0600);
    fstat(fd, &st);
    tell("nameless group %d", st.st_gid);
}
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
