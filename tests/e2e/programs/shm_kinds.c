// SPDX-License-Identifier: BSD-3-Clause
// Shared memory by name: POSIX and System V segments, the seals of a memfd, the errors of mmap, ETXTBSY.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static const char *self;

static const char *told(int ok)
{
    static const struct {
        int number;
        const char *name;
    } names[] = { { EPERM, "EPERM" },   { EBUSY, "EBUSY" },   { EINVAL, "EINVAL" },   { EEXIST, "EEXIST" },
                  { ENOENT, "ENOENT" }, { EACCES, "EACCES" }, { ETXTBSY, "ETXTBSY" }, { EOPNOTSUPP, "EOPNOTSUPP" },
                  { EFAULT, "EFAULT" }, { EIDRM, "EIDRM" } };
    if (ok)
        return "ok";
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].number == errno)
            return names[i].name;
    return strerror(errno);
}

static const char *mapped(void *at) { return told(at != MAP_FAILED); }

static int child(const char *kind, const char *what)
{
    if (!strcmp(kind, "posix")) {
        int fd = shm_open("/kinds", O_RDWR, 0);
        char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        strcat(p, " and child");
        return 0;
    }
    char *p = shmat(atoi(what), NULL, 0);
    strcat(p, " and child");
    return shmdt(p) != 0;
}

static void run_child(char *kind, char *what)
{
    char *args[] = { (char *)self, kind, what, NULL };
    pid_t pid;
    int status = -1;
    if (posix_spawn(&pid, self, NULL, NULL, args, environ) == 0)
        waitpid(pid, &status, 0);
    printf("child %d; ", status);
}

static void posix(void)
{
    int fd = shm_open("/kinds", O_RDWR | O_CREAT | O_EXCL, 0600);
    ftruncate(fd, 8192);
    char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(p, "parent");
    run_child("posix", "");
    printf("posix: %s\n", p);
    printf("unlink: %s, again %s\n", told(shm_unlink("/kinds") == 0), told(shm_unlink("/kinds") == 0));
}

static void system_v(void)
{
    char number[12];
    struct shmid_ds ds;
    int id = shmget(0x1234, 10000, IPC_CREAT | IPC_EXCL | 0640);
    printf("again: %s; ", told(shmget(0x1234, 10000, IPC_CREAT | IPC_EXCL | 0640) >= 0));
    printf("same: %d; larger: %s; ", shmget(0x1234, 0, 0) == id, told(shmget(0x1234, 20000, 0) >= 0));
    printf("none: %s, empty: %s\n", told(shmget(0x4321, 1, 0) >= 0), told(shmget(IPC_PRIVATE, 0, IPC_CREAT) >= 0));
    char *p = shmat(id, NULL, 0), *q = shmat(id, NULL, SHM_RDONLY);
    strcpy(p, "parent");
    snprintf(number, sizeof(number), "%d", id);
    run_child("sysv", number);
    shmctl(id, IPC_STAT, &ds);
    printf("sysv: %s; second %d; size %zu mode %o attached %d mine %d last %d\n", q, q != p, ds.shm_segsz,
           ds.shm_perm.mode, (int)ds.shm_nattch, ds.shm_cpid == getpid(), ds.shm_lpid != getpid());
    printf("remove: %s; ", told(shmctl(id, IPC_RMID, NULL) == 0));
    shmctl(id, IPC_STAT, &ds);
    printf("still %s, dest %d; key free: %s; ", q, !!(ds.shm_perm.mode & 01000), told(shmget(0x1234, 1, 0) >= 0));
    printf("detach: %s %s, again %s; ", told(shmdt(p) == 0), told(shmdt(q) == 0), told(shmdt(q) == 0));
    printf("gone: %s\n", told(shmctl(id, IPC_STAT, &ds) == 0));
}

static void seals(void)
{
    char text[8] = "";
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING), plain = memfd_create("plain", 0);
    write(fd, "contents", 8);
    printf("seals: %x %x; none of a plain one: %s\n", fcntl(fd, F_GET_SEALS), fcntl(plain, F_GET_SEALS),
           told(fcntl(plain, F_ADD_SEALS, F_SEAL_GROW) == 0));
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("while mapped: %s; ", told(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0));
    munmap(p, 4096);
    printf("then: %s\n", told(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW) == 0));
    printf("write: %s; grow: %s; shrink: %s; ", told(pwrite(fd, "x", 1, 0) == 1), told(ftruncate(fd, 100) == 0),
           told(ftruncate(fd, 4) == 0));
    printf("map: %s %s; ", mapped(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)),
           mapped(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)));
    p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    printf("to read: %s %.4s, more: %s; ", mapped(p), p, told(mprotect(p, 4096, PROT_READ | PROT_WRITE) == 0));
    pread(fd, text, 4, 0);
    printf("sealed: %s %s, read %s\n", told(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL) == 0),
           told(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0), text);
}

static void errors(void)
{
    int rw = open("/tmp/errors", O_CREAT | O_RDWR, 0600), wo = open("/tmp/errors", O_WRONLY),
        ro = open("/tmp/errors", O_RDONLY);
    int zero = open("/dev/zero", O_RDWR);
    ftruncate(rw, 4096);
    printf("flags: %s; ", mapped(mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | 1 << 7 | 1 << 9, rw, 0)));
    printf("length: %s; ", mapped(mmap(NULL, 0, PROT_READ, MAP_SHARED, wo, 0)));
    printf("kind: %s; ", mapped(mmap(NULL, 4096, PROT_READ, 0, wo, 0)));
    printf("write-only: %s; ", mapped(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, wo, 0)));
    printf("read-only: %s\n", mapped(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ro, 0)));
    char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
    char *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    printf("zero: %s %d, %s %d\n", mapped(p), p[5]++, mapped(q), q[5]++);
    printf("busy: %s", told(open(self, O_RDWR) >= 0));
    printf(" %s\n", told(truncate(self, 0) == 0));
    int fd = open("/tmp/program", O_CREAT | O_RDWR, 0700);
    printf("run it: %s\n", told(execl("/tmp/program", "program", NULL) == 0));
    close(fd);
}

// Two mappings of one page in one process, a thread's wait on one woken through the other.
static void keys(void)
{
    int fd = memfd_create("futex", 0), *a, *b;
    ftruncate(fd, 4096);
    a = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    *a = 1;
    printf("futex: value %d; ", *b);
    printf("changed: %s; ", syscall(SYS_futex, b, FUTEX_WAIT, 2, NULL) < 0 && errno == EAGAIN ? "EAGAIN" : "?");
    *b = 7;
    printf("through the other: %s; ",
           syscall(SYS_futex, a, FUTEX_WAIT, 1, NULL) < 0 && errno == EAGAIN ? "EAGAIN" : "?");
    munmap(b, 4096);
    printf("gone: %s\n", told(syscall(SYS_futex, b, FUTEX_WAKE, 1) >= 0));
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc > 2)
        return child(argv[1], argv[2]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    posix();
    system_v();
    seals();
    errors();
    keys();
    return 0;
}
