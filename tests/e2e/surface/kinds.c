// SPDX-License-Identifier: BSD-3-Clause
// Files of a user without rights, sticky folders, leases, whiteouts, comparing, barriers, native asynchronous I/O.
#include "surface.h"

#include <linux/aio_abi.h>
#include <linux/kcmp.h>
#include <linux/membarrier.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static void nobody_opens(void)
{
    SEE(open("secret", O_RDONLY));
    SEE(open("secret", O_WRONLY | O_TRUNC));
    SEE(open("private/x", O_RDONLY));
    SEE(open("new", O_CREAT | O_RDWR, 0600));
    SEE(stat("secret", &(struct stat){ 0 }));
    SEE(stat("private/x", &(struct stat){ 0 }));
    SEE(access("secret", R_OK));
    SEE(access("private", X_OK));
    SEE(chmod("secret", 0777));
    SEE(chown("secret", 65534, 65534));
    SEE(truncate("secret", 0));
    SEE(unlink("secret"));
    SEE(rename("secret", "other"));
    SEE(mkdir("folder", 0755));
    SEE(rmdir("private"));
    SEE(link("secret", "other"));
    SEE(symlink("x", "other"));
    SEE(chdir("private"));
    SEE(readlink("private/l", (char[8]){ 0 }, 8));
    SEE(utimensat(AT_FDCWD, "secret", NULL, 0));
    SEE(utimensat(AT_FDCWD, "secret", (struct timespec[2]){ { 1 }, { 1 } }, 0));
    SEE(setxattr("secret", "user.a", "b", 1, 0));
    SEE(getxattr("secret", "user.a", NULL, 0));
    SEE(mkfifo("fifo", 0600));
    SEE(open("public", O_RDONLY | O_NOATIME));
    SEE(open("/proc/1/environ", O_RDONLY));
}
CASE(files_of_others)
{
    file_with("secret", "x");
    file_with("public", "x");
    chmod("secret", 0600);
    mkdir("private", 0700);
    file_with("private/x", "x");
    symlink("x", "private/l");
    as_nobody(nobody_opens);
}
static void nobody_in_sticky(void)
{
    SEE(unlink("t/root"));
    SEE(rename("t/root", "t/mine"));
    SEE(open("t/mine", O_CREAT | O_RDWR, 0600) >= 0);
    SEE(rename("t/mine", "t/root"));
    SEE(rename("t/mine", "t/own"));
    SEE(unlink("t/own"));
    SEE(rmdir("t/folder"));
}
CASE(sticky_folders)
{
    mkdir("t", 0777);
    chmod("t", 01777);
    file_with("t/root", "x");
    mkdir("t/folder", 0777);
    as_nobody(nobody_in_sticky);
}
static void nobody_owns(void)
{
    struct stat st;
    SEE(chmod("f", 06755));
    stat("f", &st);
    tell("%o", st.st_mode);
    int fd = open("f", O_RDWR);
    SEE(write(fd, "y", 1));
    stat("f", &st);
    tell("%o", st.st_mode);
    SEE(chown("f", 65534, 65534));
    SEE(chown("f", 65534, 0));
    SEE(chown("f", 0, -1));
    SEE(chown("f", -1, -1));
    SEE(chmod("f", 02755));
    SEE(chown("f", -1, 65534));
    stat("f", &st);
    tell("%o", st.st_mode);
}
CASE(own_files)
{
    file_with("f", "x");
    chmod(".", 0777);
    chown("f", 65534, 65534);
    as_nobody(nobody_owns);
}
CASE(whiteouts)
{
    struct stat st;
    file_with("f", "x");
    mkdir("d", 0755);
    SEE(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 4));
    SEE(lstat("f", &st));
    tell("%o %d", st.st_mode, (int)st.st_rdev);
    SEE(access("g", F_OK));
    SEE(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 4 | 2));
    SEE(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 4 | 1));
    SEE(syscall(SYS_renameat2, AT_FDCWD, "d", AT_FDCWD, "e", 4));
    SEE(lstat("d", &st));
    tell("%o", st.st_mode);
    SEE(syscall(SYS_renameat2, AT_FDCWD, "g", AT_FDCWD, "h", 8));
}
static void nobody_whiteout(void) { SEE(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g", 4)); }
CASE(whiteouts_as_nobody)
{
    file_with("f", "x");
    chmod(".", 0777);
    as_nobody(nobody_whiteout);
}
CASE(leases_of_files)
{
    signal(SIGIO, SIG_IGN);
    file_with("f", "x");
    int r = open("f", O_RDONLY);
    SEE(fcntl(r, F_SETLEASE, F_WRLCK));
    SEE(fcntl(r, F_GETLEASE));
    SEE(fcntl(r, F_SETLEASE, F_UNLCK));
    SEE(fcntl(r, F_SETLEASE, F_UNLCK));
    SEE(fcntl(r, F_SETLEASE, F_RDLCK));
    SEE(open("f", O_WRONLY | O_NONBLOCK));
    SEE(fcntl(r, F_GETLEASE));
    int fds[2];
    pipe(fds);
    SEE(fcntl(fds[0], F_SETLEASE, F_RDLCK));
    SEE(fcntl(open(".", O_RDONLY), F_SETLEASE, F_RDLCK));
    close(r);
    int w = open("f", O_RDWR);
    SEE(fcntl(w, F_SETLEASE, F_WRLCK));
    SEE(fcntl(w, F_SETLEASE, F_RDLCK));
    SEE(fcntl(w, F_GETLEASE));
    SEE(fcntl(-1, F_SETLEASE, F_RDLCK));
    signal(SIGIO, SIG_DFL);
}
static long kcmp(int a, int b, int type, long i, long j) { return syscall(SYS_kcmp, a, b, type, i, j); }
CASE(kernel_objects_compared)
{
    int me = getpid();
    file_with("f", "x");
    int fd = open("f", O_RDONLY), twin = dup(fd), other = open("f", O_RDONLY);
    SEE(kcmp(me, me, KCMP_FILE, fd, twin));
    tell("%d", kcmp(me, me, KCMP_FILE, fd, other) > 0);
    SEE(kcmp(me, me, KCMP_FILE, fd, 999));
    SEE(kcmp(me, me, KCMP_FILE, -1, fd));
    SEE(kcmp(me, me, KCMP_VM, 0, 0));
    SEE(kcmp(me, me, KCMP_FILES, 0, 0));
    SEE(kcmp(me, me, KCMP_FS, 0, 0));
    SEE(kcmp(me, me, KCMP_SIGHAND, 0, 0));
    SEE(kcmp(me, me, KCMP_IO, 0, 0));
    SEE(kcmp(me, me, KCMP_SYSVSEM, 0, 0));
    SEE(kcmp(me, me, 99, 0, 0));
    SEE(kcmp(me, me, -1, 0, 0));
    SEE(kcmp(999999, me, KCMP_VM, 0, 0));
    SEE(kcmp(me, 999999, KCMP_VM, 0, 0));
    tell("%d", kcmp(me, getppid(), KCMP_VM, 0, 0) > 0);
    tell("%d", kcmp(me, getppid(), KCMP_FILES, 0, 0) > 0);
}
static void nobody_compares(void) { SEE(kcmp(getpid(), getppid(), KCMP_VM, 0, 0)); }
CASE(compared_as_nobody) { as_nobody(nobody_compares); }
CASE(barriers_refused)
{
    SEE(syscall(SYS_membarrier, -1, 0, 0));
    SEE(syscall(SYS_membarrier, 1 << 20, 0, 0));
    SEE(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 1, 0));
    tell("%d", syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
}
CASE(system_calls_for_root)
{
    SEE(syscall(SYS_syslog, 99, NULL, 0));
    SEE(syscall(SYS_syslog, 3, NULL, 0));
    SEE(syscall(SYS_syslog, 3, bad, -1));
    SEE(syscall(SYS_unshare, 0));
    SEE(syscall(SYS_unshare, 1));
    SEE(syscall(SYS_unshare, 0x100));
    SEE(syscall(SYS_setns, -1, 0));
    SEE(syscall(SYS_restart_syscall));
}
static void nobody_asks(void)
{
    SEE(syscall(SYS_syslog, 4, NULL, 0));
    SEE(syscall(SYS_syslog, 5, NULL, 0));
    SEE(syscall(SYS_syslog, 8, NULL, 7));
    SEE(syscall(SYS_unshare, 0x00020000));
}
CASE(system_calls_for_nobody) { as_nobody(nobody_asks); }
CASE(asynchronous_setup)
{
    aio_context_t id = 0;
    SEE(syscall(SYS_io_setup, 0, &id));
    SEE(syscall(SYS_io_setup, 4, bad));
    SEE(syscall(SYS_io_setup, -1, &id));
    SEE(syscall(SYS_io_setup, 4, &id));
    SEE(syscall(SYS_io_setup, 4, &id));
    SEE(syscall(SYS_io_getevents, 0, 0, 0, NULL, NULL));
    SEE(syscall(SYS_io_getevents, id, 0, 1, bad, &(struct timespec){ 0, 0 }));
    SEE(syscall(SYS_io_getevents, id, -1, 1, NULL, NULL));
    SEE(syscall(SYS_io_getevents, id, 2, 1, NULL, NULL));
    SEE(syscall(SYS_io_submit, 0, 0, NULL));
    SEE(syscall(SYS_io_submit, id, -1, NULL));
    SEE(syscall(SYS_io_submit, id, 0, NULL));
    SEE(syscall(SYS_io_submit, id, 1, bad));
    SEE(syscall(SYS_io_cancel, 0, NULL, NULL));
    SEE(syscall(SYS_io_destroy, 0));
    SEE(syscall(SYS_io_destroy, id));
    SEE(syscall(SYS_io_destroy, id));
}
CASE(asynchronous_requests)
{
    aio_context_t id = 0;
    char buf[16] = { 0 };
    struct io_event e[4];
    if (syscall(SYS_io_setup, 4, &id)) {
        tell("none: %s", strerrorname_np(errno));
        return;
    }
    file_with("f", "0123456789");
    int fd = open("f", O_RDWR);
    struct iocb r = { .aio_data = 77,
                      .aio_lio_opcode = IOCB_CMD_PREAD,
                      .aio_fildes = fd,
                      .aio_buf = (uintptr_t)buf,
                      .aio_nbytes = 4,
                      .aio_offset = 2 },
                w = { .aio_data = 78,
                      .aio_lio_opcode = IOCB_CMD_PWRITE,
                      .aio_fildes = fd,
                      .aio_buf = (uintptr_t) "abc",
                      .aio_nbytes = 3,
                      .aio_offset = 8 },
                *list[] = { &r, &w }, *one[] = { &r };
    SEE(syscall(SYS_io_submit, id, 2, list));
    SEE(syscall(SYS_io_getevents, id, 2, 4, e, NULL));
    for (int i = 0; i < 2; i++)
        if (e[i].data == 77 || e[i].data == 78)
            tell("%s %d", e[i].data == 77 ? "read" : "write", (int)e[i].res);
    tell("%s %s", buf, contents("f"));
    SEE(syscall(SYS_io_getevents, id, 0, 4, e, NULL));
    r.aio_lio_opcode = 99;
    SEE(syscall(SYS_io_submit, id, 1, one));
    r.aio_lio_opcode = IOCB_CMD_PREAD;
    r.aio_fildes = -1;
    SEE(syscall(SYS_io_submit, id, 1, one));
    r.aio_fildes = open("f", O_WRONLY);
    SEE(syscall(SYS_io_submit, id, 1, one));
    r.aio_fildes = fd;
    r.aio_reserved2 = 1;
    SEE(syscall(SYS_io_submit, id, 1, one));
    r.aio_reserved2 = 0;
    r.aio_buf = (uintptr_t)bad;
    long n = syscall(SYS_io_submit, id, 1, one);
    see("io_submit to a bad place", n);
    if (n == 1) {
        syscall(SYS_io_getevents, id, 1, 1, e, NULL);
        tell("%d", (int)e[0].res);
    }
    SEE(syscall(SYS_io_cancel, id, &r, e));
    SEE(syscall(SYS_io_destroy, id));
}
