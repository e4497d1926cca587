// SPDX-License-Identifier: BSD-3-Clause
// Attributes of files: stat, modes, owners, times, extended attributes, space.
#include "surface.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <utime.h>

CASE(stat_errors)
{
    struct stat st;
    file_with("f", "x");
    SEE(stat("none", &st));
    SEE(stat("", &st));
    SEE(stat("f/x", &st));
    SEE(stat("f/", &st));
    SEE(stat(bad, &st));
    SEE(stat("f", (void *)bad));
    SEE(stat(long_name, &st));
    SEE(stat(long_path, &st));
    SEE(lstat("none", &st));
    SEE(fstat(-1, &st));
    SEE(fstat(0, (void *)bad));
    SEE(fstatat(AT_FDCWD, "f", &st, 0x8000000));
    SEE(fstatat(-1, "f", &st, 0));
    SEE(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    tell("%o", st.st_mode);
    SEE(fstatat(open("f", O_RDONLY), "x", &st, 0));
}
CASE(stat_fields)
{
    struct stat st;
    file_with("f", "hello");
    stat("f", &st);
    tell("mode %o links %d uid %d gid %d size %d blocks %d", st.st_mode, (int)st.st_nlink, st.st_uid, st.st_gid,
         (int)st.st_size, (int)st.st_blocks);
    mkdir("d", 0711);
    mkdir("d/e", 0711);
    stat("d", &st);
    tell("mode %o links %d", st.st_mode, (int)st.st_nlink);
    symlink("target", "l");
    lstat("l", &st);
    tell("mode %o size %d", st.st_mode, (int)st.st_size);
    stat("/dev/null", &st);
    tell("mode %o device %d:%d", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
}
CASE(statx_errors)
{
    struct statx st;
    file_with("f", "x");
    SEE(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &st));
    tell("mask %x mode %o size %d", st.stx_mask & STATX_BASIC_STATS, st.stx_mode, (int)st.stx_size);
    SEE(statx(AT_FDCWD, "none", 0, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "f", 0x80000, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "f", 0, 0x80000000, &st));
    SEE(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, (void *)bad));
    SEE(statx(AT_FDCWD, bad, 0, STATX_BASIC_STATS, &st));
    SEE(statx(-1, "f", 0, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "", 0, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, long_name, 0, STATX_BASIC_STATS, &st));
    SEE(statx(AT_FDCWD, "f/x", 0, STATX_BASIC_STATS, &st));
    SEE(statx(0, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st));
}
CASE(chmod_errors)
{
    struct stat st;
    file_with("f", "x");
    SEE(chmod("none", 0600));
    SEE(chmod("f/x", 0600));
    SEE(chmod(bad, 0600));
    SEE(chmod("", 0600));
    SEE(chmod(long_name, 0600));
    SEE(fchmod(-1, 0600));
    SEE(chmod("f", 07777));
    stat("f", &st);
    tell("%o", st.st_mode);
    SEE(chmod("f", 0177777));
    stat("f", &st);
    tell("%o", st.st_mode);
    SEE(fchmodat(AT_FDCWD, "f", 0600, 0x40));
    SEE(fchmodat(-1, "f", 0600, 0));
    SEE(chmod("/proc/self/stat", 0600));
    int fds[2];
    pipe(fds);
    SEE(fchmod(fds[0], 0640));
    fstat(fds[0], &st);
    tell("%o", st.st_mode);
}
CASE(chown_errors)
{
    struct stat st;
    file_with("f", "x");
    symlink("f", "l");
    symlink("none", "dangling");
    SEE(chown("f", 1, 2));
    SEE(chown("f", -1, 3));
    SEE(chown("f", 4, -1));
    stat("f", &st);
    tell("%d %d", st.st_uid, st.st_gid);
    SEE(lchown("l", 7, 8));
    lstat("l", &st);
    tell("%d %d", st.st_uid, st.st_gid);
    SEE(chown("dangling", 1, 1));
    SEE(lchown("dangling", 1, 1));
    SEE(chown(bad, 1, 1));
    SEE(chown("none", 1, 1));
    SEE(chown("f/x", 1, 1));
    SEE(fchown(-1, 1, 1));
    SEE(fchownat(AT_FDCWD, "f", 1, 1, 0x10));
    SEE(fchownat(AT_FDCWD, "", 1, 1, 0));
    SEE(fchownat(open("f", O_PATH), "", 9, 9, AT_EMPTY_PATH));
    stat("f", &st);
    tell("%d %d", st.st_uid, st.st_gid);
}
CASE(chown_set_ids)
{
    struct stat st;
    file_with("f", "x");
    static const int modes[] = { 04755, 02755, 06777, 02644, 06600, 01777 };
    for (int i = 0; i < 6; i++) {
        chmod("f", modes[i]);
        chown("f", 0, 0);
        stat("f", &st);
        tell("%o becomes %o", modes[i], st.st_mode & 07777);
    }
    chmod("f", 04755);
    chown("f", -1, -1);
    stat("f", &st);
    tell("without ids %o", st.st_mode & 07777);
    mkdir("d", 0755);
    chmod("d", 06755);
    chown("d", 1, 1);
    stat("d", &st);
    tell("folder %o", st.st_mode & 07777);
}
static void times_of(const char *name)
{
    struct stat st;
    lstat(name, &st);
    tell("%ld.%09ld %ld.%09ld", (long)st.st_atim.tv_sec, st.st_atim.tv_nsec, (long)st.st_mtim.tv_sec,
         st.st_mtim.tv_nsec);
}
CASE(utimensat_values)
{
    struct timespec t[2] = { { 1000, 5 }, { 2000, 999999999 } };
    file_with("f", "x");
    symlink("f", "l");
    SEE(utimensat(AT_FDCWD, "f", t, 0));
    times_of("f");
    t[0].tv_nsec = UTIME_OMIT;
    t[1].tv_sec = 77;
    SEE(utimensat(AT_FDCWD, "f", t, 0));
    times_of("f");
    t[0] = (struct timespec){ -1, 500000000 };
    t[1] = (struct timespec){ -1000, 1 };
    SEE(utimensat(AT_FDCWD, "f", t, 0));
    times_of("f");
    SEE(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
    times_of("l");
    t[0].tv_nsec = t[1].tv_nsec = UTIME_OMIT;
    SEE(utimensat(AT_FDCWD, "none", t, 0));
    SEE(utimensat(AT_FDCWD, "f", NULL, 0));
    SEE(futimens(open("f", O_RDONLY), t));
}
CASE(utimensat_errors)
{
    struct timespec t[2] = { { 1, 1 }, { 1, 1000000000 } };
    file_with("f", "x");
    SEE(utimensat(AT_FDCWD, "f", t, 0));
    t[1].tv_nsec = -1;
    SEE(utimensat(AT_FDCWD, "f", t, 0));
    t[1].tv_nsec = 0;
    SEE(utimensat(AT_FDCWD, "none", t, 0));
    SEE(utimensat(AT_FDCWD, "f", t, 0x1));
    SEE(utimensat(AT_FDCWD, "f", (void *)bad, 0));
    SEE(utimensat(AT_FDCWD, bad, t, 0));
    SEE(utimensat(-1, "f", t, 0));
    SEE(syscall(SYS_utimensat, -1, NULL, t, 0));
    SEE(syscall(SYS_utimensat, AT_FDCWD, NULL, t, 0));
    SEE(syscall(SYS_utimensat, open("f", O_RDONLY), NULL, t, AT_SYMLINK_NOFOLLOW));
    SEE(utimensat(AT_FDCWD, "f/x", t, 0));
    SEE(utimensat(AT_FDCWD, "", t, 0));
}
CASE(old_time_calls)
{
    struct timeval tv[2] = { { 10, 5 }, { 20, 999999 } };
    struct utimbuf u = { 30, 40 };
    file_with("f", "x");
    SEE(utimes("f", tv));
    times_of("f");
    SEE(syscall(SYS_utime, "f", &u));
    times_of("f");
    SEE(syscall(SYS_futimesat, AT_FDCWD, "f", tv));
    times_of("f");
    tv[0].tv_usec = 1000000;
    SEE(utimes("f", tv));
    SEE(syscall(SYS_futimesat, AT_FDCWD, "none", tv));
    tv[0].tv_usec = 0;
    SEE(utimes("none", tv));
    SEE(syscall(SYS_utimes, "f", bad));
    SEE(syscall(SYS_utime, "none", &u));
    SEE(syscall(SYS_utime, bad, &u));
    SEE(syscall(SYS_utime, "f", bad));
    SEE(syscall(SYS_utime, "f", NULL));
    SEE(syscall(SYS_futimesat, -1, "f", NULL));
    SEE(syscall(SYS_futimesat, open("f", O_RDONLY), NULL, NULL));
}
CASE(truncate_errors)
{
    file_with("f", "hello");
    mkdir("d", 0755);
    mkfifo("p", 0600);
    SEE(truncate("f", 2));
    tell("%s", contents("f"));
    SEE(truncate("f", -1));
    SEE(truncate("d", 0));
    SEE(truncate("p", 0));
    SEE(truncate("none", 0));
    SEE(truncate("f/x", 0));
    SEE(truncate(bad, 0));
    SEE(truncate("", 0));
    SEE(truncate(long_name, 0));
    SEE(ftruncate(-1, 0));
    SEE(ftruncate(open("f", O_RDONLY), 0));
    SEE(ftruncate(open("d", O_RDONLY), 0));
    SEE(ftruncate(open("f", O_RDWR), -1));
    int fds[2];
    pipe(fds);
    SEE(ftruncate(fds[1], 0));
    SEE(ftruncate(open("f", O_RDWR), 1l << 30));
    struct stat st;
    stat("f", &st);
    tell("size %ld blocks %d", (long)st.st_size, (int)st.st_blocks);
    SEE(truncate("/proc/self/stat", 0));
}
CASE(statfs_errors)
{
    struct statfs st;
    SEE(statfs(".", &st));
    tell("names %d", (int)st.f_namelen);
    SEE(statfs("none", &st));
    SEE(statfs(bad, &st));
    SEE(statfs(".", (void *)bad));
    SEE(statfs("", &st));
    SEE(statfs(long_name, &st));
    SEE(fstatfs(-1, &st));
    SEE(fstatfs(open(".", O_RDONLY), (void *)bad));
    int fds[2];
    pipe(fds);
    SEE(fstatfs(fds[0], &st));
    tell("%lx", (long)st.f_type);
    SEE(statfs("/proc", &st));
    tell("%lx", (long)st.f_type);
    struct statvfs v;
    SEE(statvfs(".", &v));
}
CASE(umask_values)
{
    struct stat st;
    SEE(umask(0));
    SEE(umask(0177777));
    SEE(umask(027));
    file_with("f", "x");
    mkdir("d", 0777);
    mkfifo("p", 0666);
    stat("f", &st);
    tell("%o", st.st_mode);
    stat("d", &st);
    tell("%o", st.st_mode);
    stat("p", &st);
    tell("%o", st.st_mode);
    umask(022);
}
CASE(xattr_basics)
{
    char buf[64] = "";
    file_with("f", "x");
    SEE(getxattr("f", "user.a", buf, sizeof(buf)));
    SEE(setxattr("f", "user.a", "one", 3, 0));
    SEE(setxattr("f", "user.a", "two!", 4, XATTR_CREATE));
    SEE(setxattr("f", "user.b", "two!", 4, XATTR_REPLACE));
    SEE(setxattr("f", "user.a", "two!", 4, XATTR_REPLACE));
    SEE(getxattr("f", "user.a", buf, sizeof(buf)));
    tell("%.4s", buf);
    SEE(getxattr("f", "user.a", NULL, 0));
    SEE(getxattr("f", "user.a", buf, 2));
    SEE(setxattr("f", "user.empty", "", 0, 0));
    SEE(getxattr("f", "user.empty", buf, sizeof(buf)));
    SEE(setxattr("f", "trusted.t", "tt", 2, 0));
    SEE(listxattr("f", NULL, 0));
    SEE(listxattr("f", buf, 5));
    SEE(listxattr("f", buf, sizeof(buf)));
    SEE(removexattr("f", "user.a"));
    SEE(removexattr("f", "user.a"));
    SEE(listxattr("f", buf, sizeof(buf)));
}
CASE(xattr_errors)
{
    char buf[64], name[300] = "user.";
    static char big[70000];
    memset(name + 5, 'n', 260);
    file_with("f", "x");
    SEE(setxattr("f", "bare", "x", 1, 0));
    SEE(setxattr("f", "other.x", "x", 1, 0));
    SEE(setxattr("f", "user.", "x", 1, 0));
    SEE(setxattr("f", "", "x", 1, 0));
    SEE(setxattr("f", name, "x", 1, 0));
    name[255] = '\0';
    SEE(setxattr("f", name, "x", 1, 0));
    SEE(setxattr("f", "user.x", big, 65537, 0));
    SEE(setxattr("f", "user.x", "x", 1, 4));
    SEE(setxattr("f", "user.x", bad, 1, 0));
    SEE(setxattr("f", bad, "x", 1, 0));
    SEE(setxattr(bad, "user.x", "x", 1, 0));
    SEE(setxattr("none", "user.x", "x", 1, 0));
    SEE(getxattr("f", "bare", buf, 64));
    SEE(getxattr("f", "user.", buf, 64));
    SEE(getxattr("f", "", buf, 64));
    SEE(getxattr("none", "user.x", buf, 64));
    SEE(getxattr("f", bad, buf, 64));
    setxattr("f", "user.x", "xyz", 3, 0);
    SEE(getxattr("f", "user.x", bad, 64));
    SEE(listxattr("f", bad, 64));
    SEE(listxattr("none", buf, 64));
    SEE(removexattr("none", "user.x"));
    SEE(removexattr("f", "bare"));
    SEE(removexattr("f", bad));
    SEE(fsetxattr(-1, "user.x", "x", 1, 0));
    SEE(fgetxattr(-1, "user.x", buf, 64));
    SEE(flistxattr(-1, buf, 64));
    SEE(fremovexattr(-1, "user.x"));
}
CASE(xattr_kinds_of_files)
{
    char buf[64];
    symlink("none", "l");
    mkfifo("p", 0600);
    mkdir("d", 0755);
    SEE(lsetxattr("l", "user.x", "x", 1, 0));
    SEE(lgetxattr("l", "user.x", buf, 64));
    SEE(lsetxattr("l", "trusted.x", "x", 1, 0));
    SEE(lgetxattr("l", "trusted.x", buf, 64));
    SEE(setxattr("p", "user.x", "x", 1, 0));
    SEE(setxattr("p", "trusted.x", "x", 1, 0));
    SEE(setxattr("d", "user.x", "x", 1, 0));
    SEE(getxattr("d", "user.x", buf, 64));
    SEE(setxattr("l", "user.x", "x", 1, 0));
    SEE(llistxattr("l", buf, 64));
    SEE(lremovexattr("l", "trusted.x"));
    SEE(getxattr("/proc/self/stat", "user.x", buf, 64));
    SEE(setxattr("/proc/self/stat", "user.x", "x", 1, 0));
    int fd = open("d", O_PATH);
    SEE(fgetxattr(fd, "user.x", buf, 64));
}
CASE(xattr_fd)
{
    char buf[64] = "";
    file_with("f", "x");
    int fd = open("f", O_RDONLY);
    SEE(fsetxattr(fd, "user.a", "1", 1, 0));
    SEE(fgetxattr(fd, "user.a", buf, 64));
    SEE(flistxattr(fd, buf, 64));
    tell("%s", buf);
    SEE(fremovexattr(fd, "user.a"));
    SEE(flistxattr(fd, buf, 64));
}
