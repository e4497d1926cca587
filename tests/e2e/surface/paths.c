// SPDX-License-Identifier: BSD-3-Clause
// Every call that takes a path, with the same paths: what all of them refuse, and in which order.
#include "surface.h"

#include <sys/inotify.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <utime.h>

static const struct {
    const char *text, *path;
} paths[] = {
    { "missing", "none" },
    { "in a missing folder", "none/x" },
    { "empty", "" },
    { "through a file", "f/x" },
    { "file with slash", "f/" },
    { "dot of a file", "f/." },
    { "loop", "loop" },
    { "through a loop", "loop/x" },
    { "dangling link", "dangling" },
    { "dangling link with slash", "dangling/" },
    { "link to a file with slash", "link/" },
    { "long name", long_name },
    { "long path", long_path },
};
static long (*tried)(const char *path);
static void one(const char *text, const char *path)
{
    errno = 0;
    long r = tried(path);
    tell("%s: %ld %s", text, r > 0 ? 1 : r, r == -1 ? strerrorname_np(errno) : "");
}
static void nobody_tries(void)
{
    one("as nobody in a closed folder", "closed/f");
    one("as nobody through a closed folder", "closed/d/x");
}
static void with_paths(long (*call)(const char *path))
{
    file_with("f", "x");
    file_with("g", "x");
    symlink("loop", "loop");
    symlink("none", "dangling");
    symlink("f", "link");
    mkdir("closed", 0700);
    mkdir("closed/d", 0755);
    file_with("closed/f", "x");
    chmod(".", 0777);
    tried = call;
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
        one(paths[i].text, paths[i].path);
    one("bad pointer", bad);
    one("no pointer", NULL);
    as_nobody(nobody_tries);
    unlink("dangling");
}
#define PATHS(name, call)                                   \
    static long name##_call(const char *p) { return call; } \
    CASE(name) { with_paths(name##_call); }

static struct stat st;
static char buf[64];
static const struct timespec times[2] = { { 1 }, { 2 } };
static const struct timeval timevals[2] = { { 1 }, { 2 } };
static long closed(int fd) { return fd < 0 ? -1 : (close(fd), 0); }

PATHS(open_read, closed(syscall(SYS_open, p, O_RDONLY)))
PATHS(open_write, closed(syscall(SYS_open, p, O_WRONLY)))
PATHS(open_folder, closed(syscall(SYS_open, p, O_DIRECTORY)))
PATHS(open_path, closed(syscall(SYS_open, p, O_PATH)))
PATHS(open_path_nofollow, closed(syscall(SYS_open, p, O_PATH | O_NOFOLLOW)))
PATHS(open_nofollow, closed(syscall(SYS_open, p, O_NOFOLLOW)))
PATHS(open_truncate, closed(syscall(SYS_open, p, O_TRUNC | O_RDWR)))
PATHS(open_create_exclusive, closed(syscall(SYS_open, p, O_CREAT | O_EXCL | O_RDWR, 0600)))
PATHS(creat_file, closed(syscall(SYS_creat, p, 0600)))
PATHS(stat_file, syscall(SYS_stat, p, &st))
PATHS(lstat_file, syscall(SYS_lstat, p, &st))
PATHS(newfstatat_nofollow, syscall(SYS_newfstatat, AT_FDCWD, p, &st, AT_SYMLINK_NOFOLLOW))
PATHS(statx_file, syscall(SYS_statx, AT_FDCWD, p, 0, STATX_ALL, (char[256]){ 0 }))
PATHS(access_exists, syscall(SYS_access, p, F_OK))
PATHS(access_reads, syscall(SYS_access, p, R_OK | W_OK))
PATHS(faccessat_nofollow, syscall(SYS_faccessat2, AT_FDCWD, p, R_OK, AT_SYMLINK_NOFOLLOW))
PATHS(readlink_link, syscall(SYS_readlink, p, buf, sizeof(buf)))
PATHS(truncate_file, syscall(SYS_truncate, p, 1))
PATHS(chmod_file, syscall(SYS_chmod, p, 0644))
PATHS(chown_file, syscall(SYS_chown, p, -1, -1))
PATHS(lchown_file, syscall(SYS_lchown, p, -1, -1))
PATHS(fchownat_nofollow, syscall(SYS_fchownat, AT_FDCWD, p, -1, -1, AT_SYMLINK_NOFOLLOW))
PATHS(utime_file, syscall(SYS_utime, p, NULL))
PATHS(utimes_file, syscall(SYS_utimes, p, timevals))
PATHS(utimensat_file, syscall(SYS_utimensat, AT_FDCWD, p, times, 0))
PATHS(utimensat_nofollow, syscall(SYS_utimensat, AT_FDCWD, p, times, AT_SYMLINK_NOFOLLOW))
PATHS(statfs_file, syscall(SYS_statfs, p, (char[256]){ 0 }))
PATHS(chdir_folder, syscall(SYS_chdir, p))
PATHS(chroot_folder, (*buf = 0, p &&p != bad && p[0] == 'l' && p[1] == 'i' ? 0 : syscall(SYS_chroot, p)))
PATHS(mkdir_folder, syscall(SYS_mkdir, p, 0755))
PATHS(rmdir_folder, syscall(SYS_rmdir, p))
PATHS(unlink_file, syscall(SYS_unlink, p))
PATHS(unlinkat_folder, syscall(SYS_unlinkat, AT_FDCWD, p, AT_REMOVEDIR))
PATHS(mknod_file, syscall(SYS_mknod, p, S_IFREG | 0600, 0))
PATHS(mkfifo_fifo, syscall(SYS_mknod, p, S_IFIFO | 0600, 0))
PATHS(link_from, syscall(SYS_link, p, "new"))
PATHS(linkat_from_followed, syscall(SYS_linkat, AT_FDCWD, p, AT_FDCWD, "new2", AT_SYMLINK_FOLLOW))
PATHS(link_to, syscall(SYS_link, "g", p))
PATHS(symlink_at, syscall(SYS_symlink, "x", p))
PATHS(symlink_target, syscall(SYS_symlink, p, "new"))
PATHS(rename_from, syscall(SYS_rename, p, "new"))
PATHS(rename_to, file_with("g", "x") ?: syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, p, 1))
PATHS(rename_exchange, syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, p, 2))
PATHS(setxattr_file, syscall(SYS_setxattr, p, "user.a", "b", 1, 0))
PATHS(getxattr_file, syscall(SYS_getxattr, p, "user.a", buf, 8))
PATHS(lgetxattr_file, syscall(SYS_lgetxattr, p, "user.a", buf, 8))
PATHS(listxattr_file, syscall(SYS_listxattr, p, buf, 8))
PATHS(removexattr_file, syscall(SYS_removexattr, p, "user.a"))
PATHS(execve_file, syscall(SYS_execve, p, (char *[]){ "x", NULL }, NULL))
PATHS(mount_on, syscall(SYS_umount2, p, 0) == 0 ? 0 : errno == EPERM || errno == EINVAL ? 0 : -1)
static int watches = -1;
PATHS(inotify_watch, (watches < 0 ? watches = inotify_init() : 0, syscall(SYS_inotify_add_watch, watches, p, IN_OPEN)))
