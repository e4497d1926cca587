// SPDX-License-Identifier: BSD-3-Clause
// A process hands the address of its memory to another one, whose system calls must not reach it.
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static const char *told(long result) { return result >= 0 ? "done" : errno == EFAULT ? "EFAULT" : strerror(errno); }

static int child(char *theirs)
{
    int zero = open("/dev/zero", O_RDONLY), file = open("/tmp/foreign", O_RDWR | O_CREAT | O_TRUNC, 0600), pipes[2];
    write(file, "stolen", 6);
    printf("read a device: %s\n", told(read(zero, theirs, 16)));
    printf("read a file: %s\n", told(pread(file, theirs, 6, 0)));
    printf("write a file: %s\n", told(pwrite(file, theirs, 6, 0)));
    pipe(pipes);
    printf("write a pipe: %s\n", told(write(pipes[1], theirs, 6)));
    printf("a time: %s\n", told(syscall(SYS_clock_gettime, CLOCK_REALTIME, theirs)));
    printf("a path: %s\n", told(open(theirs, O_RDONLY)));
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return child((char *)strtoul(argv[1], NULL, 16));
    char *mine = mmap((void *)0x80000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char address[32], *args[] = { argv[0], address, NULL };
    strcpy(mine, "/tmp");
    snprintf(address, sizeof(address), "%lx", (unsigned long)mine);
    pid_t pid;
    int status;
    posix_spawn(&pid, argv[0], NULL, NULL, args, environ);
    waitpid(pid, &status, 0);
    printf("status %d, mine: %s\n", status, mine);
    return 0;
}
