// Groups, parents and what a process may set of itself, and is then told.
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *word(int result) { return result ? strerrorname_np(errno) : "0"; }

static int status_of(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void groups(const char *self)
{
    int ends[2];
    char byte;
    pipe(ends);
    pid_t pid = fork();
    if (!pid) {
        printf("setpgid(0, 0): %s, group is own: %d\n", word(setpgid(0, 0)), getpgrp() == getpid());
        fflush(stdout);
        dup2(ends[1], 9);
        execl(self, "told_back", "wait", (char *)NULL);
    }
    read(ends[0], &byte, 1);
    printf("setpgid(child after exec): %s\n", word(setpgid(pid, 0)));
    printf("setpgid(0, none): %s\n", word(setpgid(0, 54321)));
    printf("setpgid(stranger): %s\n", word(setpgid(1 << 21, 0)));
    kill(-pid, SIGTERM);
    printf("killed by its group: %d\n", status_of(pid));
    if (!(pid = fork())) {
        int first = setsid() == getpid();
        _exit(first && getsid(0) == getpid() && setpgid(0, 0) < 0 && errno == EPERM ? 5 : 6);
    }
    printf("a session of its own: %d\n", status_of(pid));
}

// The grandchild hears of its parent's end and goes to the subreaper.
static void parents(void)
{
    int ends[2], self = getpid();
    char byte = 0;
    pipe(ends);
    printf("subreaper: %s\n", word(prctl(PR_SET_CHILD_SUBREAPER, 1)));
    pid_t child = fork();
    if (!child) {
        if (!fork()) {
            sigset_t set;
            int signo;
            sigemptyset(&set), sigaddset(&set, SIGUSR1);
            sigprocmask(SIG_BLOCK, &set, NULL);
            prctl(PR_SET_PDEATHSIG, SIGUSR1);
            write(ends[1], "r", 1);
            sigwait(&set, &signo);
            byte = signo == SIGUSR1 && getppid() == self ? 'y' : 'n';
            write(ends[1], &byte, 1);
            _exit(11);
        }
        read(ends[0], &byte, 1);
        _exit(0);
    }
    printf("child: %d, ", status_of(child));
    fflush(stdout);
    read(ends[0], &byte, 1);
    printf("the grandchild is told and adopted: %c, reaped here: %d\n", byte, status_of(-1));
    prctl(PR_SET_CHILD_SUBREAPER, 0);
}

static void itself(void)
{
    struct sched_param none = { 0 };
    int signo = 0;
    // Whoever runs the test may have been nice already.
    const char *set = word(setpriority(PRIO_PROCESS, 0, 5));
    printf("nice: %s, %d", set, getpriority(PRIO_PROCESS, 0));
    pid_t pid = fork();
    if (!pid)
        _exit(getpriority(PRIO_PROCESS, 0));
    printf(", a child's %d\n", status_of(pid));
    printf("SCHED_BATCH: %s, %d\n", word(sched_setscheduler(0, SCHED_BATCH, &none)), sched_getscheduler(0));
    cpu_set_t all, one, got;
    sched_getaffinity(0, sizeof(all), &all);
    int cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    printf("affinity: %s", word(sched_setaffinity(0, sizeof(one), &one)));
    sched_getaffinity(0, sizeof(got), &got);
    printf(", %d", CPU_EQUAL(&one, &got));
    CPU_ZERO(&one);
    printf(", none: %s\n", word(sched_setaffinity(0, sizeof(one), &one)));
    prctl(PR_SET_PDEATHSIG, SIGTERM), prctl(PR_GET_PDEATHSIG, &signo);
    printf("death signal %d\n", signo);
    printf("dumpable %d", prctl(PR_GET_DUMPABLE));
    prctl(PR_SET_DUMPABLE, 0);
    printf(" %d, no new privileges %d", prctl(PR_GET_DUMPABLE), prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    printf(" %d\n", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
}

extern char **environ;

// setproctitle(3) and its kin write over arguments and environment, which lie one behind the other.
static void strings(char **argv)
{
    int gaps = 0;
    const char *end = argv[0];
    for (int i = 0; argv[i]; i++)
        gaps += argv[i] != end, end = argv[i] + strlen(argv[i]) + 1;
    for (int i = 0; environ[i]; i++)
        gaps += environ[i] != end, end = environ[i] + strlen(environ[i]) + 1;
    printf("gaps between the strings: %d\n", gaps);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1) {
        write(9, "x", 1);
        pause();
    }
    strings(argv);
    groups(argv[0]);
    parents();
    itself();
    return 0;
}
