// SPDX-License-Identifier: BSD-3-Clause
// Uses memory and threads in ways whose cost the EDMM tests count. Usage: edmm MODE ARGUMENTS.
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

static char *map(size_t size, int protection)
{
    char *at = mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return at;
}

static void touch(char *at, size_t size)
{
    for (size_t i = 0; i < size; i += 4096)
        ((volatile char *)at)[i] = 1;
}

static int check_zero(const char *at, size_t size)
{
    for (size_t i = 0; i < size; i += 4096)
        if (((const volatile char *)at)[i])
            return 1;
    return 0;
}

// touch MiB: in order.  random MiB PAGES: prints how many different pages.  reserve MiB: none.
static int do_touch(char **v)
{
    size_t size = strtoul(v[2], NULL, 0) << 20, pages = size / 4096, different = 0;
    char *at = map(size, PROT_READ | PROT_WRITE);
    if (!strcmp(v[1], "touch")) {
        touch(at, size);
    } else if (!strcmp(v[1], "random")) {
        char *seen = calloc(pages, 1);
        unsigned long state = 88172645463325252ul;
        for (long i = atol(v[3]); i > 0; i--) {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            size_t page = state % pages;
            ((volatile char *)at)[page * 4096] = 1;
            different += !seen[page];
            seen[page] = 1;
        }
        printf("%zu\n", different);
    }
    return 0;
}

// drop MiB: touched, then MADV_DONTNEED.  unmap MiB.  rounds MiB N: takes, touches and gives back N times.
static int do_give_back(char **v)
{
    size_t size = strtoul(v[2], NULL, 0) << 20;
    int rounds = !strcmp(v[1], "rounds") ? atoi(v[3]) : 1;
    while (rounds-- > 0) {
        char *at = map(size, PROT_READ | PROT_WRITE);
        if (check_zero(at, size))
            return 9;
        touch(at, size);
        if (!strcmp(v[1], "drop"))
            madvise(at, size, MADV_DONTNEED);
        else
            munmap(at, size);
    }
    return 0;
}

// extend PAGES TIMES: read-only pages become writable, a page at a time.
static int do_extend(char **v)
{
    size_t pages = strtoul(v[2], NULL, 0), times = strtoul(v[3], NULL, 0);
    char *at = map(pages * 4096, PROT_READ | PROT_WRITE);
    touch(at, pages * 4096);
    if (mprotect(at, pages * 4096, PROT_READ) != 0)
        return 1;
    for (size_t i = 0; i < times; i++)
        if (mprotect(at + i * 4096, 4096, PROT_READ | PROT_WRITE) != 0)
            return 2;
    touch(at, times * 4096);
    return 0;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)info;
    printf("signal %d, by the EPCM: %s\n", number,
           ((ucontext_t *)context)->uc_mcontext.gregs[REG_ERR] & 0x8000 ? "yes" : "no");
    fflush(stdout);
    _exit(0);
}

// text: writes to the program's own code.  readonly: to a page it protected.
static int do_enforce(char **v)
{
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
    char *at = (char *)(void *)do_enforce;
    sigaction(SIGSEGV, &action, NULL);
    if (!strcmp(v[1], "readonly")) {
        at = map(4096, PROT_READ | PROT_WRITE);
        touch(at, 4096);
        mprotect(at, 4096, PROT_READ);
    }
    *(volatile char *)at = 0;
    return 1;
}

static pthread_barrier_t barrier;

static void *wait_for_all(void *argument)
{
    pthread_barrier_wait(&barrier);
    return argument;
}

static void *nothing(void *argument) { return argument; }

// threads N: N at once.  sequence N: one after the other.
static int do_threads(char **v)
{
    static pthread_t threads[4096];
    int count = atoi(v[2]), together = !strcmp(v[1], "threads");
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    if (v[3])
        pthread_attr_setstacksize(&attributes, strtoul(v[3], NULL, 0) << 10);
    pthread_barrier_init(&barrier, NULL, (unsigned)count + 1);
    for (int i = 0; i < count; i++) {
        int error = pthread_create(&threads[i], &attributes, together ? wait_for_all : nothing, NULL);
        if (error) {
            printf("thread %d: %s\n", i, strerror(error));
            return 1;
        }
        if (!together)
            pthread_join(threads[i], NULL);
    }
    if (together) {
        pthread_barrier_wait(&barrier);
        for (int i = 0; i < count; i++)
            pthread_join(threads[i], NULL);
    }
    puts("all ran");
    return 0;
}

static int read_pages(struct dl_phdr_info *object, size_t size, void *unused)
{
    (void)size, (void)unused;
    for (int i = 0; i < object->dlpi_phnum; i++)
        for (size_t at = 0; object->dlpi_phdr[i].p_type == PT_LOAD && at < object->dlpi_phdr[i].p_memsz; at += 4096)
            *(const volatile char *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr + at);
    return 0;
}

static void remove_file(int k)
{
    char name[64];
    snprintf(name, sizeof(name), "/tmp/a-file-with-a-rather-long-name-%d", k);
    unlink(name);
    close(3 + k);
}

// files N: opens N files of /tmp and keeps them. removed N: then closes and unlinks them.
static int do_files(char **v)
{
    int count = atoi(v[2]), i, error;
    struct rlimit limit = { (rlim_t)count + 100, (rlim_t)count + 100 };
    char name[64];
    setrlimit(RLIMIT_NOFILE, &limit);
    dl_iterate_phdr(read_pages, NULL); // when the kernel heap is full no page of a file can be brought in
    for (i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "/tmp/a-file-with-a-rather-long-name-%d", i);
        if (open(name, O_RDWR | O_CREAT, 0600) < 0)
            break;
    }
    error = errno;
    for (int k = 0; !strcmp(v[1], "removed") && k < i; k++)
        remove_file(k);
    for (int k = i - 1; i < count && k >= 0 && k > i - 1000; k--) // to write the answer takes memory, too
        remove_file(k);
    printf("%s %s\n", i == count ? "all" : "some",
           i == count                           ? "open"
           : error == ENOMEM || error == ENFILE ? "ENOMEM or ENFILE"
                                                : strerror(error));
    return 0;
}

// limit STEP_KiB: takes memory until it is refused; prints how much was given. It gives 2 MiB back first: no page of
// its code can be brought in when all memory is given away.
static int do_limit(char **v)
{
    size_t step = strtoul(v[2], NULL, 0) << 10, given = 2 << 20;
    char *spare = map(given, PROT_READ | PROT_WRITE);
    while (mmap(NULL, step, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        given += step;
    int error = errno;
    munmap(spare, 2 << 20);
    printf("%zu %s\n", given, strerror(error));
    return 0;
}

int main(int c, char **v)
{
    static const struct {
        const char *mode;
        int (*run)(char **v);
    } modes[] = {
        { "touch", do_touch },      { "random", do_touch },     { "reserve", do_touch },    { "drop", do_give_back },
        { "unmap", do_give_back },  { "rounds", do_give_back }, { "extend", do_extend },    { "text", do_enforce },
        { "readonly", do_enforce }, { "threads", do_threads },  { "sequence", do_threads }, { "files", do_files },
        { "removed", do_files },    { "limit", do_limit },
    };
    for (size_t i = 0; c > 1 && i < sizeof(modes) / sizeof(modes[0]); i++)
        if (!strcmp(modes[i].mode, v[1]))
            return modes[i].run(v);
    return 2;
}
