// SPDX-License-Identifier: BSD-3-Clause
// What a noexec mount refuses, and who may touch which extended attribute: prints what it saw, natively and inside the
// same (test_mount.py).
#include <sys/mount.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <unistd.h>
#include <fcntl.h>
static const char *why(long r) { return r >= 0 ? "ok" : strerrorname_np(errno); }
#define SAY(c) printf("%s: %s\n", #c, why((long)(c)))
int main(void)
{
    setvbuf(stdout, 0, _IOLBF, 0);
    mkdir("/nx", 0755);
    SAY(mount("none", "/nx", "tmpfs", MS_NOEXEC, 0));
    int fd = open("/nx/f", O_CREAT | O_RDWR, 0755);
    write(fd, "#!/bin/sh\n", 10);
    ftruncate(fd, 8192);
    void *m;
    SAY(m = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
    SAY(m = mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0));
    SAY(m = mmap(0, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
    SAY(mprotect(m, 4096, PROT_READ | PROT_EXEC));
    SAY(m = mmap(0, 4096, PROT_READ, MAP_SHARED, fd, 0));
    SAY(mprotect(m, 4096, PROT_READ | PROT_EXEC));
    SAY(mprotect(m, 4096, PROT_NONE));
    SAY(mprotect(m, 4096, PROT_READ));
    close(fd);
    SAY(mprotect(m, 4096, PROT_EXEC));
    SAY(mount("none", "/nx", "tmpfs", MS_REMOUNT, 0));
    SAY(mprotect(m, 4096, PROT_READ | PROT_EXEC));
    SAY(mount("none", "/nx", "tmpfs", MS_REMOUNT | MS_NOEXEC, 0));
    SAY(mprotect(m, 4096, PROT_READ | PROT_EXEC));
    fd = open("/nx/f", O_RDONLY);
    SAY(execl("/nx/f", "f", NULL));
    SAY(mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    // xattr permissions
    int x = open("/xf", O_CREAT | O_RDWR, 0644);
    mkdir("/xd", 01777);
    mkdir("/xdd", 0777);
    chmod("/xd", 01777);
    chmod("/xdd", 0777);
    int y = open("/xo", O_CREAT | O_RDWR, 0600);
    close(y);
    chown("/xo", 1000, 1000);
    chmod("/xo", 0444);
    SAY(setxattr("/xf", "user.a", "1", 1, 0));
    SAY(setxattr("/xf", "trusted.a", "1", 1, 0));
    SAY(setxattr("/xf", "security.foo", "1", 1, 0));
    SAY(setxattr("/xf", "security.capability", "1", 1, 0));
    SAY(setxattr("/xf", "system.foo", "1", 1, 0));
    SAY(setxattr("/xf", "other.foo", "1", 1, 0));
    SAY(setxattr("/xd", "user.a", "1", 1, 0));
    fflush(stdout);
    if (fork() == 0) {
        char b[200];
        setgid(1000);
        setuid(1000);
        printf("-- as 1000\n");
        SAY(getxattr("/xf", "user.a", b, 100));
        SAY(setxattr("/xf", "user.a", "2", 1, 0));
        SAY(removexattr("/xf", "user.a"));
        SAY(getxattr("/xf", "trusted.a", b, 100));
        SAY(setxattr("/xf", "trusted.a", "2", 1, 0));
        SAY(removexattr("/xf", "trusted.a"));
        SAY(getxattr("/xf", "security.foo", b, 100));
        SAY(setxattr("/xf", "security.foo", "2", 1, 0));
        SAY(removexattr("/xf", "security.foo"));
        SAY(setxattr("/xf", "user.none", "2", 1, XATTR_REPLACE));
        SAY(removexattr("/xf", "user.none"));
        printf("list %ld\n", (long)listxattr("/xf", b, 200));
        SAY(listxattr("/xf", b, 19));
        SAY(setxattr("/xd", "user.a", "2", 1, 0));
        SAY(setxattr("/xdd", "user.a", "2", 1, 0));
        SAY(setxattr("/xo", "user.a", "2", 1, 0));
        SAY(chmod("/xo", 0200));
        SAY(getxattr("/xo", "user.a", b, 100));
        SAY(setxattr("/xo", "user.a", "3", 1, 0));
        SAY(listxattr("/xo", b, 200));
        SAY(setxattr("/xo", "security.foo", "2", 1, 0));
        SAY(getxattr("/xo", "user.zzz", b, 100));
        fd = open("/xf", O_RDONLY);
        SAY(fsetxattr(fd, "user.b", "2", 1, 0));
        SAY(fgetxattr(fd, "user.a", b, 10));
        SAY(setxattr("/none", "user.a", "1", 1, 0));
        SAY(setxattr("/xf", "other.foo", "1", 1, 0));
        SAY(getxattr("/xf", "other.foo", b, 1));
        SAY(getxattr("/xf", "system.foo", b, 1));
        SAY(symlink("/xf", "/xdd/l"));
        SAY(lsetxattr("/xdd/l", "user.a", "1", 1, 0));
        SAY(lsetxattr("/xdd/l", "trusted.a", "1", 1, 0));
        SAY(lgetxattr("/xdd/l", "user.a", b, 1));
        SAY(mkfifo("/xdd/p", 0666));
        SAY(setxattr("/xdd/p", "user.a", "1", 1, 0));
        SAY(getxattr("/xdd/p", "user.a", b, 1));
        _exit(0);
    }
    wait(0);
    fd = open("/xf", O_RDONLY);
    SAY(fsetxattr(fd, "user.b", "2", 1, 0));
    fd = open("/xf", O_PATH);
    SAY(fsetxattr(fd, "user.b", "2", 1, 0));
    SAY(umount2("/nx", MNT_DETACH));
    return 0;
}
