// SPDX-License-Identifier: BSD-3-Clause
// Memory: what is left of mmap, mprotect, mremap, madvise, mlock, mincore, msync and their kin.
#include "surface.h"

#include <setjmp.h>
#include <sys/resource.h>
#include <sys/uio.h>

enum { PAGE = 4096 };
static char *map(size_t pages, int prot, int flags)
{
    return mmap(NULL, pages * PAGE, prot, flags | MAP_ANONYMOUS, -1, 0);
}
static sigjmp_buf back;
static volatile int code;
static void caught(int signo, siginfo_t *info, void *context)
{
    code = info->si_code;
    siglongjmp(back, signo);
}
static void touch(const char *text, char *at, bool write)
{
    struct sigaction a = { .sa_sigaction = caught, .sa_flags = SA_SIGINFO }, old, bus;
    sigaction(SIGSEGV, &a, &old);
    sigaction(SIGBUS, &a, &bus);
    int signo = sigsetjmp(back, 1);
    if (!signo) {
        if (write)
            *(volatile char *)at = 1;
        else
            (void)*(volatile char *)at;
        tell("%s: good", text);
    } else {
        tell("%s: signal %d code %d", text, signo, code);
    }
    sigaction(SIGSEGV, &old, NULL);
    sigaction(SIGBUS, &bus, NULL);
}
CASE(protections_hold)
{
    char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    touch("write", p, true);
    SEE(mprotect(p, PAGE, PROT_READ));
    touch("read", p, false);
    touch("write to read-only", p, true);
    SEE(mprotect(p, PAGE, PROT_NONE));
    touch("read of none", p, false);
    SEE(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    tell("kept %d", *p);
    SEE(munmap(p + PAGE, PAGE));
    touch("read of a hole", p + PAGE, false);
    SEE(mprotect(p, 4 * PAGE, PROT_READ));
    touch("first page changed before the hole", p, true);
    touch("last page", p + 3 * PAGE, true);
}
CASE(beyond_the_end_of_a_file)
{
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    char *p = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    touch("first page", p, false);
    tell("after the end %d", p[100]);
    touch("second page", p + PAGE, false);
    SEE(ftruncate(fd, 2 * PAGE));
    touch("second page once it is there", p + PAGE, true);
    SEE(ftruncate(fd, 1));
    touch("second page once it is gone", p + PAGE, false);
    touch("first page still", p, true);
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 4 * PAGE);
    touch("private beyond", q, false);
}
CASE(file_permissions)
{
    file_with("f", "hello");
    int r = open("f", O_RDONLY), w = open("f", O_WRONLY), rw = open("f", O_RDWR);
    GOOD((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, r, 0));
    SEE((long)mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, w, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, w, 0));
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, r, 0);
    SEE(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rw, 0);
    SEE(mprotect(q, PAGE, PROT_READ | PROT_WRITE));
    close(rw);
    q[0] = 'J';
    msync(q, PAGE, MS_SYNC);
    tell("%s", contents("f"));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0));
    int fds[2];
    pipe(fds);
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fds[0], 0));
}
CASE(validated_flags)
{
    file_with("f", "hello");
    int fd = open("f", O_RDWR);
    GOOD((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE, fd, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | 0x200000, fd, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0));
    GOOD((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | 0x1000000, fd, 0));
    GOOD((long)mmap(NULL, PAGE, 0xff, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS | 0x0f, -1, 0));
    SEE((long)mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SEE((long)mmap(NULL, -1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SEE((long)mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, -PAGE));
    SEE((long)mmap((void *)1, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SEE((long)mmap((void *)(1ul << 63), PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
    SEE((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 999, 0));
}
CASE(dontunmap)
{
    char *p = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    strcpy(p, "hello");
    char *q = mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4);
    tell("moved %d, %s, left %d", q != p && q != MAP_FAILED, q != MAP_FAILED ? q : "", *p);
    SEE((long)mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE | 4));
    SEE((long)mremap(p, PAGE, PAGE, 4));
    SEE((long)mremap(p, 0, PAGE, MREMAP_MAYMOVE | 4));
}
CASE(remap_errors)
{
    char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE), *hole = map(4, PROT_READ, MAP_PRIVATE);
    munmap(hole + PAGE, PAGE);
    SEE((long)mremap(p + 1, PAGE, PAGE, 0));
    SEE((long)mremap(p, PAGE, 0, 0));
    SEE((long)mremap(p, PAGE, PAGE, 8));
    SEE((long)mremap(p, PAGE, PAGE, MREMAP_FIXED, p + 2 * PAGE));
    SEE((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + 1));
    SEE((long)mremap(p, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p + PAGE));
    SEE((long)mremap(hole + PAGE, PAGE, PAGE, MREMAP_MAYMOVE));
    SEE((long)mremap(hole, 3 * PAGE, 8 * PAGE, MREMAP_MAYMOVE));
    SEE((long)mremap(p, 0, PAGE, MREMAP_MAYMOVE));
    SEE((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, 1ul << 63));
    SEE((long)(mremap(p, 4 * PAGE, 2 * PAGE, 0) == p));
    touch("cut off", p + 2 * PAGE, false);
}
CASE(advice_errors)
{
    char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    memset(p, 1, 4 * PAGE);
    SEE(madvise(p + 1, PAGE, MADV_NORMAL));
    SEE(madvise(p, -1, MADV_NORMAL));
    SEE(madvise(p, 0, MADV_NORMAL));
    SEE(madvise(p, 0, 9999));
    SEE(madvise(p, PAGE, 9999));
    SEE(madvise(p, PAGE, MADV_DONTNEED));
    tell("%d %d", p[0], p[PAGE]);
    SEE(madvise(p, PAGE, MADV_FREE));
    munmap(p + PAGE, PAGE);
    SEE(madvise(p, 3 * PAGE, MADV_DONTNEED));
    tell("after the hole %d", p[2 * PAGE]);
    SEE(madvise(p, 3 * PAGE, MADV_WILLNEED));
    SEE(madvise(bad, PAGE, MADV_POPULATE_READ));
    SEE(madvise(p, PAGE, MADV_POPULATE_WRITE));
    SEE(madvise(p, PAGE, MADV_REMOVE));
    mlock(p, PAGE);
    SEE(madvise(p, PAGE, MADV_DONTNEED));
    SEE(madvise(p, PAGE, MADV_FREE));
    munlock(p, PAGE);
    char *shared = map(1, PROT_READ | PROT_WRITE, MAP_SHARED);
    *shared = 3;
    SEE(madvise(shared, PAGE, MADV_FREE));
    SEE(madvise(shared, PAGE, MADV_DONTNEED));
    tell("shared %d", *shared);
    SEE(madvise(shared, PAGE, MADV_REMOVE));
    tell("shared %d", *shared);
}
CASE(fork_advice)
{
    char *p = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    p[0] = p[PAGE] = 5;
    SEE(madvise(p, PAGE, MADV_WIPEONFORK));
    SEE(madvise(p + PAGE, PAGE, MADV_DONTFORK));
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) {
        tell("in the child %d", p[0]);
        touch("not forked", p + PAGE, false);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    SEE(madvise(p, PAGE, MADV_KEEPONFORK));
    SEE(madvise(p + PAGE, PAGE, MADV_DOFORK));
}
static void nobody_locks(void)
{
    struct rlimit none = { 0, 0 }, one = { PAGE, PAGE };
    char *p = map(4, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    SEE(setrlimit(RLIMIT_MEMLOCK, &one));
    SEE(mlock(p, PAGE));
    SEE(mlock(p, 2 * PAGE));
    SEE(mlockall(MCL_CURRENT));
    SEE((long)mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
    SEE(munlock(p, PAGE));
    SEE(setrlimit(RLIMIT_MEMLOCK, &none));
    SEE(mlock(p, PAGE));
    SEE(mlockall(MCL_FUTURE));
    SEE(munlockall());
}
CASE(locks_as_nobody) { as_nobody(nobody_locks); }
CASE(lock_errors)
{
    char *p = map(3, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    munmap(p + PAGE, PAGE);
    SEE(mlock(p, 3 * PAGE));
    SEE(munlock(p, 3 * PAGE));
    SEE(mlock(p, -1));
    SEE(mlock(p, 0));
    SEE(mlock(p + 5, 10));
    SEE(syscall(SYS_mlock2, p, PAGE, 2));
    SEE(syscall(SYS_mlock2, p, PAGE, 1));
    SEE(mlockall(0));
    SEE(mlockall(8));
    SEE(mlockall(MCL_ONFAULT));
    SEE(munlockall());
}
CASE(sync_errors)
{
    char *p = map(3, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    SEE(msync(p + 1, PAGE, MS_SYNC));
    SEE(msync(p, PAGE, MS_SYNC | MS_ASYNC));
    SEE(msync(p, PAGE, 8));
    SEE(msync(p, PAGE, 0));
    SEE(msync(p, 0, MS_SYNC));
    munmap(p + PAGE, PAGE);
    SEE(msync(p, 3 * PAGE, MS_SYNC));
    SEE(msync(p, 3 * PAGE, MS_ASYNC));
    SEE(msync(p, -1, MS_SYNC));
}
CASE(between_processes)
{
    char from[8] = "hello", to[8] = { 0 };
    struct iovec l = { to, 5 }, r = { from, 5 }, wrong = { bad, 5 };
    SEE(process_vm_readv(getpid(), &l, 1, &r, 1, 0));
    tell("%s", to);
    SEE(process_vm_readv(getpid(), &l, 1, &r, 1, 1));
    SEE(process_vm_readv(999999, &l, 1, &r, 1, 0));
    SEE(process_vm_readv(getpid(), &wrong, 1, &r, 1, 0));
    SEE(process_vm_readv(getpid(), &l, 1, &wrong, 1, 0));
    SEE(process_vm_readv(getpid(), (void *)bad, 1, &r, 1, 0));
    SEE(process_vm_readv(getpid(), &l, 1025, &r, 1, 0));
    SEE(process_vm_readv(getpid(), &l, 1, &r, 1025, 0));
    SEE(process_vm_readv(getpid(), &l, 0, &r, 1, 0));
    SEE(process_vm_writev(getpid(), &l, 1, &r, 1, 0));
    SEE(process_vm_writev(getpid(), &wrong, 1, &r, 1, 0));
    SEE(process_vm_writev(getpid(), &l, 1, &wrong, 1, 0));
}
CASE(policies_of_memory)
{
    int mode = -1;
    unsigned long nodes[16] = { 1 };
    char *p = map(2, PROT_READ | PROT_WRITE, MAP_PRIVATE);
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
    tell("mode %d", mode);
    SEE(syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 4));
    tell("nodes %lx", nodes[0]);
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 0));
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 2));
    SEE(syscall(SYS_get_mempolicy, NULL, NULL, 0, NULL, 8));
    SEE(syscall(SYS_get_mempolicy, bad, NULL, 0, NULL, 0));
    SEE(syscall(SYS_get_mempolicy, NULL, bad, 1024, NULL, 0));
    SEE(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 4));
    nodes[0] = 1;
    SEE(syscall(SYS_set_mempolicy, 0, NULL, 0));
    SEE(syscall(SYS_set_mempolicy, 2, nodes, 1024));
    SEE(syscall(SYS_get_mempolicy, &mode, nodes, 1024, NULL, 0));
    tell("mode %d nodes %lx", mode, nodes[0]);
    SEE(syscall(SYS_set_mempolicy, 99, NULL, 0));
    SEE(syscall(SYS_set_mempolicy, 2, NULL, 0));
    SEE(syscall(SYS_set_mempolicy, 2, bad, 1024));
    SEE(syscall(SYS_set_mempolicy, 0, nodes, 1024));
    nodes[0] = 0;
    SEE(syscall(SYS_set_mempolicy, 2, nodes, 1024));
    nodes[0] = 1ul << 40;
    SEE(syscall(SYS_set_mempolicy, 2, nodes, 1024));
    SEE(syscall(SYS_set_mempolicy, 0, NULL, 0));
    nodes[0] = 1;
    SEE(syscall(SYS_mbind, p, 2 * PAGE, 2, nodes, 1024, 0));
    SEE(syscall(SYS_mbind, p + 1, PAGE, 2, nodes, 1024, 0));
    SEE(syscall(SYS_mbind, p, PAGE, 99, nodes, 1024, 0));
    SEE(syscall(SYS_mbind, p, PAGE, 2, nodes, 1024, 0x100));
    SEE(syscall(SYS_mbind, p, PAGE, 2, bad, 1024, 0));
    SEE(syscall(SYS_mbind, p, 0, 2, nodes, 1024, 0));
    munmap(p, PAGE);
    SEE(syscall(SYS_mbind, p, PAGE, 2, nodes, 1024, 0));
}
CASE(program_break)
{
    char *now = sbrk(0);
    SEE((long)(sbrk(PAGE) == now));
    touch("new", now, true);
    SEE(brk(now));
    SEE((long)(sbrk(0) == now));
    SEE(brk((void *)-1));
}
CASE(keys_of_protection)
{
    SEE(syscall(SYS_pkey_free, 15));
    SEE(syscall(SYS_pkey_free, -1));
    SEE(syscall(SYS_pkey_alloc, 1, 0));
    SEE(syscall(SYS_pkey_alloc, 0, 99));
    char *p = map(1, PROT_READ, MAP_PRIVATE);
    SEE(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
    SEE(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 99));
}
