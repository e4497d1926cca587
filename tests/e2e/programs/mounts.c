// SPDX-License-Identifier: BSD-3-Clause
// mount(2) and umount2(2) of tmpfs, and what the flags of a mount mean to the other calls: prints what it saw. Run in a
// name space of its own on Linux (test_mount.py compares).
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif

static const char *why(long result) { return result == 0 ? "0" : result > 0 ? "+" : strerrorname_np(errno); }
#define SAY(call) printf("%s: %s\n", #call, why(call))

static long opens(const char *path, int flags)
{
    int fd = open(path, flags, 0644);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static void show_statfs(const char *path, int limited)
{
    struct statfs st;
    if (statfs(path, &st) != 0) {
        printf("statfs %s: %s\n", path, why(-1));
        return;
    }
    printf("statfs %s: type %lx, flags %lx", path, (long)st.f_type, (long)st.f_flags);
    printf(limited ? ", size %ld, free %ld\n" : "\n", (long)st.f_blocks, (long)st.f_bfree);
}

static void show_mounts(const char *only)
{
    char line[512];
    FILE *file = fopen("/proc/self/mounts", "r");
    while (file && fgets(line, sizeof(line), file)) {
        char source[128], target[128], type[64], options[256];
        if (sscanf(line, "%127s %127s %63s %255s", source, target, type, options) == 4 &&
            strncmp(target, only, strlen(only)) == 0) {
            char *comma = strstr(options, "relatime");
            if (comma)
                comma[strlen("relatime")] = '\0';
            printf("mounted: %s %s %s %s\n", source, target, type, options);
        }
    }
    if (file)
        fclose(file);
}

static void arguments(void)
{
    printf("-- arguments\n");
    SAY(mount("none", "/m/none-such", "tmpfs", 0, NULL));
    SAY(mount("none", "/m/file", "tmpfs", 0, NULL));
    SAY(mount("none", "/m/a", NULL, 0, NULL));
    SAY(mount("none", "/m/a", "nosuchfs", 0, NULL));
    SAY(mount("none", "/m/a", "tmpfs", 0, "nosuchoption"));
    SAY(mount("none", "/m/a", "tmpfs", 0, "size=zebra"));
    SAY(mount("none", "/m/a", "tmpfs", 0, "mode=9"));
    SAY(mount("none", (char *)8, "tmpfs", 0, NULL));
    SAY(mount("none", "", "tmpfs", 0, NULL));
    SAY(mount("none", "/m/a", (char *)8, 0, NULL));
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT, NULL));
    SAY(mount(NULL, "/m/a", NULL, MS_PRIVATE, NULL));
    SAY(mount(NULL, "/m/a", NULL, MS_PRIVATE | MS_SHARED, NULL));
    SAY(umount2("/m/a", 0));
    SAY(umount2("/m/none-such", 0));
    SAY(umount2("/m/a", 64));
    SAY(umount2("/m/a", MNT_EXPIRE | MNT_DETACH));
    SAY(umount2("/m/file", 0));
    show_mounts("/m/");
}

static void plain(void)
{
    struct stat below, above;
    printf("-- plain\n");
    opens("/m/a/below", O_CREAT | O_WRONLY);
    stat("/m/a", &below);
    SAY(mount("source", "/m/a", "tmpfs", 0, "size=1m,mode=750,uid=5,gid=6"));
    stat("/m/a", &above);
    printf("mode %o, owner %d:%d, other device %d, inode differs %d\n", above.st_mode, above.st_uid, above.st_gid,
           above.st_dev != below.st_dev, above.st_ino != below.st_ino || above.st_dev != below.st_dev);
    SAY(access("/m/a/below", F_OK));
    show_statfs("/m/a", 1);
    show_mounts("/m/");
    SAY(opens("/m/a/one", O_CREAT | O_WRONLY));
    SAY(rename("/m/a/one", "/m/one"));
    SAY(link("/m/a/one", "/m/one"));
    SAY(rmdir("/m/a"));
    SAY(rename("/m/a", "/m/b2"));
    SAY(chdir("/m/a"));
    SAY(umount2("/m/a", 0));
    SAY(chdir("/"));
    int fd = open("/m/a/one", O_RDONLY);
    SAY(umount2("/m/a", 0));
    close(fd);
    fd = open("/m/a/one", O_RDWR);
    SAY(ftruncate(fd, 4096));
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    SAY(umount2("/m/a", 0));
    munmap(map, 4096);
    SAY(umount2("/m/a", MNT_EXPIRE));
    SAY(umount2("/m/a", MNT_EXPIRE));
    SAY(access("/m/a/below", F_OK));
    SAY(access("/m/a/one", F_OK));
    SAY(umount2("/m/a", 0));
    show_mounts("/m/");
    SAY(unlink("/m/a/below"));
}

static void full(void)
{
    static char buf[65536];
    long n, total = 0;
    printf("-- full\n");
    SAY(mount("none", "/m/a", "tmpfs", 0, "size=256k"));
    int fd = open("/m/a/big", O_CREAT | O_WRONLY, 0644);
    while ((n = write(fd, buf, sizeof(buf))) > 0)
        total += n;
    printf("%ld bytes, then %s\n", total, why(n));
    show_statfs("/m/a", 1);
    SAY(ftruncate(fd, 0));
    show_statfs("/m/a", 1);
    close(fd);
    SAY(umount("/m/a"));
}

static void stacked(void)
{
    printf("-- stacked\n");
    SAY(mount("lower", "/m/a", "tmpfs", 0, NULL));
    SAY(mkdir("/m/a/inner", 0755));
    SAY(mount("inner", "/m/a/inner", "tmpfs", 0, NULL));
    SAY(umount2("/m/a", 0));
    SAY(chdir("/m/a/inner"));
    SAY(chdir(".."));
    SAY(access("inner", F_OK));
    SAY(chdir("/"));
    SAY(mount("upper", "/m/a", "tmpfs", 0, NULL));
    SAY(access("/m/a/inner", F_OK));
    show_mounts("/m/");
    SAY(umount2("/m/a", 0));
    SAY(access("/m/a/inner", F_OK));
    SAY(opens("/m/a/inner/kept", O_CREAT | O_WRONLY));
    int fd = open("/m/a/inner/kept", O_RDWR), dir = open("/m/a", O_RDONLY | O_DIRECTORY);
    SAY(umount2("/m/a", MNT_DETACH));
    SAY(access("/m/a/inner", F_OK));
    show_mounts("/m/");
    SAY(write(fd, "x", 1) == 1 ? 0 : -1);
    SAY(faccessat(dir, "inner", F_OK, 0));
    SAY(faccessat(dir, "inner/kept", F_OK, 0));
    SAY(mkdirat(dir, "more", 0755));
    SAY(faccessat(dir, "..", F_OK, 0));
    close(fd);
    close(dir);
    SAY(mount("again", "/m/a", "tmpfs", 0, NULL));
    SAY(symlink("/m/a", "/m/link"));
    SAY(umount2("/m/link", UMOUNT_NOFOLLOW));
    SAY(umount2("/m/link", 0));
    SAY(unlink("/m/link"));
}

static void many_names(void)
{
    char path[300];
    printf("-- a tree\n");
    SAY(mount("none", "/m/a", "tmpfs", 0, NULL));
    chdir("/m/a");
    for (int i = 0; i < 300; i++) {
        mkdir("deep", 0755);
        opens("deep/file", O_CREAT | O_WRONLY);
        sprintf(path, "/m/a/link-%d", i);
        link("deep/file", path);
        chdir("deep");
    }
    chdir("/");
    SAY(umount("/m/a"));
    SAY(access("/m/a/deep", F_OK));
}

static void read_only(void)
{
    struct timeval now[2] = { 0 };
    struct flock lock = { .l_type = F_RDLCK };
    printf("-- read-only\n");
    SAY(mount("none", "/m/a", "tmpfs", MS_NOSUID, NULL));
    SAY(mkdir("/m/a/dir", 0755));
    SAY(opens("/m/a/file", O_CREAT | O_WRONLY));
    SAY(mkfifo("/m/a/fifo", 0644));
    int fd = open("/m/a/file", O_WRONLY);
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    close(fd);
    SAY(mount(NULL, "/m/a/dir", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    show_mounts("/m/");
    show_statfs("/m/a", 0);
    SAY(mkdir("/m/a/new", 0755));
    SAY(mkdir("/m/a/dir", 0755));
    SAY(rmdir("/m/a/dir"));
    SAY(rmdir("/m/a/none"));
    SAY(rmdir("/m/a/dir/."));
    SAY(unlink("/m/a/file"));
    SAY(unlink("/m/a/none"));
    SAY(rename("/m/a/file", "/m/a/other"));
    SAY(rename("/m/a/none", "/m/a/other"));
    SAY(rename("/m/a/file", "/m/other"));
    SAY(link("/m/a/file", "/m/a/other"));
    SAY(link("/m/a/file", "/m/a/dir"));
    SAY(symlink("x", "/m/a/other"));
    SAY(mknod("/m/a/node", S_IFREG | 0644, 0));
    SAY(opens("/m/a/file", O_RDONLY));
    SAY(opens("/m/a/file", O_WRONLY));
    SAY(opens("/m/a/file", O_RDWR));
    SAY(opens("/m/a/file", O_RDONLY | O_TRUNC));
    SAY(opens("/m/a/file", O_RDONLY | O_CREAT));
    SAY(opens("/m/a/file", O_RDONLY | O_CREAT | O_EXCL));
    SAY(opens("/m/a/none", O_RDONLY | O_CREAT));
    SAY(opens("/m/a/none", O_RDONLY));
    SAY(opens("/m/a/dir", O_WRONLY));
    SAY(opens("/m/a", O_TMPFILE | O_RDWR));
    SAY(opens("/m/a/fifo", O_RDWR | O_NONBLOCK));
    SAY(chmod("/m/a/file", 0600));
    SAY(chown("/m/a/file", 1, 1));
    SAY(truncate("/m/a/file", 0));
    SAY(utimes("/m/a/file", now));
    SAY(setxattr("/m/a/file", "trusted.x", "y", 1, 0));
    SAY(access("/m/a/file", W_OK));
    SAY(access("/m/a/file", R_OK));
    SAY(access("/m/a/dir", W_OK));
    SAY(access("/m/a/fifo", W_OK));
    fd = open("/m/a/file", O_RDONLY);
    SAY(fchmod(fd, 0600));
    SAY(futimes(fd, now));
    SAY(fcntl(fd, F_SETLK, &lock));
    close(fd);
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT, NULL));
    show_mounts("/m/");
    SAY(opens("/m/a/file", O_WRONLY));
    SAY(umount("/m/a"));
    SAY(mount("none", "/m/a", "tmpfs", MS_RDONLY, NULL));
    SAY(mkdir("/m/a/new", 0755));
    SAY(umount("/m/a"));
}

static void no_exec_no_dev(void)
{
    int status, fd;
    static char buf[1 << 20];
    printf("-- noexec, nodev\n");
    SAY(mount("none", "/m/a", "tmpfs", MS_NOEXEC | MS_NODEV, NULL));
    show_mounts("/m/");
    show_statfs("/m/a", 0);
    SAY(mknod("/m/a/null", S_IFCHR | 0666, makedev(1, 3)));
    SAY(opens("/m/a/null", O_RDWR));
    SAY(opens("/m/a/null", O_PATH));
    fd = open("/proc/self/exe", O_RDONLY);
    int to = open("/m/a/program", O_CREAT | O_WRONLY, 0755);
    for (long n; (n = read(fd, buf, sizeof(buf))) > 0;)
        if (write(to, buf, n) != n)
            break;
    close(fd);
    close(to);
    SAY(access("/m/a/program", X_OK));
    pid_t child = vfork();
    if (child == 0) {
        execl("/m/a/program", "program", "child", NULL);
        _exit(errno);
    }
    waitpid(child, &status, 0);
    errno = WEXITSTATUS(status);
    printf("exec: %s\n", why(errno ? -1 : 0));
    fd = open("/m/a/program", O_RDONLY);
    SAY(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    SAY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
    close(fd);
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT | MS_NODEV, NULL));
    SAY(access("/m/a/program", X_OK));
    SAY(umount2("/m/a", MNT_DETACH));
}

static void nobody(void)
{
    printf("-- without the right to\n");
    SAY(mount("none", "/m/a", "tmpfs", 0, NULL));
    SAY(setresuid(1000, 1000, 1000));
    SAY(mount("none", "/m/a", "tmpfs", 0, NULL));
    SAY(mount("none", "/m/a", "nosuchfs", 0, NULL));
    SAY(mount("none", "/m/none", "tmpfs", 0, NULL));
    SAY(mount(NULL, "/m/a", NULL, MS_REMOUNT | MS_RDONLY, NULL));
    SAY(umount("/m/a"));
    SAY(umount("/m"));
    SAY(umount2("/m/a", 64));
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (unshare(CLONE_NEWNS) == 0) // Linux: nothing of this is to be seen outside
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    if (access("/proc/self", F_OK) != 0) {
        mkdir("/proc", 0755);
        mount("proc", "/proc", "proc", 0, NULL);
    }
    mkdir("/m", 0755);
    mkdir("/m/a", 0755);
    opens("/m/file", O_CREAT | O_WRONLY);
    arguments();
    plain();
    full();
    stacked();
    many_names();
    read_only();
    no_exec_no_dev();
    nobody();
    return 0;
}
