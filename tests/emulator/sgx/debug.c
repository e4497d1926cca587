// SPDX-License-Identifier: BSD-3-Clause
// A debugger's view: /proc/PID/mem reads and writes the pages of a debug enclave (EDBGRD, EDBGWR) and none of a
// production enclave, from the process itself and from another one. TAP.
#include "loader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const u64 secret = 0x5ec2e75ec2e75ec2;
static struct enclave production, debug;
static int memory;

static ssize_t get(u64 address, void *data, size_t size) { return pread(memory, data, size, (off_t)address); }

static ssize_t set(u64 address, const void *data, size_t size) { return pwrite(memory, data, size, (off_t)address); }

static bool refused(ssize_t ret) { return ret == -1 && errno == EIO; }

static void reads_of_production(const char *who)
{
    u8 page[PAGE];
    u64 base = production.base;
    bool none = true;
    const u64 places[] = { base + DATA, base + CODE, tcs_of(&production, 0), tcs_of(&production, 0) + THREAD_SSA,
                           base + HEAP };
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
        memset(page, 0, sizeof(page));
        none &= refused(get(places[i], page, 64));
        for (size_t k = 0; k < sizeof(page); k++)
            none &= page[k] == 0;
    }
    check(none, "%s: no page of a production enclave can be read", who);
    check(refused(set(base + DATA, page, 8)) && refused(set(tcs_of(&production, 0) + 8, page, 8)), "%s: nor written",
          who);
}

static void reads_of_debug(const char *who)
{
    u8 page[PAGE] = { 0 };
    u64 word = 0, base = debug.base;
    check(get(base + DATA, &word, 8) == 8 && word == secret, "%s: data of a debug enclave", who);
    check(get(base + CODE, page, PAGE) == PAGE && memcmp(page, probe_code, PAGE) == 0, "%s: code", who);
    struct sgx_tcs tcs = { 0 };
    check(get(tcs_of(&debug, 0), &tcs, 72) == 72 && tcs.ossa == THREADS + THREAD_SSA && tcs.nssa == 2, "%s: a TCS",
          who);
    check(get(base + DATA + 3, page, 11) == 11 && memcmp(page, (const u8 *)&secret + 3, 5) == 0 && page[5] == 0,
          "%s: bytes across 8-byte words", who);
    check(get(base + DATA + PAGE - 4, page, 8) == 8, "%s: bytes across pages", who);
    check(refused(get(base + HEAP, page, 8)), "%s: an absent page: EIO", who);
}

static void writes(void)
{
    u8 byte = 0xab, original[8];
    u64 base = debug.base;
    check(set(base + DATA + 8, &secret, 8) == 8 && ask(&debug, OP_LOAD, base + DATA + 8, 0, 0) == secret,
          "a write that the enclave sees");
    check(set(base + DATA + 19, &byte, 1) == 1 && ask(&debug, OP_LOAD, base + DATA + 16, 0, 0) == 0xab000000,
          "of one byte");
    u64 code = base + (u64)(probe_nested - probe_code);
    check(fault_of(&debug, OP_NESTED, 0, 0, 0, NULL, NULL) == 13 && get(code, original, 8) == 8 &&
              set(code, "\x0f\x0b", 2) == 2 && fault_of(&debug, OP_NESTED, 0, 0, 0, NULL, NULL) == 6,
          "a breakpoint in code that is not writable");
    check(set(code, original, 2) == 2 && fault_of(&debug, OP_NESTED, 0, 0, 0, NULL, NULL) == 13, "and its end");
}

static void tcs_writes(void)
{
    u64 flags = SGX_TCS_DBGOPTIN, word = 0, at = tcs_of(&debug, 0);
    check(set(at + 8, &flags, 8) == 8 && get(at + 8, &word, 8) == 8 && word == flags, "FLAGS of a TCS can be written");
    check(refused(set(at + 16, &flags, 8)), "another field cannot");
    check(ask(&debug, OP_LOAD, debug.base + DATA, 0, 0) == secret, "the TCS still enters");
}

// As a debugger follows a thread: the frame of an exception shows where the enclave was.
static void frame(void)
{
    struct enclave_run run;
    struct sgx_gprsgx gpr = { 0 };
    u64 at = tcs_of(&debug, 0), rip = 0;
    enclave_call(at, ENCLU_EENTER, OP_FAULT, EVENT_UD, 0x1122334455667788, 0, &run);
    check(get(at + THREAD_SSA + PAGE - sizeof(gpr), &gpr, sizeof(gpr)) == sizeof(gpr) &&
              gpr.rdx == 0x1122334455667788 && gpr.exitinfo == (SGX_EXITINFO_VALID | SGX_EXIT_HW << 8 | 6),
          "the frame of an exception: RDX, EXITINFO");
    rip = debug.base + (u64)(probe_unwind - probe_code);
    u64 out[2], where = (u64)(uintptr_t)out, frame = at + THREAD_SSA + PAGE - sizeof(gpr);
    check(set(frame + offsetof(struct sgx_gprsgx, rip), &rip, 8) == 8 &&
              set(frame + offsetof(struct sgx_gprsgx, rdi), &where, 8) == 8,
          "a debugger sets RIP and RDI");
    sgx_resume_unwinding(at, out);
    check(ask(&debug, OP_LOAD, debug.base + DATA, 0, 0) == secret, "and the enclave went on there");
}

static void positions(void)
{
    u64 word = 0, pair[2] = { 0 };
    check(lseek(memory, (off_t)(debug.base + DATA), SEEK_SET) >= 0 && read(memory, &word, 8) == 8 && word == secret &&
              lseek(memory, 0, SEEK_CUR) == (off_t)(debug.base + DATA + 8),
          "read and its position");
    check(read(memory, pair, 16) == 16 && pair[0] == 0, "read goes on");
    word = 9;
    check(lseek(memory, (off_t)(debug.base + DATA + 64), SEEK_SET) >= 0 && write(memory, &word, 8) == 8 &&
              ask(&debug, OP_LOAD, debug.base + DATA + 64, 0, 0) == 9,
          "write");
    u64 local = 0x77, seen = 0;
    check(get((u64)(uintptr_t)&local, &seen, 8) == 8 && seen == 0x77, "memory that is no enclave's is read as ever");
    check(refused(get(8, &seen, 8)), "and what is not mapped is EIO");
}

int main(void)
{
    setvbuf(stdout, NULL, _IONBF, 0);
    bool built = enclave_build(&production, &(struct enclave_config){ 0 }) &&
                 enclave_build(&debug, &(struct enclave_config){ .attributes = SGX_ATTR_DEBUG });
    check(built, "a production and a debug enclave");
    if (!built)
        return 1;
    (void)ask(&production, OP_STORE, production.base + DATA, secret, 0);
    (void)ask(&debug, OP_STORE, debug.base + DATA, secret, 0);
    memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    reads_of_production("itself");
    reads_of_debug("itself");
    positions();
    frame();
    tcs_writes();
    close(memory);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        char path[32];
        dup2(2, 1);                                    // its answers are one of ours
        munmap((void *)production.base, ENCLAVE_SIZE); // NOLINT
        munmap((void *)debug.base, ENCLAVE_SIZE);      // NOLINT
        snprintf(path, sizeof(path), "/proc/%d/mem", parent);
        memory = open(path, O_RDWR);
        reads_of_production("another process");
        reads_of_debug("another process");
        _exit(done());
    }
    int status;
    waitpid(child, &status, 0);
    check(status == 0, "another process had the same answers");
    memory = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
    writes();
    return done();
}
