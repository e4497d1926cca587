// SPDX-License-Identifier: BSD-3-Clause
// Memory that processes share: a file, a memfd handed over, MAP_ANONYMOUS with a vfork child, a process-shared mutex
// and condition; private mappings apart from it. argv[1]: the folder of the file; argv[2]: the role of a child.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGES = 8, ROUNDS = 2000 };
extern char **environ;

struct shared {
    pthread_mutex_t mutex;
    pthread_cond_t turn;
    int whose, count;
    atomic_int added;
    char text[64];
};

static void *map(int fd, int prot, int flags)
{
    void *at = mmap(NULL, PAGES * 4096, prot, flags, fd, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

static void play(struct shared *s, int me)
{
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&s->added, 1);
        if (i % 20)
            continue;
        pthread_mutex_lock(&s->mutex);
        while (s->whose != me)
            pthread_cond_wait(&s->turn, &s->mutex);
        s->count++;
        s->whose = !me;
        pthread_cond_signal(&s->turn);
        pthread_mutex_unlock(&s->mutex);
    }
}

static pid_t start(char *self, char *folder, char *role)
{
    char *args[] = { self, folder, role, NULL };
    pid_t pid = -1;
    if (posix_spawn(&pid, self, NULL, NULL, args, environ))
        exit(1);
    return pid;
}

static int child(const char *folder, int fd)
{
    char path[100];
    snprintf(path, sizeof(path), "%s/shared", folder);
    if (fd < 0)
        fd = open(path, O_RDWR);
    struct shared *s = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    strcat(s->text, ", child");
    play(s, 1);
    return 0;
}

static void with_child(const char *what, int fd, char *self, char *folder, char *role)
{
    ftruncate(fd, PAGES * 4096);
    struct shared *s = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
    char *second = map(fd, PROT_READ | PROT_WRITE, MAP_SHARED), *private = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    pthread_mutexattr_t ma;
    pthread_condattr_t ca;
    pthread_mutexattr_init(&ma);
    pthread_mutexattr_setpshared(&ma, PTHREAD_PROCESS_SHARED);
    pthread_condattr_init(&ca);
    pthread_condattr_setpshared(&ca, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&s->mutex, &ma);
    pthread_cond_init(&s->turn, &ca);
    strcpy(s->text, "parent");
    private[offsetof(struct shared, text)] = 'P';
    pid_t pid = start(self, folder, role);
    play(s, 0);
    int status;
    waitpid(pid, &status, 0);
    char text[64] = "";
    pread(fd, text, sizeof(text) - 1, offsetof(struct shared, text));
    printf("%s: status %d, added %d, turns %d, text \"%s\", read \"%s\", second \"%s\", private \"%.6s\"\n", what,
           status, s->added, s->count, s->text, text, second + offsetof(struct shared, text),
           private + offsetof(struct shared, text));
    s->count = 4711;
    second[5 * 4096] = 'x';
    munmap(s, PAGES * 4096);
    munmap(second, PAGES * 4096);
    int count = 0;
    char x = 0;
    pread(fd, &count, sizeof(count), offsetof(struct shared, count));
    pread(fd, &x, 1, 5 * 4096);
    printf("after munmap: %d %c\n", count, x);
}

int main(int argc, char **argv)
{
    char path[100];
    if (argc > 2)
        return child(argv[1], strcmp(argv[2], "file") ? atoi(argv[2]) : -1);
    snprintf(path, sizeof(path), "%s/shared", argv[1]);
    with_child("file", open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), argv[0], argv[1], "file");
    int fd = memfd_create("ring", 0);
    char number[12];
    snprintf(number, sizeof(number), "%d", fd);
    with_child("memfd", fd, argv[0], argv[1], number);
    int *anonymous = map(-1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS);
    if (vfork() == 0) {
        anonymous[1000] = 5;
        _exit(0);
    }
    wait(NULL);
    printf("anonymous: %d %d\n", anonymous[0], anonymous[1000]);
    return 0;
}
