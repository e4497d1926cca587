// SPDX-License-Identifier: BSD-3-Clause
// Mappings and the end of the file: signals behind it, a file that grows and shrinks under its mappings, what the tail
// of the last page does; mappings through an O_APPEND descriptor; mremap of what may not be read. argv[1]: the folder.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAGE = 4096 };
static sigjmp_buf back;
static char path[100];

static void handler(int signo, siginfo_t *info, void *context)
{
    (void)context;
    siglongjmp(back, signo * 1000 + info->si_code);
}

static int reads(const volatile char *at)
{
    int signal = sigsetjmp(back, 1);
    return signal ? signal : (*at, 0);
}

static int writes(volatile char *at)
{
    int signal = sigsetjmp(back, 1);
    return signal ? signal : (*at = 'w', 0);
}

static void ends(int flags, const char *what)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600), pipes[2];
    write(fd, "hello", 5);
    char *m = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);
    printf("%s: first %c tail %d; behind: read %d write %d\n", what, m[0], m[10], reads(m + PAGE),
           writes(m + 2 * PAGE));
    ftruncate(fd, 2 * PAGE + 10);
    pwrite(fd, "Z", 1, PAGE);
    printf("grown: read %d, %c, write %d, behind %d\n", reads(m + PAGE), m[PAGE], writes(m + 2 * PAGE),
           reads(m + 3 * PAGE));
    ftruncate(fd, 5);
    pipe(pipes);
    long n = write(pipes[1], m + PAGE, 10);
    printf("shrunk: read %d, write(2) %ld %s, first %c\n", reads(m + PAGE), n,
           n < 0 && errno == EFAULT ? "EFAULT" : "?", m[0]);
    ftruncate(fd, 3 * PAGE);
    printf("grown again: %d %d\n", m[PAGE], m[2 * PAGE]);
    munmap(m, 4 * PAGE);
    close(fd);
}

static void tail(void)
{
    struct stat st;
    char byte = 1;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    write(fd, "hello", 5);
    char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    m[100] = 'T';
    munmap(m, PAGE);
    fstat(fd, &st);
    pwrite(fd, "x", 1, 200);
    pread(fd, &byte, 1, 100);
    printf("tail: size %ld, byte %d\n", (long)st.st_size, byte);
    close(fd);
}

static void append(void)
{
    struct stat st;
    char text[6] = "";
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    write(fd, "hello", 5);
    char *m = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    m[0] = 'J';
    msync(m, PAGE, MS_SYNC);
    m[4] = 'y';
    munmap(m, PAGE);
    fstat(fd, &st);
    pread(fd, text, 5, 0);
    printf("append: size %ld %s\n", (long)st.st_size, text);
    close(fd);
}

static void moved(void)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    ftruncate(fd, 2 * PAGE);
    for (int shared = 0; shared < 2; shared++) {
        char *m = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, shared ? MAP_SHARED : MAP_PRIVATE, fd, 0);
        m[7] = 'm';
        mprotect(m, 2 * PAGE, PROT_NONE);
        char *n = mremap(m, 2 * PAGE, 16 * PAGE, MREMAP_MAYMOVE);
        mprotect(n, 2 * PAGE, PROT_READ);
        printf("moved: %c, behind the end %d\n", n == MAP_FAILED ? '?' : n[7], reads(n + 5 * PAGE) / 1000);
        munmap(n, 16 * PAGE);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
    (void)argc;
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    snprintf(path, sizeof(path), "%s/mapped", argv[1]);
    ends(MAP_PRIVATE, "private");
    ends(MAP_SHARED, "shared");
    tail();
    append();
    moved();
    char *m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    printf("anonymous: read %d write %d", reads(m), writes(m));
    munmap(m, PAGE);
    printf(" gone %d\n", reads(m));
    return 0;
}
