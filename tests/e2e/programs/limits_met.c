// SPDX-License-Identifier: BSD-3-Clause
// Meets one limit of Occlum.json, or ends by a signal: argv[1] says which.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static void *sleeper(void *arg) { return pause(), arg; }

static const char *memory(void)
{
    void *last = NULL, *at;
    while ((at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) != MAP_FAILED)
        last = at;
    int err = errno;
    munmap(last, 1 << 20); // for what it takes to say so
    return strerrorname_np(err);
}

static const char *threads(void)
{
    pthread_t t;
    pthread_attr_t small;
    int err;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 1 << 16);
    while (!(err = pthread_create(&t, &small, sleeper, NULL)))
        ;
    return strerrorname_np(err);
}

static const char *files(void)
{
    static char block[1 << 16];
    int fd = open("/tmp/big", O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof(block)) > 0)
        ;
    return strerrorname_np(errno);
}

static const char *heap(void)
{
    static char block[1 << 16];
    int fds[2];
    memset(block, 'x', sizeof(block));
    for (;;) {
        if (pipe2(fds, O_NONBLOCK) != 0)
            return strerrorname_np(errno);
        if (write(fds[1], block, sizeof(block)) < 0)
            return strerrorname_np(errno);
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "memory"))
        puts(memory());
    if (!strcmp(what, "threads"))
        puts(threads()), fflush(stdout), _exit(0);
    if (!strcmp(what, "files"))
        puts(files());
    if (!strcmp(what, "heap"))
        puts(heap());
    if (!strcmp(what, "segv"))
        *(volatile int *)0x10 = 1;
    if (!strcmp(what, "abort"))
        abort();
    if (!strcmp(what, "child")) {
        int status;
        if (fork() == 0)
            abort();
        wait(&status);
        printf("%d\n", WTERMSIG(status));
    }
    return 0;
}
