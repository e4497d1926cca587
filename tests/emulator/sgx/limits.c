// SPDX-License-Identifier: BSD-3-Clause
// The limits of the front end that ../../../emulator/README.md states, each shown: what these checks call right is not
// what hardware does. Who lifts a limit changes the check and the README. TAP.
#include "loader.h"

#include <cpuid.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static struct enclave enclave;

static u64 outside_function(void) { return 42; }

static void check_cpuid(void)
{
    static const u8 code[] = {
        0x53, 0xb8, 0x12, 0, 0, 0, 0x31, 0xc9, 0x0f, 0xa2, 0x5b, 0xc3
    }; // push rbx; CPUID.12H.0; pop; ret
    u32 a, b, c, d;
    u8 *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(page, code, sizeof(code));
    u32 (*function)(void);
    memcpy(&function, &page, sizeof(function));
    __cpuid_count(0x12, 0, a, b, c, d);
    check((a & 3) == 3, "CPUID in a file's code is the emulator's");
    if (function() == a)
        check(true, "CPUID in code made at run time is the host's # SKIP the host has SGX2 too");
    else
        check(function() != a, "CPUID in code made at run time is the host's");
}

static void check_plaintext(void)
{
    u64 word = 0, secret = 0x5ec4e7;
    int ends[2], memory = open("/proc/self/mem", O_RDONLY);
    void *page = (void *)(enclave.base + DATA); // NOLINT
    struct iovec here = { &word, 8 }, there = { page, 8 };
    (void)ask(&enclave, OP_STORE, enclave.base + DATA, secret, 0);
    check(*(const u64 *)page == secret, "a load from outside sees what is in a page in use");
    bool sent = pipe(ends) == 0 && write(ends[1], page, 8) == 8 && read(ends[0], &word, 8) == 8;
    check(sent && word == secret, "so does a system call");
    word = 0;
    check(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 8 && word == secret, "so does process_vm_readv");
    word = 0;
    check(preadv(memory, &here, 1, (off_t)(enclave.base + DATA)) == 8 && word == secret,
          "so does preadv of /proc/self/mem");
    check(pread(memory, &word, 8, (off_t)(enclave.base + DATA)) < 0, "pread of it does not: production enclave");
}

int main(void)
{
    struct enclave_config config = { 0 };
    struct stat info;
    check(enclave_build(&enclave, &config), "an enclave");
    check_cpuid();
    check_plaintext();
    check(ask(&enclave, OP_CALL, (u64)(uintptr_t)outside_function, 0, 0) == 42,
          "code outside ELRANGE runs in enclave mode");
    check(fstat(enclave.fd, &info) == 0 && S_ISREG(info.st_mode),
          "fstat of the device's descriptor shows a regular file");
    check(stat("/dev/sgx_enclave", &info) == 0 && S_ISCHR(info.st_mode), "stat of its path shows a character device");
    check(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, "no_new_privs is set");
    return done();
}
