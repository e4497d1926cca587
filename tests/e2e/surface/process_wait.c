// SPDX-License-Identifier: BSD-3-Clause
// wait4(2), waitid(2), exit statuses.
#include "surface.h"

#include <sys/resource.h>

static long wait_id(int type, int id, siginfo_t *info, int options, void *usage)
{
    return syscall(SYS_waitid, type, id, info, options, usage);
}
static pid_t child(int code)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid)
        _exit(code);
    return pid;
}
static pid_t stopped_child(void)
{
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        raise(SIGSTOP);
        _exit(5);
    }
    return pid;
}
CASE(wait4_arguments)
{
    int status;
    SEE(syscall(SYS_wait4, -1, &status, 0, NULL));
    SEE(syscall(SYS_wait4, -1, &status, WNOHANG, NULL));
    SEE(syscall(SYS_wait4, 0, &status, 0, NULL));
    SEE(syscall(SYS_wait4, 999999, &status, 0, NULL));
    SEE(syscall(SYS_wait4, getpid(), &status, 0, NULL));
    SEE(syscall(SYS_wait4, getppid(), &status, 0, NULL));
    SEE(syscall(SYS_wait4, INT_MIN, &status, 0, NULL));
    SEE(syscall(SYS_wait4, INT_MIN + 1, &status, 0, NULL));
    SEE(syscall(SYS_wait4, -1, &status, 0x10, NULL));
    SEE(syscall(SYS_wait4, -1, &status, WEXITED, NULL));
    SEE(syscall(SYS_wait4, -1, &status, WNOWAIT, NULL));
    SEE(syscall(SYS_wait4, -1, &status, -1, NULL));
    SEE(syscall(SYS_wait4, -1, &status, __WNOTHREAD | __WALL | __WCLONE, NULL));
    SEE(syscall(SYS_wait4, -999999, &status, 0, NULL));
}
CASE(wait4_faults)
{
    child(3);
    SEE(syscall(SYS_wait4, -1, bad, 0, NULL));
    SEE(syscall(SYS_wait4, -1, NULL, 0, NULL));
    child(3);
    SEE(syscall(SYS_wait4, -1, NULL, 0, bad));
    SEE(syscall(SYS_wait4, -1, NULL, 0, NULL));
}
CASE(statuses)
{
    int status;
    for (int code = -1; code <= 512; code += 171) {
        pid_t pid = child(code);
        tell("%d", waitpid(pid, &status, 0) == pid);
        tell("%x", status);
    }
    pid_t pid = stopped_child();
    SEE(waitpid(pid, &status, WUNTRACED) == pid);
    tell("%x", status);
    SEE(waitpid(pid, &status, WUNTRACED | WNOHANG));
    kill(pid, SIGCONT);
    SEE(waitpid(pid, &status, WCONTINUED) == pid);
    tell("%x", status);
    SEE(waitpid(pid, &status, 0) == pid);
    tell("%x", status);
}
CASE(not_ended_yet)
{
    int status = 77;
    pid_t pid = stopped_child();
    SEE(waitpid(pid, &status, WUNTRACED) == pid);
    status = 77;
    SEE(waitpid(pid, &status, WNOHANG));
    tell("status %d", status);
    kill(pid, SIGKILL);
    SEE(waitpid(pid, &status, 0) == pid);
    tell("%s", status_text(status));
}
CASE(waitid_arguments)
{
    siginfo_t info;
    SEE(wait_id(P_ALL, 0, &info, WEXITED, NULL));
    SEE(wait_id(P_ALL, 0, &info, 0, NULL));
    SEE(wait_id(P_ALL, 0, &info, WNOHANG, NULL));
    SEE(wait_id(P_ALL, 0, &info, WEXITED | 0x10, NULL));
    SEE(wait_id(99, 0, &info, WEXITED, NULL));
    SEE(wait_id(P_PID, 0, &info, WEXITED, NULL));
    SEE(wait_id(P_PID, -1, &info, WEXITED, NULL));
    SEE(wait_id(P_PID, 999999, &info, WEXITED, NULL));
    SEE(wait_id(P_PGID, -1, &info, WEXITED, NULL));
    SEE(wait_id(P_PGID, 0, &info, WEXITED, NULL));
    SEE(wait_id(P_PIDFD, -1, &info, WEXITED, NULL));
    SEE(wait_id(P_PIDFD, 999, &info, WEXITED, NULL));
    SEE(wait_id(P_PIDFD, 0, &info, WEXITED, NULL));
}
static void tell_info(const siginfo_t *i, pid_t pid)
{
    tell("signo %d code %d errno %d status %d pid %d uid %d", i->si_signo, i->si_code, i->si_errno, i->si_status,
         i->si_pid == pid, i->si_uid);
}
CASE(waitid_tells)
{
    siginfo_t info;
    pid_t pid = child(9);
    SEE(wait_id(P_PID, pid, &info, WEXITED | WNOWAIT, NULL));
    tell_info(&info, pid);
    SEE(wait_id(P_ALL, 0, &info, WEXITED, NULL));
    tell_info(&info, pid);
    SEE(wait_id(P_PID, pid, &info, WEXITED, NULL));
    pid = stopped_child();
    SEE(wait_id(P_PID, pid, &info, WSTOPPED, NULL));
    tell_info(&info, pid);
    memset(&info, 0xff, sizeof(info));
    SEE(wait_id(P_PID, pid, &info, WSTOPPED | WNOHANG, NULL));
    tell("signo %d pid %d", info.si_signo, info.si_pid);
    kill(pid, SIGCONT);
    SEE(wait_id(P_PID, pid, &info, WCONTINUED | WNOWAIT, NULL));
    tell_info(&info, pid);
    SEE(wait_id(P_PID, pid, &info, WCONTINUED, NULL));
    SEE(wait_id(P_PID, pid, &info, WEXITED, NULL));
    tell_info(&info, pid);
    pid = stopped_child();
    wait_id(P_PID, pid, &info, WSTOPPED, NULL);
    kill(pid, SIGKILL);
    SEE(wait_id(P_PID, pid, &info, WEXITED, NULL));
    tell_info(&info, pid);
}
CASE(waitid_faults)
{
    child(3);
    SEE(wait_id(P_ALL, 0, (void *)bad, WEXITED, NULL));
    SEE(wait_id(P_ALL, 0, NULL, WEXITED, NULL));
    child(3);
    SEE(wait_id(P_ALL, 0, NULL, WEXITED, NULL));
    SEE(wait_id(P_ALL, 0, NULL, WEXITED | WNOHANG, bad));
}
CASE(groups)
{
    int status;
    pid_t pid = child(1);
    SEE(waitpid(0, &status, 0) == pid);
    fflush(stdout);
    pid = fork();
    if (!pid) {
        setpgid(0, 0);
        raise(SIGSTOP);
        _exit(4);
    }
    waitpid(pid, &status, WUNTRACED);
    SEE(waitpid(0, &status, 0));
    kill(pid, SIGCONT);
    SEE(waitpid(-pid, &status, 0) == pid);
    tell("%s", status_text(status));
}
CASE(usage)
{
    struct rusage u;
    memset(&u, 0xff, sizeof(u));
    pid_t pid = child(0);
    SEE(wait4(pid, NULL, 0, &u) == pid);
    tell("%d %d %d", u.ru_utime.tv_sec >= 0, u.ru_maxrss > 0, (int)u.ru_ixrss);
    SEE(syscall(SYS_getrusage, 99, &u));
    SEE(syscall(SYS_getrusage, RUSAGE_SELF, bad));
    SEE(syscall(SYS_getrusage, RUSAGE_CHILDREN, &u));
    SEE(syscall(SYS_getrusage, RUSAGE_THREAD, &u));
    SEE(syscall(SYS_getrusage, -2, &u));
    SEE(syscall(SYS_getrusage, -3, &u));
}
static void note(int signo) {}
CASE(interrupted)
{
    struct sigaction a = { .sa_handler = note };
    sigaction(SIGALRM, &a, NULL);
    pid_t pid = stopped_child();
    waitpid(pid, NULL, WUNTRACED);
    ualarm(20000, 0);
    SEE(waitpid(pid, NULL, 0));
    ualarm(20000, 0);
    SEE(wait_id(P_PID, pid, NULL, WEXITED, NULL));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    signal(SIGALRM, SIG_DFL);
}
static void orphan(void)
{
    int fds[2];
    pipe(fds);
    pid_t pid = fork();
    if (!pid) {
        pid_t parent = getpid();
        pid_t grand = fork();
        if (!grand) {
            char c;
            while (getppid() == parent)
                usleep(1000);
            write(fds[1], "x", 1);
            _exit(0);
        }
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    char c;
    SEE(read(fds[0], &c, 1));
    SEE(waitpid(-1, NULL, WNOHANG));
}
CASE(orphans_are_not_ours) { in_child(orphan); }
