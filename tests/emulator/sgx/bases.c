// SPDX-License-Identifier: BSD-3-Clause
// RDFSBASE, WRFSBASE, RDGSBASE, WRGSBASE inside an enclave, executed by the CPU or (OCCLUM_NO_FSGSBASE=1, and kernels
// without FSGSBASE) by the emulator: what they do, that code reads as it was written wherever an instruction of SGX or
// the enclave's own writing looks at it, and that eight busy threads keep their bases. An argument: seconds to be busy.
// TAP.
#include "loader.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define R SGX_SECINFO_R
#define W SGX_SECINFO_W
#define X SGX_SECINFO_X

enum { WORKERS = 8, PF = 14, GP = 13 };

// Functions for OP_CALL: RDX is their argument (the operation's third operand), RAX their answer.
__asm__(".section .rodata\n"
        ".balign 64\n"
        "code_begin:\n"
        "code_fs: wrfsbase %rdx; rdfsbase %rax; ret\n"
        ".balign 16, 0\n" // zeros before a function
        "code_fs32: wrfsbase %edx; rdfsbase %rax; ret\n"
        "code_high: mov %rdx, %r11; wrfsbase %r11; xor %eax, %eax; rdfsbase %r10; mov %r10, %rax; ret\n"
        "code_gs32: mov $-1, %rax; rdgsbase %eax; ret\n"
        "code_gs: rdgsbase %rcx; wrgsbase %rdx; mov %gs:0, %rax; wrgsbase %rcx; ret\n"
        // Not instructions: inside an immediate.
        "code_immediate: movabs $0xc3c3c3d2ae0f48f3, %rax; ret\n"
        // Until RDX's word 1 is set: %fs is still RDX.
        "code_busy: wrfsbase %rdx\n"
        "1: mov $100000, %ecx\n"
        "2: mov %fs:0, %rax; cmp %rdx, %rax; jne 3f; dec %ecx; jne 2b\n"
        "mov 8(%rdx), %rcx; cmpl $0, (%rcx); je 1b\n"
        "3: ret\n"
        "code_end:\n"
        ".previous\n");
extern const u8 code_begin[], code_fs[], code_fs32[], code_high[], code_gs32[], code_gs[], code_immediate[],
    code_busy[], code_end[];

static struct enclave enclave;

static u64 heap(u64 page) { return enclave.base + HEAP + page * PAGE; }

static bool accept(u64 flags, u64 page) { return leaf_secinfo(&enclave, ENCLU_EACCEPT, flags, heap(page), 0) == 0; }

static bool extend(u64 rights, u64 page)
{
    return leaf_secinfo(&enclave, ENCLU_EMODPE, rights | REG, heap(page), 0) == ENCLU_EMODPE;
}

static bool restrict_to(u64 rights, u64 page)
{
    u64 c[5] = { HEAP + page * PAGE, PAGE, rights, 0, 0 };
    return ioctl(enclave.fd, 0xc028a405, c) == 0 && accept(rights | SGX_SECINFO_PR | REG, page);
}

static bool add_copy(u64 rights, u64 page, u64 source)
{
    return leaf_secinfo(&enclave, ENCLU_EACCEPTCOPY, rights | REG, heap(page), source) == 0;
}

static u64 call(u64 page, const u8 *function, u64 argument)
{
    return ask(&enclave, OP_CALL, heap(page) + (u64)(function - code_begin), argument, 0);
}

static bool reads_as(u64 page, const void *want, u64 size)
{
    u8 seen[PAGE];
    copy_out(&enclave, seen, HEAP + page * PAGE, size);
    return memcmp(seen, want, size) == 0;
}

static u64 size_of_code(void) { return (u64)(code_end - code_begin); }

// Page 0 of the heap gets the functions, readable and executable.
static void instructions(void)
{
    u64 data = enclave.base + DATA, base = data + PAGE;
    copy_in(&enclave, DATA + PAGE, code_begin, size_of_code());
    check(add_copy(R | X, 0, base), "code comes in by EACCEPTCOPY");
    check(call(0, code_fs, 0x123456789a) == 0x123456789a, "wrfsbase, rdfsbase");
    check(call(0, code_fs, (1ull << 47) - 8192) == (1ull << 47) - 8192, "of a high address");
    check(call(0, code_fs32, 0x500000006) == 6, "32 bits of them, zeros before the instruction");
    check(call(0, code_high, 0x1234500) == 0x1234500, "of r8 to r15");
    u64 gs = tcs_of(&enclave, 0) + THREAD_PAGE;
    check(call(0, code_gs32, 0) == (u32)gs, "rdgsbase of 32 bits clears the upper half");
    (void)ask(&enclave, OP_STORE, data, 0xabcdef, 0);
    check(call(0, code_gs, data) == 0xabcdef, "wrgsbase");
    check(call(0, code_immediate, 0) == 0xc3c3c3d2ae0f48f3, "an immediate that looks like one stays what it is");
    check(fault_of(&enclave, OP_CALL, heap(0), 1ull << 47, 0, NULL, NULL) == GP, "a base that is not canonical: #GP");
    check(call(0, code_fs, 77) == 77, "and the page goes on");
}

static void code_as_data(void)
{
    u8 seen[PAGE];
    check(add_copy(R | W, 1, heap(0)) && reads_as(1, code_begin, size_of_code()),
          "EACCEPTCOPY of executed code copies what was written");
    int memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    check(call(0, code_fs, 5) == 5 && pread(memory, seen, size_of_code(), (off_t)heap(0)) == (ssize_t)size_of_code() &&
              memcmp(seen, code_begin, size_of_code()) == 0,
          "so does EDBGRD");
    close(memory);
    check(call(0, code_fs, 6) == 6 && restrict_to(R, 0) && reads_as(0, code_begin, size_of_code()),
          "without X the page reads as it was written");
    check(extend(R | X, 0) && call(0, code_fs, 7) == 7, "EMODPE: it is executed again");
}

// Pages that are written and executed in turn.
static void written_code(void)
{
    static const u8 store[] = { 0x48, 0x89, 0x15, 9, 0, 0, 0,         // mov %rdx, 9(%rip): to offset 16
                                0x48, 0x8b, 0x05, 2, 0, 0, 0, 0xc3 }; // mov 2(%rip), %rax; ret
    u64 size = size_of_code();
    check(accept(R | W | SGX_SECINFO_PENDING | REG, 2) && extend(R | W | X, 2), "a page with R W X");
    copy_in(&enclave, HEAP + 2 * PAGE, code_begin, size);
    check(call(2, code_fs, 8) == 8, "is executed after it was written");
    copy_in(&enclave, HEAP + 2 * PAGE + 2048, code_begin, size);
    check(reads_as(2, code_begin, size), "written again it reads as it was written");
    check(call(2, code_begin + 2048, 9) == 9 && call(2, code_fs, 10) == 10, "and both are executed");
    copy_in(&enclave, HEAP + 2 * PAGE + 3072, store, sizeof(store));
    check(call(2, code_begin + 3072, 0x1122) == 0x1122, "code that writes to its own page");
    check(call(2, code_fs, 11) == 11, "whose instructions work afterwards");
}

// An instruction whose bytes lie in two pages, as each of them changes.
static void across_pages(void)
{
    u64 size = size_of_code();
    for (u64 cut = 1; cut < 5; cut++) {
        u64 page = 8 + 4 * cut, start = PAGE - cut;
        bool ok =
            accept(R | W | SGX_SECINFO_PENDING | REG, page) && accept(R | W | SGX_SECINFO_PENDING | REG, page + 1);
        copy_in(&enclave, HEAP + page * PAGE + start, code_begin, size);
        ok = ok && extend(R | X, page) && extend(R | X, page + 1) && restrict_to(R | X, page);
        check(ok && call(page, code_begin + start, 12) == 12, "wrfsbase cut after %lu bytes", cut);
        u8 seen[PAGE];
        copy_in(&enclave, HEAP + (page + 1) * PAGE + size - cut, "", 1); // a write to the second page
        copy_out(&enclave, seen, HEAP + page * PAGE + start, cut);
        check(memcmp(seen, code_begin, cut) == 0 && call(page, code_begin + start, 13) == 13,
              "whose first part is whole while the second is data");
    }
}

static volatile u32 stop;
static u32 wrong;

struct worker {
    pthread_t thread;
    u32 number;
    pid_t tid;
};

static void *busy(void *arg)
{
    struct worker *w = arg;
    struct enclave_run run;
    u64 own = enclave.base + DATA + (u64)w->number * PAGE;
    __atomic_store_n(&w->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
    u64 seen = enclave_call(tcs_of(&enclave, w->number), ENCLU_EENTER, OP_CALL, heap(0) + (u64)(code_busy - code_begin),
                            own, 0, &run);
    while (run.function == ENCLU_ERESUME && !run.vector)
        seen = enclave_call(tcs_of(&enclave, w->number), ENCLU_ERESUME, 0, 0, 0, 0, &run);
    if (run.function != ENCLU_EEXIT || seen != own)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void move(pid_t tid, const cpu_set_t *all)
{
    cpu_set_t one;
    int cpu = rand() % CPU_SETSIZE;
    while (!CPU_ISSET((size_t)cpu, all))
        cpu = (cpu + 1) % CPU_SETSIZE;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (tid)
        sched_setaffinity(tid, sizeof(one), &one);
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void busy_threads(double seconds)
{
    struct worker worker[WORKERS] = { 0 };
    cpu_set_t all;
    sched_getaffinity(0, sizeof(all), &all);
    for (u32 i = 0; i < WORKERS; i++) {
        u64 own = enclave.base + DATA + (u64)i * PAGE;
        (void)ask(&enclave, OP_STORE, own, own, 0);
        (void)ask(&enclave, OP_STORE, own + 8, (u64)(uintptr_t)&stop, 0);
        worker[i].number = i;
    }
    for (u32 i = 0; i < WORKERS; i++)
        if (pthread_create(&worker[i].thread, NULL, busy, &worker[i]))
            abort();
    struct timespec pause = { 0, 2000000 };
    for (double end = now() + seconds; now() < end;) {
        nanosleep(&pause, NULL);
        for (u32 i = 0; i < WORKERS; i++)
            move(__atomic_load_n(&worker[i].tid, __ATOMIC_ACQUIRE), &all);
    }
    stop = 1;
    for (u32 i = 0; i < WORKERS; i++)
        pthread_join(worker[i].thread, NULL);
    check(wrong == 0, "%u busy threads moved between processors keep their bases", WORKERS);
}

int main(int argc, char **argv)
{
    struct enclave_config config = { .attributes = SGX_ATTR_DEBUG, .miscselect = 1, .threads = WORKERS };
    if (!enclave_build(&enclave, &config))
        return 1;
    if (argc < 2) {
        instructions();
        code_as_data();
        written_code();
        across_pages();
    } else {
        copy_in(&enclave, DATA + PAGE, code_begin, size_of_code());
        check(add_copy(R | X, 0, enclave.base + DATA + PAGE), "code");
    }
    busy_threads(argc > 1 ? atof(argv[1]) : 0.3);
    enclave_destroy(&enclave);
    return done();
}
