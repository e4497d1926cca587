// SPDX-License-Identifier: BSD-3-Clause
// /proc as programs read it: facts that are the same on any Linux, told from the text of its files.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MB = 1 << 20 };

static char text[1 << 20];

static const char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t n, all = 0;
    while (fd >= 0 && (n = read(fd, text + all, sizeof(text) - 1 - all)) > 0)
        all += n;
    text[all] = '\0';
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? text : strerrorname_np(errno);
}

// The names before the colons.
static void keys(const char *path, const char *const *wanted)
{
    slurp(path);
    printf("%s lacks:", path);
    for (; *wanted; wanted++) {
        char line[64];
        snprintf(line, sizeof(line), "\n%s:", *wanted);
        if (!strstr(text, line) && strncmp(text, line + 1, strlen(line + 1)))
            printf(" %s", *wanted);
    }
    printf("\n");
}

static long value(const char *path, const char *key)
{
    char line[64];
    snprintf(line, sizeof(line), "\n%s:", key);
    const char *at = strstr(slurp(path), line);
    return at ? strtol(at + strlen(line), NULL, 10) : -1;
}

static long stat_field(const char *path, int wanted, char *state)
{
    char *at = strrchr((char *)slurp(path), ')');
    if (!at)
        return -1;
    if (state)
        *state = at[2];
    at += 2;
    for (int i = 3; i < wanted; i++)
        at = strchr(at, ' ') + 1;
    return strtol(at, NULL, 10);
}

static int fields(const char *path)
{
    int n = 2;
    for (char *at = strrchr((char *)slurp(path), ')'); at && *at && *at != '\n'; at++)
        n += *at == ' ';
    return n;
}

static void *sleeper(void *arg)
{
    prctl(PR_SET_NAME, "other");
    *(volatile pid_t *)arg = syscall(SYS_gettid);
    pause();
    return NULL;
}

static void wait_for_state(const char *path, char wanted)
{
    char state = 0;
    for (int i = 0; i < 2000 && state != wanted; i++, usleep(5000))
        stat_field(path, 3, &state);
    printf("state %c\n", state);
}

static void states(void)
{
    char path[64];
    pid_t pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    wait_for_state(path, 'S');
    kill(pid, SIGSTOP);
    wait_for_state(path, 'T');
    kill(pid, SIGCONT);
    wait_for_state(path, 'S');
    kill(pid, SIGKILL);
    wait_for_state(path, 'Z');
    snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
    printf("cmdline of a zombie: %zu\n", strlen(slurp(path)));
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    printf("VmSize of a zombie: %ld\n", value(path, "VmSize"));
    waitpid(pid, NULL, 0);
    printf("after wait: %s\n", slurp(path));
}

static void memory(void)
{
    char *area = mmap(NULL, 64 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long before = value("/proc/self/status", "VmRSS"), size = value("/proc/self/status", "VmSize");
    printf("VmSize has it: %d\n", size >= 64 * 1024);
    memset(area, 1, 16 * MB);
    long after = value("/proc/self/status", "VmRSS");
    printf("VmRSS grew by what was touched: %d\n", after - before >= 15 * 1024 && after - before <= 18 * 1024);
    printf("statm agrees: %d\n", ({
               long total, rss;
               sscanf(slurp("/proc/self/statm"), "%ld %ld", &total, &rss);
               labs(rss * 4 - after) < 1024;
           }));
    printf("stat agrees: %d\n", labs(stat_field("/proc/self/stat", 24, NULL) * 4 - after) < 1024);
    slurp("/proc/self/smaps");
    char line[64];
    snprintf(line, sizeof(line), "%lx-", (long)area);
    char *at = strstr(text, line);
    long rss = -1;
    if (at && (at = strstr(at, "\nRss:")))
        rss = strtol(at + 5, NULL, 10);
    printf("smaps has it: %d\n", rss >= 15 * 1024);
    long rollup = value("/proc/self/smaps_rollup", "Rss");
    printf("smaps_rollup agrees: %d\n", labs(rollup - after) < 1024);
    munmap(area, 64 * MB);
    printf("VmRSS shrank: %d\n", value("/proc/self/status", "VmRSS") < before + 1024);
    printf("VmHWM stays: %d\n", value("/proc/self/status", "VmHWM") >= before + 15 * 1024);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("ru_maxrss is a peak: %d\n", usage.ru_maxrss >= before + 15 * 1024 && usage.ru_maxrss < before + 40 * 1024);
    printf("faults are counted: %d\n", usage.ru_minflt > 0 && stat_field("/proc/self/stat", 10, NULL) > 0);
    printf("switches are counted: %d\n", ({
               usleep(1000);
               getrusage(RUSAGE_SELF, &usage);
               usage.ru_nvcsw > 0;
           }));
}

static void threads(void)
{
    pthread_t thread;
    volatile pid_t tid = 0;
    char path[64], buf[64] = "";
    pthread_create(&thread, NULL, sleeper, (void *)&tid);
    while (!tid)
        usleep(1000);
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
    wait_for_state(path, 'S');
    snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
    printf("comm: %s", slurp(path));
    printf("Threads: %ld\n", value("/proc/self/status", "Threads"));
    snprintf(path, sizeof(path), "/proc/%d/status", tid);
    printf("a thread's id leads to its process: %d\n", value(path, "Tgid") == getpid());
    DIR *dir = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    printf("tasks: %d\n", n);
    ssize_t len = readlink("/proc/thread-self", buf, sizeof(buf) - 1);
    snprintf(path, sizeof(path), "%d/task/%d", getpid(), getpid());
    printf("thread-self: %d\n", len > 0 && !strcmp(buf, path));
    printf("no such task: %s\n", slurp("/proc/self/task/1000000/stat"));
}

static void writing(void)
{
    int fd = open("/proc/self/comm", O_WRONLY);
    printf("comm: %zd ", write(fd, "renamed-by-itself\n", 18));
    close(fd);
    printf("%s", slurp("/proc/self/comm"));
    fd = open("/proc/self/oom_score_adj", O_RDWR);
    printf("oom_score_adj: %zd", write(fd, "500", 3));
    printf(" %s", slurp("/proc/self/oom_score_adj"));
    write(fd, "1001", 4);
    printf("too much: %s\n", strerrorname_np(errno));
    errno = 0;
    write(fd, "x", 1);
    printf("no number: %s\n", strerrorname_np(errno));
    close(fd);
}

static void descriptors(void)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    char path[64];
    lseek(fd, 100, SEEK_SET);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    slurp(path);
    printf("fdinfo: %d %d\n", strncmp(text, "pos:\t100\n", 9) == 0, strstr(text, "flags:\t02100000\n") != NULL);
    close(fd);
    printf("closed: %s\n", slurp(path));
    fd = eventfd(10, 0);
    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
    printf("eventfd: %d\n", strstr(slurp(path), "eventfd-count:                a\n") != NULL);
    close(fd);
}

static void of_another_user(void)
{
    char path[64], buf[64];
    pid_t victim = getpid(), pid = fork();
    if (pid) {
        waitpid(pid, NULL, 0);
        return;
    }
    setresgid(33, 33, 33);
    setresuid(33, 33, 33);
    const char *names[] = { "environ", "maps", "io", "auxv", "smaps", "fdinfo/0", "status", "cmdline", "stat" };
    for (int i = 0; i < 9; i++) {
        snprintf(path, sizeof(path), "/proc/%d/%s", victim, names[i]);
        int fd = open(path, O_RDONLY);
        printf("%s: %s\n", names[i], fd < 0 ? strerrorname_np(errno) : "open");
        close(fd);
    }
    for (int i = 0; i < 3; i++) {
        const char *links[] = { "exe", "cwd", "fd/0" };
        snprintf(path, sizeof(path), "/proc/%d/%s", victim, links[i]);
        printf("%s: %s\n", links[i], readlink(path, buf, sizeof(buf)) < 0 ? strerrorname_np(errno) : "read");
    }
    fflush(stdout);
    _exit(0);
}

int main(int argc, char **argv)
{
    static const char *const status[] = { "Name",
                                          "Umask",
                                          "State",
                                          "Tgid",
                                          "Ngid",
                                          "Pid",
                                          "PPid",
                                          "TracerPid",
                                          "Uid",
                                          "Gid",
                                          "FDSize",
                                          "Groups",
                                          "VmPeak",
                                          "VmSize",
                                          "VmLck",
                                          "VmPin",
                                          "VmHWM",
                                          "VmRSS",
                                          "RssAnon",
                                          "RssFile",
                                          "RssShmem",
                                          "VmData",
                                          "VmStk",
                                          "VmExe",
                                          "VmLib",
                                          "VmPTE",
                                          "VmSwap",
                                          "Threads",
                                          "SigQ",
                                          "SigPnd",
                                          "ShdPnd",
                                          "SigBlk",
                                          "SigIgn",
                                          "SigCgt",
                                          "CapInh",
                                          "CapPrm",
                                          "CapEff",
                                          "CapBnd",
                                          "CapAmb",
                                          "NoNewPrivs",
                                          "Seccomp",
                                          "Cpus_allowed",
                                          "Cpus_allowed_list",
                                          "Mems_allowed_list",
                                          "voluntary_ctxt_switches",
                                          "nonvoluntary_ctxt_switches",
                                          NULL };
    static const char *const memory_keys[] = { "MemTotal",     "MemFree",     "MemAvailable", "Buffers",
                                               "Cached",       "SwapTotal",   "SwapFree",     "Dirty",
                                               "AnonPages",    "Mapped",      "Shmem",        "Slab",
                                               "PageTables",   "CommitLimit", "Committed_AS", "HugePages_Total",
                                               "Hugepagesize", NULL };
    setvbuf(stdout, NULL, _IOLBF, 0);
    keys("/proc/self/status", status);
    keys("/proc/meminfo", memory_keys);
    printf("fields of stat: %d\n", fields("/proc/self/stat"));
    printf("ppid %d, pgrp %d, session %d\n", stat_field("/proc/self/stat", 4, NULL) == getppid(),
           stat_field("/proc/self/stat", 5, NULL) == getpgrp(), stat_field("/proc/self/stat", 6, NULL) == getsid(0));
    char state = 0;
    stat_field("/proc/self/stat", 3, &state);
    printf("own state %c\n", state);
    setpriority(PRIO_PROCESS, 0, 7);
    printf("nice %ld, priority %ld\n", stat_field("/proc/self/stat", 19, NULL),
           stat_field("/proc/self/stat", 18, NULL));
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, (void (*)(int))main);
    printf("ignored %d, caught %d\n", strstr(slurp("/proc/self/status"), "SigIgn:\t0000000000000200") != NULL,
           strstr(text, "SigCgt:\t0000000000000800") != NULL);
    printf("auxv: %d\n", ({
               int fd = open("/proc/self/auxv", O_RDONLY);
               long pair[2] = { 0 };
               int pages = 0;
               while (read(fd, pair, 16) == 16)
                   pages |= pair[0] == 6 && pair[1] == 4096;
               close(fd);
               pages;
           }));
    printf("limits: %d\n", strstr(slurp("/proc/self/limits"), "Max open files            ") != NULL &&
                               strstr(text, "files     \n") != NULL);
    printf("personality %s", slurp("/proc/self/personality"));
    printf("cgroup %d\n", strstr(slurp("/proc/self/cgroup"), "0::/") != NULL);
    states();
    threads();
    writing();
    descriptors();
    of_another_user();
    memory();
    return 0;
}
