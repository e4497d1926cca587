// SPDX-License-Identifier: BSD-3-Clause
// The driver's argument checks, error numbers, counts, mapping rules and life of an enclave, against what Linux 6.1
// does. `sgx-driver old` runs it as the driver without the SGX2 ioctls would answer, `sgx-driver sgx1` as a CPU without
// SGX2. TAP.
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CREATE = 0x4008a400, INIT = 0x4008a402, PROVISION = 0x4008a403, SIZE = 0x1000000, MANY = 2048 };
#define ADD 0xc030a401u
#define RESTRICT 0xc028a405u
#define TYPES 0xc028a406u
#define REMOVE 0xc018a407u
#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define TCS SGX_SECINFO_PT(SGX_PT_TCS)
#define ADDRESS(p) ((u64)(uintptr_t)(p))

struct add {
    u64 src, offset, length, secinfo, flags, count;
};

static int fd;
static u8 *base, *source;
static struct sgx_secinfo secinfo;

// 0 or the error number.
static int call(u32 command, void *argument) { return ioctl(fd, command, argument) == 0 ? 0 : errno; }

static int create(u64 size, u64 at, u32 frame_pages)
{
    static struct sgx_secs secs __attribute__((aligned(4096)));
    secs = (struct sgx_secs){
        .size = size, .base = at, .ssaframesize = frame_pages, .attributes = { SGX_ATTR_MODE64BIT, 3 }
    };
    u64 argument = ADDRESS(&secs);
    return call(CREATE, &argument);
}

static int add(u64 src, u64 offset, u64 length, u64 flags, u64 *ret_count)
{
    secinfo.flags = flags;
    struct add a = { src, offset, length, ADDRESS(&secinfo), 1, 0x77 };
    int ret = call(ADD, &a);
    if (ret_count)
        *ret_count = a.count;
    return ret;
}

static int map(u64 offset, u64 size, int prot)
{
    void *at = base + offset;
    return mmap(at, size, prot, MAP_SHARED | MAP_FIXED, fd, 0) == at ? 0 : errno;
}

static int init(u32 vendor, u64 attributes, u64 mask, u32 misc)
{
    static struct sgx_sigstruct sig;
    memset(&sig, 0, sizeof(sig));
    sig.vendor = vendor;
    sig.attributes.flags = attributes;
    sig.attributemask.flags = mask;
    sig.miscselect = misc;
    sig.miscmask = ~0u;
    u64 argument = ADDRESS(&sig);
    return call(INIT, &argument);
}

static void check_create(void)
{
    u64 nowhere = 8;
    check(add(ADDRESS(source), 0, PAGE, REG | 3, NULL) == EINVAL && init(0, 0, 0, 0) == EINVAL,
          "ADD_PAGES and INIT before CREATE: EINVAL");
    check(call(CREATE, (void *)8) == EFAULT && call(CREATE, &nowhere) == EFAULT,
          "CREATE from nowhere: EFAULT"); // NOLINT
    check(create(0, ADDRESS(base), 1) == EINVAL && create(3 * PAGE, ADDRESS(base), 1) == EINVAL,
          "CREATE of a size that is no power of 2: EINVAL");
    check(create(SIZE, ADDRESS(base) + PAGE, 1) == EIO, "CREATE at an address ECREATE refuses: EIO");
    check(create(SIZE, ADDRESS(base), 0) == EIO, "CREATE with an SSA frame ECREATE refuses: EIO");
    check(create(SIZE, ADDRESS(base), 1) == 0, "CREATE after all that");
    check(create(SIZE, ADDRESS(base), 1) == EINVAL, "CREATE twice: EINVAL");
    check(ioctl(fd, 0x4008a4ff, &nowhere) < 0 && errno == ENOTTY, "an ioctl that is none: ENOTTY");
}

static void check_add(void)
{
    u64 count, src = ADDRESS(source);
    struct add a = { src, 0, PAGE, 8, 1, 0 };
    check(call(ADD, (void *)8) == EFAULT && call(ADD, &a) == EFAULT,
          "ADD_PAGES with arguments or SECINFO nowhere: EFAULT"); // NOLINT
    check(add(src + 8, 0, PAGE, REG | 3, NULL) == EINVAL && add(src, 8, PAGE, REG | 3, NULL) == EINVAL,
          "unaligned: EINVAL");
    check(add(src, 0, 0, REG | 3, NULL) == EINVAL && add(src, 0, 100, REG | 3, NULL) == EINVAL,
          "a length of 0 or not of pages: EINVAL");
    check(add(src, SIZE, PAGE, REG | 3, NULL) == EINVAL && add(src, SIZE - PAGE, 2 * PAGE, REG | 3, NULL) == EINVAL &&
              add(src, ~0ull << 12, 2 * PAGE, REG | 3, NULL) == EINVAL,
          "beyond the enclave: EINVAL");
    check(add(src, 0, PAGE, REG | 2, NULL) == EINVAL && add(src, 0, PAGE, TCS | 3, NULL) == EINVAL &&
              add(src, 0, PAGE, SGX_SECINFO_PT(SGX_PT_VA), NULL) == EINVAL &&
              add(src, 0, PAGE, REG | 3 | SGX_SECINFO_PENDING, NULL) == EINVAL &&
              add(src, 0, PAGE, REG | 3 | 1ull << 40, NULL) == EINVAL,
          "W without R, a TCS with rights, other types, flags: EINVAL");
    secinfo.reserved[3] = 1;
    check(add(src, 0, PAGE, REG | 3, &count) == EINVAL && count == 0x77,
          "reserved bytes: EINVAL, and the count is not written");
    secinfo.reserved[3] = 0;
    check(add(src, 0, 4 * PAGE, REG | 3, &count) == 0 && count == 4 * PAGE, "four pages in one call");
    check(add(src, 3 * PAGE, 2 * PAGE, REG | 3, &count) == EBUSY && count == 0, "a page that is there: EBUSY");
    check(add(src, 2 * PAGE, PAGE, REG | 3, &count) == EBUSY && add(src, 5 * PAGE, PAGE, REG | 5, &count) == 0,
          "others can still be added");
    check(add(src, 4 * PAGE, 2 * PAGE, REG | 3, &count) == EBUSY && count == PAGE,
          "EBUSY at the second: one is counted");
    memset(source + 8 * PAGE, 0xff, PAGE);
    check(add(src + 8 * PAGE, 8 * PAGE, PAGE, TCS, &count) == EIO && count == 0, "a TCS that EADD refuses: EIO");
    check(munmap(source + 9 * PAGE, PAGE) == 0 && add(src + 7 * PAGE, 16 * PAGE, 4 * PAGE, REG | 3, &count) == EFAULT &&
              count == 2 * PAGE,
          "a source that ends: EFAULT, two are counted");
    check(mprotect(source + 10 * PAGE, PAGE, PROT_NONE) == 0 &&
              add(src + 10 * PAGE, 20 * PAGE, PAGE, REG | 3, &count) == EFAULT,
          "a source that cannot be read: EFAULT");
}

static volatile int ticks;
static void on_tick(int sig) { ticks += sig == SIGALRM; }

static void check_interrupted(void)
{
    struct itimerval soon = { { 0, 0 }, { 0, 2000 } };
    u64 count = 0, from = 0x200000, left = (u64)MANY * PAGE, calls = 0;
    u8 *many = mmap(NULL, left, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    signal(SIGALRM, on_tick);
    setitimer(ITIMER_REAL, &soon, NULL);
    int ret = 0;
    for (; left && ret == 0 && calls < 100; calls++) {
        ret = add(ADDRESS(many) + from - 0x200000, from, left, REG | 3, &count);
        from += count;
        left -= count;
    }
    check(ret == 0 && !left && ticks == 1 && calls > 1,
          "a signal ends ADD_PAGES early: 0 and a count, %lu calls for all", calls);
    munmap(many, (u64)MANY * PAGE);
}

static void check_noexec(void)
{
    char folder[] = "/tmp/noexec-XXXXXX", path[64];
    bool mounted = mkdtemp(folder) && mount("none", folder, "tmpfs", MS_NOEXEC, "size=64k") == 0;
    snprintf(path, sizeof(path), "%s/file", folder);
    int file = mounted ? open(path, O_RDWR | O_CREAT, 0600) : -1;
    void *p = file >= 0 && ftruncate(file, PAGE) == 0 ? mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0) : MAP_FAILED;
    if (p == MAP_FAILED)
        check(true, "a source on a noexec file system # SKIP mounting needs root");
    else
        check(add(ADDRESS(p), 24 * PAGE, PAGE, REG | 1, NULL) == EACCES, "a source on a noexec file system: EACCES");
    if (p != MAP_FAILED)
        munmap(p, PAGE);
    close(file);
    if (mounted)
        umount(folder);
    rmdir(folder);
}

static void check_map(void)
{
    check(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL, "MAP_PRIVATE: EINVAL");
    check(map(0, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == EACCES && map(0, PAGE, PROT_READ | PROT_EXEC) == EACCES,
          "mmap with more than ADD_PAGES gave: EACCES");
    check(map(0, 6 * PAGE, PROT_READ) == 0 && map(0, 6 * PAGE, PROT_READ | PROT_WRITE) == EACCES,
          "one page in the range decides");
    check(mprotect(base, PAGE, PROT_READ | PROT_WRITE) == 0 && mprotect(base, PAGE, PROT_READ | PROT_EXEC) < 0 &&
              errno == EACCES,
          "mprotect likewise");
    check(map(10 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0,
          "absent pages may be mapped with any rights");
}

static sigjmp_buf back;
static volatile int caught;
static void on_signal(int sig)
{
    caught = sig;
    siglongjmp(back, 1);
}

// The signal that a load from outside gets; 0: none.
static int touch(const volatile u8 *p)
{
    caught = 0;
    if (sigsetjmp(back, 1) == 0)
        (void)*p;
    return caught;
}

static void check_init(void)
{
    check(touch(base + 10 * PAGE) == SIGBUS, "an absent page of an enclave that is not initialised: SIGBUS");
    check(call(INIT, (void *)8) == EFAULT, "INIT from nowhere: EFAULT"); // NOLINT
    check(init(0x1234, 0, 0, 0) == EINVAL, "another vendor: EINVAL");
    check(init(0, SGX_ATTR_MODE64BIT | 1ull << 50, ~0ull, 0) == EINVAL && init(0, 0, 0, 1u << 20) == EINVAL,
          "attributes or MISCSELECT this CPU has not: EINVAL");
    check(init(0, SGX_ATTR_MODE64BIT | 1ull << 50, 0, 0) == EPERM, "EINIT refuses: EPERM");
    struct add c = { 0, PAGE, 0, 0, 0, 0 };
    int sgx2 = call(RESTRICT, &c);
    check(sgx2 == EINVAL || sgx2 == ENOTTY || sgx2 == ENODEV, "SGX2 ioctls before INIT are refused (%d)", sgx2);
}

static void check_provision(void)
{
    u64 argument = (u64)fd;
    check(call(PROVISION, &argument) == EINVAL, "PROVISION with another file: EINVAL");
    argument = 1000;
    check(call(PROVISION, &argument) == EINVAL, "PROVISION with no file: EINVAL");
    int provision = open("/dev/sgx_provision", O_RDONLY);
    argument = (u64)provision;
    check(provision >= 0 && call(PROVISION, &argument) == 0, "PROVISION");
    close(provision);
}

// A forked child has the enclave as its parent has (the driver adds its mm).
static void check_fork(const struct enclave *e)
{
    int status = -1;
    (void)ask(e, OP_STORE, e->base + DATA, 4711, 0);
    pid_t child = fork();
    if (child == 0) {
        u64 seen = ask(e, OP_LOAD, e->base + DATA, 0, 0);
        (void)ask(e, OP_STORE, e->base + DATA, 4712, 0);
        _exit(seen == 4711 ? 0 : 1);
    }
    waitpid(child, &status, 0);
    check(status == 0, "a forked child enters the enclave and sees its memory");
    check(ask(e, OP_LOAD, e->base + DATA, 0, 0) == 4712, "the parent sees what it wrote, and the enclave outlives it");
}

static u32 accept(const struct enclave *e, u64 page, u64 flags)
{
    return leaf_secinfo(e, ENCLU_EACCEPT, flags | REG, e->base + HEAP + page * PAGE, 0);
}

// Rights taken from a page are taken from every address space.
static void check_fork_rights(const struct enclave *e)
{
    int up[2], down[2], status = -1;
    char byte = 0;
    u64 page = e->base + HEAP;
    bool ready = accept(e, 0, 3 | SGX_SECINFO_PENDING) == 0 && pipe(up) == 0 && pipe(down) == 0;
    pid_t child = fork();
    if (child == 0) {
        bool before = fault_of(e, OP_STORE, page, 1, 0, NULL, NULL) == 0;
        if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1)
            _exit(9);
        u32 code = 0;
        bool after = fault_of(e, OP_STORE, page, 2, 0, NULL, &code) == 14 && code == 0x8007;
        _exit(!before + 2 * !after);
    }
    struct {
        u64 offset, length, value, result, count;
    } c = { HEAP, PAGE, 1, 0, 0 };
    ready = ready && read(up[0], &byte, 1) == 1 && call(RESTRICT, &c) == 0 && write(down[1], &byte, 1) == 1;
    waitpid(child, &status, 0);
    check(ready && status == 0, "RESTRICT_PERMISSIONS reaches a forked child (%#x)", status);
    check(accept(e, 0, 1 | SGX_SECINFO_PR) == 0 && ask(e, OP_LOAD, page, 0, 0) == 1, "and is accepted by the parent");
}

// Waits until both processes have come here as often; not for ever, as the other may have failed.
static void meet(u32 *meetings, u32 times)
{
    __atomic_add_fetch(meetings, 1, __ATOMIC_SEQ_CST);
    for (u32 i = 0; i < 20000 && __atomic_load_n(meetings, __ATOMIC_SEQ_CST) < 2 * times; i++)
        usleep(1000);
}

// Two processes, an enclave each: together they need more EPC than `sgx-driver pair` is given.
static int pair(u64 pages)
{
    u32 *meetings = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct enclave e;
    struct enclave_config config = { 0 };
    int status = 0;
    pid_t child = fork();
    u64 salt = child ? 0x1000000 : 0x2000000;
    if (!enclave_build(&e, &config))
        return 1;
    for (u64 i = 0; i < pages; i++)
        if (accept(&e, i, 3 | SGX_SECINFO_PENDING) != 0 ||
            fault_of(&e, OP_STORE, e.base + HEAP + i * PAGE, i + salt, 0, NULL, NULL))
            return 2;
    meet(meetings, 1); // both have all of it
    for (u64 i = 0; i < 2 * pages; i++) {
        u64 page = i * 7 % pages, value = ask(&e, OP_LOAD, e.base + HEAP + page * PAGE, 0, 0);
        if (value != page + salt) {
            printf("# page %lu: %#lx\n", page, value);
            return 3;
        }
    }
    meet(meetings, 2);
    if (child)
        waitpid(child, &status, 0);
    return status ? 4 : 0;
}

static void check_sgx2(const struct enclave *e, const char *mode)
{
    u64 c[5] = { HEAP, PAGE, 1, 0, 0 }, r[3] = { HEAP, PAGE, 0 };
    int expected = !strcmp(mode, "old") ? ENOTTY : ENODEV;
    fd = e->fd;
    check(call(RESTRICT, c) == expected && call(TYPES, c) == expected && call(REMOVE, r) == expected, "SGX2 ioctls: %s",
          strerror(expected));
    check(touch((const u8 *)e->base + HEAP) == SIGBUS, "an absent page: SIGBUS"); // NOLINT
    u32 answer = leaf_secinfo(e, ENCLU_EACCEPT, 3 | SGX_SECINFO_PENDING | REG, e->base + HEAP, 0);
    check(answer == (strcmp(mode, "old") ? FAULT + 13 : FAULT + 14),
          "EACCEPT of it: #GP without the leaf, #PF without EAUG (%#x)", answer);
}

static void check_arguments(const struct enclave *e)
{
    struct {
        u64 offset, length, value, result, count;
    } c = { HEAP, 2 * PAGE, 1, 0, 0 };
    fd = e->fd;
    check(call(RESTRICT, (void *)8) == EFAULT, "arguments nowhere: EFAULT"); // NOLINT
    c.result = 1;
    check(call(RESTRICT, &c) == EINVAL, "RESTRICT_PERMISSIONS with a result: EINVAL");
    c.result = 0, c.count = 1;
    check(call(RESTRICT, &c) == EINVAL && call(TYPES, &c) == EINVAL, "with a count: EINVAL");
    c.count = 0, c.value = 1 << 8;
    check(call(TYPES, &c) == EINVAL, "a type beyond 255: EINVAL");
    c.value = SGX_PT_SECS;
    check(call(TYPES, &c) == EINVAL, "another type: EINVAL");
    c.offset = ENCLAVE_SIZE;
    check(call(TYPES, &c) == EINVAL, "beyond the enclave: EINVAL");
    u64 r[3] = { HEAP, PAGE, 5 };
    check(call(REMOVE, r) == EINVAL, "REMOVE_PAGES with a count: EINVAL");
    struct add a = { ADDRESS(source), HEAP, PAGE, ADDRESS(&secinfo), 0, 0 };
    check(call(ADD, &a) == EINVAL && init(0, 0, 0, 0) == EINVAL && create(SIZE, 0, 1) == EINVAL,
          "CREATE, ADD_PAGES, INIT after INIT: EINVAL");
    check(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EACCES,
          "mapping outside ELRANGE: EACCES");
}

// Enclave after enclave; their EPC pages must come back. Every other one is closed before it is unmapped.
static int lives(int count)
{
    struct enclave e;
    struct enclave_config config = { .threads = 4 };
    config.key = new_key();
    for (int i = 0; i < count; i++) {
        if (!enclave_build(&e, &config) || ask(&e, OP_LOAD, e.base + DATA, 0, 0) != 0)
            return 1;
        if (i % 2)
            close(e.fd);
        munmap((void *)e.base, ENCLAVE_SIZE);
        if (!(i % 2))
            close(e.fd);
    }
    return 0;
}

// For the bench: ADD_PAGES of so many MB, measured or not. Prints seconds.
static int load(u64 megabytes, u64 flags)
{
    u64 size = megabytes << 20;
    struct timespec from, to;
    fd = open("/dev/sgx_enclave", O_RDWR);
    u8 *room = mmap(NULL, 4 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    u8 *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    secinfo.flags = REG | 3;
    struct add a = { ADDRESS(pages), 0, size, ADDRESS(&secinfo), flags, 0 };
    if (create(2 * size, (ADDRESS(room) + 2 * size - 1) & ~(2 * size - 1), 1) != 0)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &from);
    int ret = call(ADD, &a);
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%.3f\n", (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    return ret;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    struct enclave enclave;
    struct enclave_config config = { 0 };
    if (!strcmp(mode, "lives"))
        return lives(argc > 2 ? atoi(argv[2]) : 20);
    if (!strcmp(mode, "pair") && argc > 2)
        return pair((u64)atoi(argv[2]));
    if (!strcmp(mode, "load") && argc > 3)
        return load((u64)atoi(argv[2]), (u64)atoi(argv[3]));
    signal(SIGBUS, on_signal);
    signal(SIGSEGV, on_signal);
    fd = open("/dev/sgx_enclave", O_RDWR);
    base = mmap(NULL, 2 * SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    base = (u8 *)((ADDRESS(base) + SIZE - 1) & ~(u64)(SIZE - 1)); // NOLINT
    source = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(fd >= 0, "open");
    check_create();
    check_add();
    check_interrupted();
    check_noexec();
    check_map();
    check_init();
    check_provision();
    check(enclave_build(&enclave, &config), "an enclave that is whole");
    if (*mode) {
        check_sgx2(&enclave, mode);
    } else {
        check_arguments(&enclave);
        check_fork(&enclave);
        check_fork_rights(&enclave);
    }
    return done();
}
