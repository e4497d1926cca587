// SPDX-License-Identifier: BSD-3-Clause
// Resource limits that hold, and what setrlimit and prlimit refuse.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "told.h"

enum { MB = 1 << 20 };

#define WORKS(call) told(#call, (long)(call) < 0 ? -1 : 0)

static void run(const char *name, void (*part)(void))
{
    int status;
    printf("-- %s\n", name);
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        part();
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    if (status)
        printf("status %x\n", status);
}

static int set(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit limit = { soft, hard };
    return setrlimit(resource, &limit);
}

static volatile int xfsz;
static void count(int sig) { xfsz++; }

static void file_size(void)
{
    char buf[200] = "";
    signal(SIGXFSZ, count);
    set(RLIMIT_FSIZE, 100, 1000);
    int fd = open("/tmp/limited", O_RDWR | O_CREAT | O_TRUNC, 0600);
    TELL(write(fd, buf, 60));
    TELL(write(fd, buf, 60));
    TELL(write(fd, buf, 1));
    printf("signals %d\n", xfsz);
    TELL(pwrite(fd, buf, 50, 80));
    TELL(pwrite(fd, buf, 50, 100));
    TELL(ftruncate(fd, 200));
    TELL(ftruncate(fd, 100));
    TELL(ftruncate(fd, 10));
    TELL(truncate("/tmp/limited", 101));
    TELL(fallocate(fd, 0, 0, 200));
    printf("signals %d\n", xfsz);
    int append = open("/tmp/limited", O_WRONLY | O_APPEND);
    TELL(write(append, buf, 95));
    TELL(write(append, buf, 1));
    TELL(write(append, buf, 0));
    int pipes[2];
    pipe(pipes);
    TELL(write(pipes[1], buf, 200)); // files alone are limited
    signal(SIGXFSZ, SIG_IGN);
    TELL(write(append, buf, 1));
    signal(SIGXFSZ, SIG_DFL);
    write(append, buf, 1);
}

static void descriptors(void)
{
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    set(RLIMIT_NOFILE, 10, 20);
    int last = -1, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0)
        last = fd;
    printf("last %d, then %s\n", last, strerrorname_np(errno));
    TELL(dup(0));
    TELL(dup2(0, 10));
    TELL(dup2(0, 9));
    TELL(fcntl(0, F_DUPFD, 10));
    TELL(fcntl(0, F_DUPFD, 9));
    int pipes[2];
    TELL(pipe(pipes));
    close(9);
    TELL(pipe(pipes));
    TELL(dup(0));
    set(RLIMIT_NOFILE, 5, 20); // below those that are open
    TELL(fcntl(8, F_GETFD));
    TELL(dup(8));
    close(3);
    TELL(dup(8));
    TELL(dup(8));
    struct pollfd many[12] = { 0 };
    for (int i = 0; i < 12; i++)
        many[i].fd = -1;
    TELL(poll(many, 5, 0));
    TELL(poll(many, 6, 0));
    TELL(set(RLIMIT_NOFILE, 21, 20));
    TELL(set(RLIMIT_NOFILE, 20, 20));
    TELL(set(RLIMIT_NOFILE, 1 << 21, 1 << 21));
}

static void address_space(void)
{
    set(RLIMIT_AS, 300 * (rlim_t)MB, RLIM_INFINITY);
    char *first = mmap(NULL, 100 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    WORKS(first == MAP_FAILED ? -1 : 0);
    WORKS(mmap(NULL, 300 * MB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED ? -1 : 0);
    WORKS(mmap(first, 100 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
    WORKS(mremap(first, 100 * MB, 310 * MB, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
    WORKS(sbrk(300 * MB) == (void *)-1 ? -1 : 0);
    WORKS(malloc(300 * MB) ? 0 : -1);
    munmap(first, 100 * MB);
    WORKS(mmap(NULL, 200 * MB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) == MAP_FAILED ? -1 : 0);
}

static void data(void)
{
    set(RLIMIT_DATA, 50 * MB, RLIM_INFINITY);
    WORKS(mmap(NULL, 100 * MB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    WORKS(mmap(NULL, 100 * MB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    WORKS(mmap(NULL, 100 * MB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    WORKS(sbrk(100 * MB) == (void *)-1 ? -1 : 0);
    WORKS(sbrk(10 * MB) == (void *)-1 ? -1 : 0);
}

static void *nothing(void *arg)
{
    pause();
    return NULL;
}

static void processes(void)
{
    setresuid(77, 77, 77);
    set(RLIMIT_NPROC, 3, 3);
    pthread_t thread;
    printf("thread %s\n", strerrorname_np(pthread_create(&thread, NULL, nothing, NULL)) ?: "0");
    pid_t pid = fork();
    if (!pid) {
        pause();
        _exit(0);
    }
    WORKS(pid);
    pid_t second = fork();
    if (!second)
        _exit(0);
    told("fork", second);
    printf("thread %s\n", strerrorname_np(pthread_create(&thread, NULL, nothing, NULL)));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    second = fork();
    if (!second)
        _exit(0);
    WORKS(second);
    waitpid(second, NULL, 0);
}

static void core(void)
{
    int status;
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) {
            set(RLIMIT_CORE, 0, 0);
            if (i)
                set(RLIMIT_CPU, 1, 2);
            for (;; i ? 0 : abort())
                ;
        }
        waitpid(pid, &status, 0);
        printf("signal %d, core %d\n", WTERMSIG(status), WCOREDUMP(status) != 0);
    }
}

static void calls(void)
{
    struct rlimit limit = { 10, 5 };
    struct rlimit64 old;
    TELL(setrlimit(RLIMIT_CORE, &limit));
    TELL(syscall(SYS_setrlimit, 16, &limit));
    TELL(syscall(SYS_setrlimit, -1, &limit));
    TELL(syscall(SYS_getrlimit, 99, &limit));
    TELL(syscall(SYS_setrlimit, RLIMIT_CORE, NULL));
    TELL(syscall(SYS_getrlimit, RLIMIT_CORE, NULL));
    TELL(prlimit64(999999, RLIMIT_CORE, NULL, &old));
    TELL(prlimit64(-1, RLIMIT_CORE, NULL, &old));
    TELL(prlimit64(getppid(), RLIMIT_CORE, NULL, &old));
    TELL(prlimit64(0, RLIMIT_CORE, NULL, NULL));
    for (int i = 0; i < 16; i++) {
        if (i != RLIMIT_NICE && i != RLIMIT_RTPRIO) // those begin at 0
            set(i, 1000 + i, 2000 + i);
        getrlimit(i, &limit);
        printf("%d: %lu %lu\n", i, limit.rlim_cur, limit.rlim_max);
    }
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    run("FSIZE", file_size);
    run("NOFILE", descriptors);
    run("AS", address_space);
    run("DATA", data);
    run("NPROC", processes);
    run("CORE, CPU", core);
    run("calls", calls);
    return 0;
}
