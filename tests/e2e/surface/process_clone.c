// SPDX-License-Identifier: BSD-3-Clause
// clone(2), clone3(2), vfork, execve errors, pidfds.
#include "surface.h"

#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>

static long clone3(void *args, size_t size) { return syscall(SYS_clone3, args, size); }
static char stack[65536] __attribute__((aligned(16)));
CASE(clone_flags)
{
    SEE(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_THREAD | CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_FS | CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_PIDFD | CLONE_DETACHED | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, bad, 0, 0));
    SEE(syscall(SYS_clone, CLONE_NEWUSER | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
    SEE(syscall(SYS_clone, CLONE_NEWPID | CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, stack + 65536, 0, 0, 0));
}
CASE(clone3_arguments)
{
    struct {
        struct clone_args args;
        uint64_t more[2];
    } a = { .args = { .exit_signal = SIGCHLD } };
    SEE(clone3(&a, 0));
    SEE(clone3(&a, 63));
    SEE(clone3(&a, 8192));
    SEE(clone3(bad, 88));
    SEE(clone3(NULL, 88));
    a.more[0] = 1;
    SEE(clone3(&a, sizeof(a)));
    a.more[0] = 0;
    a.args.exit_signal = 65;
    SEE(clone3(&a, 88));
    a.args.exit_signal = 1ul << 32;
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .stack = (uintptr_t)stack };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .stack_size = 4096 };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .stack = (uintptr_t)bad + (1ul << 47), .stack_size = 4096 };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = CLONE_DETACHED };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = 0x10 };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = CLONE_THREAD | CLONE_SIGHAND | CLONE_VM };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = CLONE_PIDFD, .pidfd = (uintptr_t)bad };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .flags = CLONE_PARENT_SETTID | CLONE_NEWNS | CLONE_FS };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .set_tid_size = 1 };
    SEE(clone3(&a, 88));
    a.args = (struct clone_args){ .exit_signal = SIGCHLD, .set_tid_size = 33, .set_tid = (uintptr_t)stack };
    SEE(clone3(&a, 88));
}
CASE(clone3_pidfd)
{
    int fd = -1, tid = -1;
    siginfo_t info;
    struct clone_args a = { .exit_signal = SIGCHLD,
                            .flags = CLONE_PIDFD | CLONE_PARENT_SETTID,
                            .pidfd = (uintptr_t)&fd,
                            .parent_tid = (uintptr_t)&tid };
    fflush(stdout);
    long pid = clone3(&a, sizeof(a));
    if (!pid)
        _exit(6);
    tell("tid %d cloexec %d flags %o", tid == pid, fcntl(fd, F_GETFD), fcntl(fd, F_GETFL));
    SEE(waitid(P_PIDFD, fd, &info, WEXITED));
    tell("status %d", info.si_status);
    SEE(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    struct pollfd p = { fd, POLLIN };
    SEE(poll(&p, 1, 0));
    tell("%x", p.revents);
}
static int exit_7(void *arg) { _exit(7); }
CASE(exit_signals)
{
    int status;
    fflush(stdout);
    long pid = syscall(SYS_clone, 0, 0, 0, 0, 0); // none
    if (!pid)
        _exit(2);
    SEE(waitpid(pid, &status, WNOHANG | 0));
    SEE(waitpid(pid, &status, 0));
    SEE(waitpid(pid, &status, __WCLONE) == pid);
    tell("%s", status_text(status));
    signal(SIGUSR1, SIG_IGN);
    pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
    if (!pid)
        _exit(2);
    SEE(waitpid(pid, &status, __WALL) == pid);
    tell("%s", status_text(status));
    signal(SIGUSR1, SIG_DFL);
}
CASE(shared_by_flags)
{
    file_with("f", "0123456789");
    int fd = open("f", O_RDONLY), status;
    mkdir("d", 0755);
    fflush(stdout);
    long pid = syscall(SYS_clone, CLONE_FILES | CLONE_FS | SIGCHLD, 0, 0, 0, 0);
    if (!pid) {
        close(fd);
        chdir("d");
        umask(0);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    SEE(fcntl(fd, F_GETFD));
    SEE(access("../f", F_OK));
    tell("%o", umask(022));
    chdir("..");
}
CASE(vfork_shares_memory)
{
    volatile int seen = 0, status;
    fflush(stdout);
    pid_t pid = vfork();
    if (!pid) {
        seen = 5;
        _exit(3);
    }
    tell("seen %d", seen);
    waitpid(pid, (int *)&status, 0);
    tell("%s", status_text(status));
}
CASE(exec_errors)
{
    char *argv[] = { "x", NULL }, *none[] = { NULL };
    mkdir("d", 0755);
    file_with("f", "not a program\n");
    file_with("e", "");
    chmod("e", 0755);
    file_with("s", "#!/none/interpreter\n");
    chmod("s", 0755);
    file_with("t", "#!\n");
    chmod("t", 0755);
    file_with("u", "\177ELFgarbage that is no header at all, just long enough to be looked at by somebody");
    chmod("u", 0755);
    symlink("loop", "loop");
    SEE(execve("none", argv, NULL));
    SEE(execve("", argv, NULL));
    SEE(execve("f", argv, NULL));
    SEE(execve("d", argv, NULL));
    SEE(execve("f/x", argv, NULL));
    SEE(execve("e", argv, NULL));
    SEE(execve("s", argv, NULL));
    SEE(execve("t", argv, NULL));
    SEE(execve("u", argv, NULL));
    SEE(execve("loop", argv, NULL));
    SEE(execve(long_name, argv, NULL));
    SEE(execve(long_path, argv, NULL));
    SEE(execve(bad, argv, NULL));
    SEE(execve("/proc/self/exe", (char **)bad, NULL));
    SEE(execve("/proc/self/exe", argv, (char **)bad));
    char *wrong[] = { bad, NULL };
    SEE(execve("/proc/self/exe", wrong, NULL));
    chmod("f", 0755);
    SEE(execve("f", argv, NULL));
    int fd = open("f", O_WRONLY);
    SEE(execve("f", argv, NULL));
    SEE(execve("/dev/null", argv, NULL));
}
CASE(execveat_errors)
{
    char *argv[] = { "x", NULL };
    file_with("f", "x");
    chmod("f", 0755);
    symlink("f", "l");
    int d = open(".", O_RDONLY | O_DIRECTORY), f = open("f", O_RDONLY);
    SEE(syscall(SYS_execveat, -1, "f", argv, NULL, 0));
    SEE(syscall(SYS_execveat, f, "x", argv, NULL, 0));
    SEE(syscall(SYS_execveat, d, "", argv, NULL, 0));
    SEE(syscall(SYS_execveat, d, "", argv, NULL, AT_EMPTY_PATH));
    SEE(syscall(SYS_execveat, f, "", argv, NULL, AT_EMPTY_PATH));
    SEE(syscall(SYS_execveat, d, "f", argv, NULL, 0x8000));
    SEE(syscall(SYS_execveat, d, "l", argv, NULL, AT_SYMLINK_NOFOLLOW));
    SEE(syscall(SYS_execveat, d, "none", argv, NULL, 0));
    SEE(syscall(SYS_execveat, d, bad, argv, NULL, 0));
}
static void nobody_execs(void)
{
    char *argv[] = { "x", NULL };
    SEE(execve("f", argv, NULL));
    SEE(execve("d/f", argv, NULL));
}
CASE(exec_as_nobody)
{
    file_with("f", "x");
    chmod("f", 0700);
    mkdir("d", 0700);
    as_nobody(nobody_execs);
}
CASE(pidfd_arguments)
{
    SEE(syscall(SYS_pidfd_open, 0, 0));
    SEE(syscall(SYS_pidfd_open, -1, 0));
    SEE(syscall(SYS_pidfd_open, 999999, 0));
    SEE(syscall(SYS_pidfd_open, getpid(), 1));
    int fd = syscall(SYS_pidfd_open, getpid(), 0);
    see_good("pidfd_open", fd);
    SEE(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    SEE(syscall(SYS_pidfd_send_signal, fd, 65, NULL, 0));
    SEE(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x100));
    SEE(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0));
    SEE(syscall(SYS_pidfd_send_signal, 0, 0, NULL, 0));
    SEE(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, bad, 0));
    siginfo_t info = { .si_signo = SIGUSR2, .si_code = SI_QUEUE };
    SEE(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0));
    SEE(syscall(SYS_pidfd_getfd, fd, 999, 0));
    SEE(syscall(SYS_pidfd_getfd, fd, 0, 1));
    SEE(syscall(SYS_pidfd_getfd, 0, 0, 0));
    SEE(syscall(SYS_pidfd_getfd, -1, 0, 0));
    GOOD(syscall(SYS_pidfd_getfd, fd, 0, 0));
    char c;
    SEE(read(fd, &c, 1));
    SEE(write(fd, &c, 1));
}
CASE(set_tid_address)
{
    int where = 1;
    SEE(syscall(SYS_set_tid_address, &where) == gettid());
    SEE(syscall(SYS_set_tid_address, bad) == gettid());
    SEE(syscall(SYS_set_tid_address, NULL) == gettid());
}
