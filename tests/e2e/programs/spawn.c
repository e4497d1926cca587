// SPDX-License-Identifier: BSD-3-Clause
// posix_spawn, vfork + execve, waitpid, waitid: statuses of children, argv and environment handed on.
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void report(const char *name, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited %d\n", name, WEXITSTATUS(status));
    else
        printf("%s: signal %d\n", name, WTERMSIG(status));
    fflush(stdout);
}

static void spawn(const char *name, char **argv)
{
    pid_t pid;
    int status, error = posix_spawn(&pid, argv[0], NULL, NULL, argv, environ);
    if (error) {
        printf("%s: %s\n", name, strerror(error));
        return;
    }
    if (waitpid(pid, &status, 0) != pid)
        printf("%s: waitpid %s\n", name, strerror(errno));
    report(name, status);
}

int main(void)
{
    spawn("hello", (char *[]){ "/bin/hello", NULL });
    spawn("status", (char *[]){ "/bin/exit_with", "200", NULL });
    spawn("crash", (char *[]){ "/bin/crash", "segv", NULL });
    spawn("missing", (char *[]){ "/bin/missing", NULL });

    pid_t pid = vfork();
    if (pid == 0) {
        execl("/bin/exit_with", "exit_with", "9", NULL);
        _exit(99);
    }
    siginfo_t info = { 0 };
    if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) == 0)
        printf("waitid: %s %d\n", info.si_code == CLD_EXITED ? "exited" : "?", info.si_status);
    int status;
    waitpid(-1, &status, 0);
    report("vfork", status);
    printf("no child left: %s\n", waitpid(-1, &status, 0) < 0 && errno == ECHILD ? "ECHILD" : "?");
    return 0;
}
