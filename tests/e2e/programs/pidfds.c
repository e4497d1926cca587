// SPDX-License-Identifier: BSD-3-Clause
// pidfds, clone3 and waitid, as Linux answers.
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "told.h"

#define YES(call) printf("%s: %s\n", #call, (call) ? "yes" : "no")

static int pidfd_open(pid_t pid, unsigned flags) { return syscall(SYS_pidfd_open, pid, flags); }
static int pidfd_send(int fd, int sig, siginfo_t *info, unsigned flags)
{
    return syscall(SYS_pidfd_send_signal, fd, sig, info, flags);
}
static int pidfd_getfd(int fd, int other, unsigned flags) { return syscall(SYS_pidfd_getfd, fd, other, flags); }
static long clone3(struct clone_args *args, size_t size) { return syscall(SYS_clone3, args, size); }

static pid_t sleeper(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    return pid;
}

static int readable(int fd, int timeout)
{
    struct pollfd p = { fd, POLLIN, 0 };
    poll(&p, 1, timeout);
    return p.revents;
}

static void opening(void)
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0), flags = fcntl(fd, F_GETFD), status = fcntl(fd, F_GETFL);
    siginfo_t info;
    char buf[8];

    printf("flags %d %o\n", flags, status & ~O_LARGEFILE & O_ACCMODE);
    TELL(pidfd_open(0, 0));
    TELL(pidfd_open(-1, 0));
    TELL(pidfd_open(pid, 1));
    TELL(pidfd_open(99999, 0));
    TELL(read(fd, buf, 8));
    TELL(write(fd, buf, 8));
    TELL(readable(fd, 0));
    TELL(pidfd_send(fd, 0, NULL, 0));
    TELL(pidfd_send(fd, 0, NULL, 1 << 10));
    TELL(pidfd_send(fd, 99, NULL, 0));
    TELL(pidfd_send(1, 0, NULL, 0));
    TELL(pidfd_send(77, 0, NULL, 0));
    memset(&info, 0, sizeof(info));
    info.si_signo = SIGTERM;
    info.si_code = SI_USER;
    TELL(pidfd_send(fd, SIGTERM, &info, 0));
    info.si_code = SI_QUEUE;
    info.si_signo = SIGINT;
    TELL(pidfd_send(fd, SIGTERM, &info, 0));
    info.si_signo = SIGTERM;
    TELL(pidfd_send(fd, SIGTERM, &info, 0));
    TELL(readable(fd, -1));
    TELL(pidfd_send(fd, SIGTERM, NULL, 0)); // a zombie still is a process
    memset(&info, 0, sizeof(info));
    TELL(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
    printf("%d %d %d\n", info.si_pid == pid, info.si_code, info.si_status);
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    TELL(pidfd_send(fd, 0, NULL, 0));
    YES(readable(fd, 0) & POLLIN);
    TELL(pidfd_getfd(fd, 0, 0));
    TELL(waitid(P_PIDFD, 1, &info, WEXITED));
    TELL(waitid(P_PIDFD, 77, &info, WEXITED));
    TELL(waitid(P_PIDFD, -1, &info, WEXITED));
    TELL(waitid(P_PID, 0, &info, WEXITED));
    TELL(waitid(P_PGID, -1, &info, WEXITED));
    TELL(waitid(9, 0, &info, WEXITED));
    TELL(waitid(P_ALL, 0, &info, WNOHANG));
    close(fd);
}

static void nonblocking(void)
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, O_NONBLOCK);
    siginfo_t info;
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    TELL(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
    kill(pid, SIGKILL);
    readable(fd, -1);
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    close(fd);
    fd = pidfd_open(getpid(), 0);
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    close(fd);
}

static void taking_files(void)
{
    int sockets[2];
    char buf[8] = "";
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        int fd = memfd_create("theirs", 0);
        write(fd, "theirs", 6);
        dup2(fd, 50);
        write(sockets[1], "x", 1);
        pause();
        _exit(0);
    }
    read(sockets[0], buf, 1);
    int fd = pidfd_open(pid, 0), got = pidfd_getfd(fd, 50, 0);
    printf("got %d, flags %d, read %zd", got >= 0, fcntl(got, F_GETFD), pread(got, buf, 8, 0));
    printf(" %s\n", buf);
    TELL(pidfd_getfd(fd, 51, 0));
    TELL(pidfd_getfd(fd, -1, 0));
    TELL(pidfd_getfd(fd, 50, 1));
    TELL(pidfd_getfd(0, 50, 0));
    kill(pid, SIGKILL);
    readable(fd, -1);
    TELL(pidfd_getfd(fd, 50, 0));
    waitpid(pid, NULL, 0);
    close(fd);
}

static void in_epoll(void)
{
    pid_t pid = sleeper();
    int fd = pidfd_open(pid, 0), ep = epoll_create1(0);
    struct epoll_event event = { EPOLLIN | EPOLLET, { .u32 = 7 } };
    TELL(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event));
    TELL(epoll_wait(ep, &event, 1, 0));
    kill(pid, SIGKILL);
    TELL(epoll_wait(ep, &event, 1, -1));
    waitpid(pid, NULL, 0);
    close(fd);
    close(ep);
}

static void handler(int sig) {}

static void clones(void)
{
    struct clone_args args = { 0 };
    int fd = -1;
    siginfo_t info;

    signal(SIGUSR1, handler);
    signal(SIGUSR2, SIG_IGN);
    args.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
    args.pidfd = (uintptr_t)&fd;
    args.exit_signal = SIGCHLD;
    fflush(stdout);
    long pid = clone3(&args, sizeof(args));
    if (!pid) {
        struct sigaction one, two;
        sigaction(SIGUSR1, NULL, &one);
        sigaction(SIGUSR2, NULL, &two);
        _exit((one.sa_handler == SIG_DFL) + 2 * (two.sa_handler == SIG_IGN));
    }
    printf("pidfd %d, flags %d\n", fd >= 0, fcntl(fd, F_GETFD));
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    printf("status %d\n", info.si_status);
    close(fd);

    args = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = CLONE_THREAD };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = CLONE_SIGHAND };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .exit_signal = 65 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = 17 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = CLONE_DETACHED };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = 1ull << 60 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .stack = 4096 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .stack_size = 4096 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .set_tid_size = 1 };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ .flags = CLONE_PARENT | CLONE_NEWUSER | CLONE_FS };
    TELL(clone3(&args, sizeof(args)));
    args = (struct clone_args){ 0 };
    TELL(clone3(&args, 63));
    TELL(clone3(&args, 5000));
    TELL(clone3(NULL, sizeof(args)));
    uint64_t longer[sizeof(args) / 8 + 2] = { 0 };
    longer[sizeof(args) / 8 + 1] = 1;
    TELL(syscall(SYS_clone3, longer, sizeof(longer)));
    TELL(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, NULL));
    pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);
    if (!pid)
        _exit(3);
    TELL(waitid(P_PIDFD, fd, &info, WEXITED));
    printf("status %d\n", info.si_status);
    args = (struct clone_args){ .flags = CLONE_PIDFD, .pidfd = 8, .exit_signal = SIGCHLD };
    TELL(clone3(&args, sizeof(args)));
    TELL(waitpid(-1, NULL, WNOHANG));
}

static void siblings(void)
{
    fflush(stdout);
    pid_t middle = fork();
    if (!middle) {
        struct clone_args args = { .flags = CLONE_PARENT };
        pid_t before = getppid();
        long pid = clone3(&args, sizeof(args));
        if (!pid)
            _exit(getppid() == before ? 9 : 1);
        _exit(waitpid(-1, NULL, 0) < 0 && errno == ECHILD ? 4 : 0);
    }
    int status, codes = 0;
    while (wait(&status) > 0)
        codes += WEXITSTATUS(status);
    printf("codes %d\n", codes);
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    opening();
    nonblocking();
    taking_files();
    in_epoll();
    clones();
    siblings();
    return 0;
}
