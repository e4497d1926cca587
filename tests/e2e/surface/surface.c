// SPDX-License-Identifier: BSD-3-Clause
// Usage: surface FOLDER [PREFIX...]: runs the cases whose "file.case" begins with a prefix, all of them without one.
#include "surface.h"

#include <ftw.h>
#include <stdarg.h>
#include <sys/resource.h>

enum { CASES = 2048 };

static struct {
    const char *name, *file;
    void (*run)(void);
} cases[CASES];
static size_t count;
char *bad;
char long_name[NAME_MAX + 2], long_path[PATH_MAX + 1];

void add_case(const char *name, void (*run)(void), const char *file)
{
    const char *slash = strrchr(file, '/');
    if (count == CASES)
        abort();
    cases[count].name = name;
    cases[count].file = slash ? slash + 1 : file;
    cases[count++].run = run;
}

void see(const char *text, long answer)
{
    if (answer == -1)
        tell("%s = -1 %s", text, errno ? strerrorname_np(errno) : "without errno");
    else
        tell("%s = %ld", text, answer);
}

void see_good(const char *text, long answer)
{
    if (answer == -1)
        tell("%s = -1 %s", text, strerrorname_np(errno));
    else
        tell("%s: %s", text, answer >= 0 ? "good" : "negative");
}

void tell(const char *format, ...)
{
    va_list args;
    int kept = errno;
    va_start(args, format);
    fputs("  ", stdout);
    vprintf(format, args);
    putchar('\n');
    fflush(stdout);
    va_end(args);
    errno = kept;
}

int file_with(const char *name, const char *text)
{
    int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);
    if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        tell("file_with %s: %s", name, strerrorname_np(errno));
    return close(fd);
}

const char *contents(const char *name)
{
    static char buf[4096];
    int fd = open(name, O_RDONLY);
    if (fd < 0)
        return strerrorname_np(errno);
    ssize_t n = read(fd, buf, sizeof(buf) - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return buf;
}

int in_child(void (*run)(void))
{
    int status = -1;
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        run();
        fflush(stdout);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void (*unprivileged)(void);
static void lose_rights(void)
{
    if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, 65534, 65534, 65534) ||
        syscall(SYS_setresuid, 65534, 65534, 65534))
        _exit(99);
    unprivileged();
}

int as_nobody(void (*run)(void))
{
    unprivileged = run;
    return in_child(lose_rights);
}

const char *status_text(int status)
{
    static char text[32];
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "signal %d", WTERMSIG(status));
    else
        snprintf(text, sizeof(text), "exit %d", WEXITSTATUS(status));
    return text;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw) { return remove(path); }

static bool wanted(const char *name, char **prefixes)
{
    if (!*prefixes)
        return true;
    for (; *prefixes; prefixes++)
        if (!strncmp(name, *prefixes, strlen(*prefixes)))
            return true;
    return false;
}

static int by_name(const void *a, const void *b)
{
    const typeof(cases[0]) *x = a, *y = b;
    int files = strcmp(x->file, y->file);
    return files ? files : strcmp(x->name, y->name);
}

static int run_cases(const char *folder, char **prefixes)
{
    for (size_t i = 0; i < count; i++) {
        char name[128];
        snprintf(name, sizeof(name), "%.*s.%s", (int)(strlen(cases[i].file) - 2), cases[i].file, cases[i].name);
        if (!wanted(name, prefixes))
            continue;
        printf("%s\n", name);
        fflush(stdout);
        if (mkdir("case", 0755) || chdir("case"))
            return 3;
        cases[i].run();
        if (chdir(folder))
            return 4;
        nftw("case", remove_one, 16, FTW_DEPTH | FTW_PHYS);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2 || chdir(argv[1]))
        return 2;
    umask(022);
    setpriority(PRIO_PROCESS, 0, 0); // whatever this runs under
    memset(long_name, 'n', sizeof(long_name) - 1);
    for (size_t i = 0; i < sizeof(long_path) - 1; i++)
        long_path[i] = i % 2 ? 'x' : '/';
    bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    qsort(cases, count, sizeof(cases[0]), by_name);
    // The cases run in a child, so that they have a parent to ask about inside too.
    pid_t pid = fork();
    if (!pid)
        _exit(run_cases(argv[1], argv + 2));
    int status = 1;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
