// Two threads look at all processes through /proc while these begin, execute, and end with memory to give back.
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static volatile int stop, last = 2;
static long seen[2];

static void look(const char *what, int pid)
{
    char path[64], bytes[4096];
    sprintf(path, "/proc/%d/%s", pid, what);
    if (!strcmp(what, "cwd")) {
        seen[0] += readlink(path, bytes, sizeof(bytes)) > 0;
        return;
    }
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return;
    while ((strcmp(what, "fd") ? read(fd, bytes, sizeof(bytes)) : getdents64(fd, (void *)bytes, sizeof(bytes))) > 0)
        seen[1]++;
    close(fd);
}

static void *watch(void *arg)
{
    while (!stop)
        for (int pid = last; pid < last + 4; pid++)
            look("cwd", pid), look("fd", pid), look("maps", pid), look("stat", pid);
    return arg;
}

static void child(int depth)
{
    size_t size = 4 << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[16];
    memset(memory, 1, size);
    sprintf(text, "%d", depth + 1);
    char *args[] = { "/bin/proc_watch", text, NULL };
    if (depth < 3)
        execve(args[0], args, environ);
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    char *args[] = { argv[0], "0", NULL };
    int bad = 0;

    if (argc > 1)
        return child(atoi(argv[1])), 0;
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, watch, NULL);
    for (time_t end = time(NULL) + 3; time(NULL) < end;) {
        pid_t pid;
        int status;
        if (posix_spawn(&pid, argv[0], NULL, NULL, args, environ)) {
            bad++;
            continue;
        }
        last = pid;
        waitpid(pid, &status, 0);
        bad += status != 0;
    }
    stop = 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%s, %d children failed\n", seen[0] && seen[1] ? "seen" : "nothing seen", bad);
    return 0;
}
