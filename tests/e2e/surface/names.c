// SPDX-License-Identifier: BSD-3-Clause
// Names made, linked, moved, removed.
#include "surface.h"

#include <dirent.h>
#include <sys/sysmacros.h>

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
