// The first process ends while others sleep, read, wait as zombies and orphans, and have written to shared maps of
// files in the folder argv[1] that nobody synced.
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

extern char **environ;
static const char *self, *folder;

static void map_and_write(const char *name)
{
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    if (fd < 0 || ftruncate(fd, 8192))
        perror(path);
    char *map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(map, name), strcpy(map + 4096, "second page");
    close(fd);
}

static pid_t start(const char *what)
{
    char *args[] = { (char *)self, (char *)folder, (char *)what, NULL };
    pid_t pid;
    return posix_spawn(&pid, self, NULL, NULL, args, environ) ? -1 : pid;
}

static void *reads(void *arg)
{
    char byte;
    read(0, &byte, 1); // nothing comes: the thread is in a host call
    return arg;
}

static int child(const char *what)
{
    pthread_t thread;
    if (!strcmp(what, "zombie"))
        return 0;
    if (!strcmp(what, "parent")) // the orphan outlives it
        return start("orphan") < 0;
    map_and_write(what);
    signal(SIGTERM, SIG_IGN);
    if (!strcmp(what, "reader"))
        pthread_create(&thread, NULL, reads, NULL);
    if (!strcmp(what, "spinner"))
        for (;;)
            ;
    for (;;)
        pause();
}

int main(int argc, char **argv)
{
    self = argv[0], folder = argv[1];
    if (argc > 2)
        return child(argv[2]);
    const char *const kinds[] = { "sleeper", "reader", "spinner", "zombie", "parent" };
    for (int i = 0; i < 5; i++)
        if (start(kinds[i]) < 0)
            perror(kinds[i]);
    map_and_write("first");
    sleep(1);
    return 7;
}
