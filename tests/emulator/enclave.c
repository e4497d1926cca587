// SPDX-License-Identifier: BSD-3-Clause
// An enclave with ELRANGE at address 0, as our runtime builds it, run under the emulator: abort page, EAUG by a touch
// from outside, EACCEPT, AEX by signals, segment bases. TAP.
#include <asm/prctl.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "crypto/rsa.h"
#include "crypto/sha256.h"

enum {
    TCS = 0x10000,
    SSA = 0x11000,
    CODE = 0x12000,
    DATA = 0x13000,
    WINDOW = 0x200000,
    SIZE = 0x40000000,
    ROUNDS = 2000,
    RUN = 1024
};
extern const u8 enclave_code[4096];

static int number, failures;
static void __attribute__((format(printf, 2, 3))) check(bool ok, const char *name, ...)
{
    va_list args;
    va_start(args, name);
    printf("%sok %d - ", ok ? "" : "not ", ++number);
    vprintf(name, args);
    putchar('\n');
    va_end(args);
    failures += !ok;
}

static struct sha256 measurement;
static u8 page[4096] __attribute__((aligned(4096)));
static struct sgx_secs secs;

static void measure(const char *tag, u64 a, u64 b, u64 c)
{
    u8 block[64] = { 0 };
    memcpy(block, tag, strlen(tag));
    memcpy(block + 8, &a, 8);
    memcpy(block + 16, &b, 8);
    memcpy(block + 24, &c, 8);
    sha256_update(&measurement, block, 64);
}

static int add(int fd, u64 offset, u64 flags, const void *data)
{
    struct sgx_secinfo secinfo = { .flags = flags };
    u64 args[6] = { (u64)(uintptr_t)page, offset, 4096, (u64)(uintptr_t)&secinfo, 0, 0 };
    memset(page, 0, sizeof(page));
    if (data)
        memcpy(page, data, 4096);
    measure("EADD", offset, flags, 0);
    return ioctl(fd, 0xc030a401, args);
}

static bool sign(struct sgx_sigstruct *sig)
{
    u8 digest[32], signature[384];
    size_t size = sizeof(signature);
    memset(sig, 0, sizeof(*sig));
    memcpy(sig->header, SGX_SIGSTRUCT_HEADER, 16);
    memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, 16);
    sig->exponent = 3;
    sig->attributes = secs.attributes;
    sig->attributemask = (struct sgx_attributes){ ~0ull, ~0ull };
    sig->miscmask = ~0u;
    sha256_final(&measurement, sig->enclavehash);
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *three = BN_new(), *n = NULL;
    if (!make || !three || !BN_set_word(three, 3) || EVP_PKEY_keygen_init(make) <= 0 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(make, 3072) <= 0 || EVP_PKEY_CTX_set1_rsa_keygen_pubexp(make, three) <= 0 ||
        EVP_PKEY_generate(make, &key) <= 0 || !EVP_PKEY_get_bn_param(key, "n", &n) ||
        BN_bn2lebinpad(n, sig->modulus, 384) < 0 || rsa_sigstruct_digest(sig, digest) != 0)
        return false;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0 || EVP_PKEY_sign(ctx, signature, &size, digest, 32) <= 0)
        return false;
    for (int i = 0; i < 384; i++)
        sig->signature[i] = signature[383 - i];
    return rsa_sigstruct_quotients(sig->signature, sig->modulus, sig->q1, sig->q2) == 0;
}

static u64 enter(u64 what, u64 rsi, u64 rdx)
{
    u64 rax = 2, rbx = TCS, rcx;
    __asm__ volatile("lea 1f(%%rip), %%rcx\n1: .byte 0x0f, 0x01, 0xd7"
                     : "+a"(rax), "+b"(rbx), "=&c"(rcx), "+D"(what), "+S"(rsi), "+d"(rdx)
                     :
                     : "memory", "cc", "r8", "r9", "r10", "r11", "r12", "r13", "xmm5");
    return rdx;
}

static volatile u32 ticks, go;
static void on_alarm(int sig)
{
    if (++ticks == 5)
        go = 1;
}

static bool build(void)
{
    int fd = open("/dev/sgx_enclave", O_RDWR);
    if (fd < 0)
        return false;
    void *early =
        mmap((void *)TCS, SIZE - TCS, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
    secs = (struct sgx_secs){ .size = SIZE, .base = 0, .ssaframesize = 1, .attributes = { SGX_ATTR_MODE64BIT, 3 } };
    sha256_init(&measurement);
    measure("ECREATE", 1 | (u64)SIZE << 32, 0, 0);
    u64 create = (u64)(uintptr_t)&secs;
    static struct sgx_tcs tcs;
    tcs = (struct sgx_tcs){ .ossa = SSA, .nssa = 1, .oentry = CODE, .fslimit = ~0u, .gslimit = ~0u };
    struct sgx_sigstruct sig;
    if (early != (void *)TCS || ioctl(fd, 0x4008a400, &create))
        return false;
    munmap((void *)TCS, SIZE - TCS); // mapped again after the pages are there, with their rights
    if (add(fd, TCS, SGX_SECINFO_PT(SGX_PT_TCS), &tcs) || add(fd, SSA, 3 | SGX_SECINFO_PT(SGX_PT_REG), NULL) ||
        add(fd, CODE, 5 | SGX_SECINFO_PT(SGX_PT_REG), enclave_code) ||
        add(fd, DATA, 3 | SGX_SECINFO_PT(SGX_PT_REG), NULL) || !sign(&sig))
        return false;
    u64 init = (u64)(uintptr_t)&sig;
    int rights = PROT_READ | PROT_WRITE;
    return !ioctl(fd, 0x4008a402, &init) &&
           mmap((void *)TCS, 0x2000, rights, MAP_SHARED | MAP_FIXED, fd, 0) == (void *)TCS &&
           mmap((void *)CODE, 4096, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED, fd, 0) == (void *)CODE &&
           mmap((void *)DATA, SIZE - DATA, rights, MAP_SHARED | MAP_FIXED, fd, 0) == (void *)DATA;
}

static double since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) * 1e6 + (double)(now.tv_nsec - start->tv_nsec) / 1e3;
}

// As our runtime touches pages: one load each, nothing else of memory.
static void touch(u64 from, u64 pages)
{
    u64 at = from, end = from + pages * 4096;
    __asm__ volatile("1: movb (%0), %%cl\nadd $4096, %0\ncmp %1, %0\njb 1b"
                     : "+r"(at)
                     : "r"(end)
                     : "rcx", "cc", "memory");
}

// From outside, to pages the enclave has in use. By default the emulator shows what is in them: a limit. With
// --abort-page they are the abort page, as on hardware.
static void check_outside(bool hidden)
{
    volatile u64 *p = (volatile u64 *)(DATA + 1024); // NOLINT
    u64 copy[4], sum = 0;
    for (u64 i = 0; i < 8; i++)
        enter(3, DATA + 1024 + 8 * i, 0x1234);
    check(*p == (hidden ? ~0ull : 0x1234), "a load outside of a page in use: %s", hidden ? "ones" : "plaintext");
    __asm__ volatile("addq (%1), %0" : "+r"(sum) : "r"(p) : "cc", "memory");
    __asm__ volatile("rep movsb" ::"D"(copy), "S"(p), "c"(sizeof(copy)) : "memory");
    check(sum == (hidden ? ~0ull : 0x1234), "arithmetic outside likewise");
    check((u8)copy[0] == (hidden ? 0xff : 0x34), "a string load outside likewise");
    *p = 7;
    __asm__ volatile("lock incq (%0)" ::"r"(p + 1) : "memory", "cc");
    check(enter(0, DATA + 1024, 0) == (hidden ? 0x1234 : 7) && enter(0, DATA + 1032, 0) == (hidden ? 0x1234 : 0x1235),
          "a store outside: %s", hidden ? "dropped" : "done");
    check(enter(3, DATA + 1024, 5) == 5 && enter(0, DATA + 1024, 0) == 5, "inside nothing has changed");
}

int main(int argc, char **argv)
{ // an argument: run with --abort-page
    (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    bool built = build();
    check(built, "enclave with ELRANGE at 0");
    if (!built)
        return 1;
    check_outside(argc > 1);
    check(enter(3, DATA, 0x1234) == 0x1234 && enter(0, DATA, 0) == 0x1234, "store and load inside");

    u8 byte;
    u64 word = 1;
    __asm__ volatile("movb (%1), %0" : "=q"(byte) : "r"((u64)WINDOW));
    check(byte == 0xff, "a byte read from outside of an absent page is ones");
    __asm__ volatile("addq (%1), %0" : "+r"(word) : "r"((u64)WINDOW + 4096) : "cc");
    check(word == 0, "an arithmetic read from outside sees ones");
    *(volatile u64 *)(WINDOW + 8192) = 7;
    __asm__ volatile("lock incq (%0)" ::"r"((u64)WINDOW + 8192) : "memory", "cc");

    struct sgx_secinfo secinfo = { .flags = 3 | SGX_SECINFO_PENDING | SGX_SECINFO_PT(SGX_PT_REG) };
    for (u64 i = 0; i < 8; i++)
        enter(3, DATA + 64 + 8 * i, i ? 0 : secinfo.flags);
    bool accepted = true;
    for (u64 i = 0; i < 4; i++)
        accepted &= enter(1, DATA + 64, WINDOW + 4096 * i) == 0;
    check(accepted, "EACCEPT of pages touched from outside and of one never touched");
    check(enter(1, DATA + 64, WINDOW) == SGX_PAGE_ATTRIBUTES_MISMATCH, "EACCEPT twice");
    check(enter(0, WINDOW + 8192, 0) == 0, "writes from outside vanished");
    check(enter(3, WINDOW, 99) == 99 && enter(0, WINDOW, 0) == 99, "the accepted page holds data");

    enter(3, DATA + 512, 0xabcd);
    u64 before, after;
    syscall(SYS_arch_prctl, ARCH_GET_GS, &before);
    check(enter(4, DATA + 512, 0) == 0xabcd, "wrgsbase inside");
    syscall(SYS_arch_prctl, ARCH_GET_GS, &after);
    check(before == after, "the base of gs is restored at EEXIT");

    signal(SIGALRM, on_alarm);
    struct itimerval timer = { { 0, 3000 }, { 0, 3000 } }, off = { { 0, 0 }, { 0, 0 } };
    setitimer(ITIMER_REAL, &timer, NULL);
    check(enter(2, (u64)(uintptr_t)&go, 0) == 0x1122334455667788 && ticks >= 5, "registers survive AEX and ERESUME");
    setitimer(ITIMER_REAL, &off, NULL);

    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (int i = 0; i < ROUNDS; i++)
        enter(0, DATA, 0);
    printf("# EENTER + EEXIT: %.1f us\n", since(&start) / ROUNDS);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (u64 i = 0; i < ROUNDS; i++) {
        __asm__ volatile("movb (%1), %0" : "=q"(byte) : "r"(WINDOW * 2 + i * 4096));
        accepted &= enter(1, DATA + 64, WINDOW * 2 + i * 4096) == 0;
    }
    printf("# touch + EENTER + EACCEPT + EEXIT: %.1f us a page\n", since(&start) / ROUNDS);
    check(accepted, "a run of pages");

    clock_gettime(CLOCK_MONOTONIC, &start);
    touch(WINDOW * 8, RUN);
    printf("# touch: %.2f us a page\n", since(&start) / RUN);
    clock_gettime(CLOCK_MONOTONIC, &start);
    check(enter(5, DATA + 64, WINDOW * 8) == RUN, "EACCEPT of a run that was touched");
    printf("# EACCEPT: %.2f us a page\n", since(&start) / RUN);
    clock_gettime(CLOCK_MONOTONIC, &start);
    check(enter(5, DATA + 64, WINDOW * 16) == RUN, "EACCEPT of a run that was not");
    printf("# EAUG by EACCEPT: %.2f us a page\n", since(&start) / RUN);
    touch(WINDOW * 32, RUN);
    check(enter(5, DATA + 64, WINDOW * 32 + 512 * 4096) == 1024, "a run touched in its first half");
    check(enter(5, DATA + 64, WINDOW * 32) == 512, "a run accepted in its second half");
    check(enter(0, WINDOW * 32 + 1023 * 4096, 0) == 0, "its last page is zero");
    printf("1..%d\n", number);
    return failures != 0;
}
