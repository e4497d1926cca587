// SPDX-License-Identifier: BSD-3-Clause
#include "loader.h"

#include <cpuid.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "crypto/rsa.h"

int sgx_call(u64 op, u64 a, u64 b, u32 leaf, void *result, u64 c, struct enclave_run *run, void *vdso);

static int number, failures;

void check(bool ok, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%sok %d - ", ok ? "" : "not ", ++number);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    failures += !ok;
}

int done(void)
{
    printf("1..%d\n", number);
    return failures != 0;
}

EVP_PKEY *new_key(void)
{
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    BIGNUM *three = BN_new();
    if (!make || !three || !BN_set_word(three, 3) || EVP_PKEY_keygen_init(make) <= 0 ||
        EVP_PKEY_CTX_set_rsa_keygen_bits(make, 3072) <= 0 || EVP_PKEY_CTX_set1_rsa_keygen_pubexp(make, three) <= 0 ||
        EVP_PKEY_generate(make, &key) <= 0)
        abort();
    BN_free(three);
    EVP_PKEY_CTX_free(make);
    return key;
}

static bool sign(const struct enclave *e, const struct enclave_config *config, EVP_PKEY *key, struct sgx_sigstruct *sig)
{
    u8 digest[32], signature[384];
    size_t size = sizeof(signature);
    BIGNUM *n = NULL;
    *sig = (struct sgx_sigstruct){ .exponent = 3,
                                   .attributes = e->secs.attributes,
                                   .miscselect = config->miscselect,
                                   .miscmask = ~0u,
                                   .isvsvn = config->isvsvn,
                                   .isvprodid = config->isvprodid };
    memcpy(sig->header, SGX_SIGSTRUCT_HEADER, 16);
    memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, 16);
    sig->attributemask = (struct sgx_attributes){ ~0ull, ~0ull };
    memcpy(sig->enclavehash, e->mrenclave, 32);
    if (!EVP_PKEY_get_bn_param(key, "n", &n) || BN_bn2lebinpad(n, sig->modulus, 384) < 0 ||
        rsa_sigstruct_digest(sig, digest))
        return false;
    BN_free(n);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_sign(ctx, signature, &size, digest, 32) > 0;
    EVP_PKEY_CTX_free(ctx);
    for (int i = 0; i < 384; i++)
        sig->signature[i] = signature[383 - i];
    return ok && rsa_sigstruct_quotients(sig->signature, sig->modulus, sig->q1, sig->q2) == 0;
}

static void measure(struct enclave *e, const char *tag, u64 a, u64 b, u64 c)
{
    u8 block[64] = { 0 };
    memcpy(block, tag, strlen(tag));
    memcpy(block + 8, &a, 8);
    memcpy(block + 16, &b, 8);
    memcpy(block + 24, &c, 8);
    sha256_update(&e->measurement, block, 64);
}

// EADD and EEXTEND of a whole page, and the same in our own measurement (SDM 38.3).
static bool add(struct enclave *e, u64 offset, u64 flags, const void *data)
{
    static _Thread_local u8 page[PAGE] __attribute__((aligned(4096)));
    struct sgx_secinfo secinfo = { .flags = flags };
    u64 args[6] = { (u64)(uintptr_t)page, offset, PAGE, (u64)(uintptr_t)&secinfo, 1, 0 };
    memset(page, 0, sizeof(page));
    if (data)
        memcpy(page, data, PAGE);
    u8 block[64] = "EADD";
    memcpy(block + 8, &offset, 8);
    memcpy(block + 16, &secinfo, 48);
    sha256_update(&e->measurement, block, 64);
    for (u64 i = 0; i < PAGE; i += 256) {
        measure(e, "EEXTEND", offset + i, 0, 0);
        sha256_update(&e->measurement, page + i, 256);
    }
    return ioctl(e->fd, 0xc030a401, args) == 0 && args[5] == PAGE;
}

static bool map(const struct enclave *e, u64 offset, u64 size, int prot)
{
    void *at = (void *)(e->base + offset); // NOLINT
    return mmap(at, size, prot, MAP_SHARED | MAP_FIXED, e->fd, 0) == at;
}

u64 offered_xfrm(void)
{
    u32 a, b, c, d;
    __cpuid_count(0x12, 1, a, b, c, d);
    return c | (u64)d << 32;
}

u64 tcs_of(const struct enclave *e, u32 thread) { return e->base + THREADS + (u64)thread * THREAD_SPAN; }

static bool create(struct enclave *e, const struct enclave_config *config)
{
    u64 room =
        (u64)(uintptr_t)mmap(NULL, 2 * ENCLAVE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    e->fd = open("/dev/sgx_enclave", O_RDWR | O_CLOEXEC);
    if (e->fd < 0)
        return false;
    e->base = (room + ENCLAVE_SIZE - 1) & ~(u64)(ENCLAVE_SIZE - 1);
    if (e->base > room)
        munmap((void *)room, e->base - room);
    munmap((void *)(e->base + ENCLAVE_SIZE), room + ENCLAVE_SIZE - e->base);
    e->secs =
        (struct sgx_secs){ .size = ENCLAVE_SIZE, .base = e->base, .ssaframesize = 1, .miscselect = config->miscselect };
    e->secs.attributes.flags = SGX_ATTR_MODE64BIT | config->attributes;
    e->secs.attributes.xfrm = config->xfrm ? config->xfrm : offered_xfrm();
    sha256_init(&e->measurement);
    measure(e, "ECREATE", 1 | (u64)ENCLAVE_SIZE << 32, 0, 0);
    u64 argument = (u64)(uintptr_t)&e->secs;
    return ioctl(e->fd, 0x4008a400, &argument) == 0;
}

static bool add_thread(struct enclave *e, u32 thread)
{
    static struct sgx_tcs tcs;
    u64 at = THREADS + (u64)thread * THREAD_SPAN;
    tcs = (struct sgx_tcs){
        .ossa = at + THREAD_SSA, .nssa = 2, .oentry = CODE, .ogsbase = at + THREAD_PAGE, .fslimit = ~0u, .gslimit = ~0u
    };
    bool ok = add(e, at, SGX_SECINFO_PT(SGX_PT_TCS), &tcs);
    for (u64 page = THREAD_SSA; page <= THREAD_FAULT; page += PAGE)
        ok = ok && add(e, at + page, RW | SGX_SECINFO_PT(SGX_PT_REG), NULL);
    return ok && map(e, at, THREAD_FAULT + PAGE, PROT_READ | PROT_WRITE);
}

bool enclave_build(struct enclave *e, const struct enclave_config *config)
{
    static u8 data[PAGE];
    struct sgx_sigstruct sig;
    memset(e, 0, sizeof(*e));
    if (!create(e, config) || !add(e, CODE, SGX_SECINFO_R | SGX_SECINFO_X | SGX_SECINFO_PT(SGX_PT_REG), probe_code) ||
        !map(e, CODE, PAGE, PROT_READ | PROT_EXEC))
        return false;
    data[0] = config->tag;
    for (u64 i = 0; i < DATA_PAGES; i++)
        if (!add(e, DATA + i * PAGE, RW | SGX_SECINFO_PT(SGX_PT_REG), data))
            return false;
    for (u32 i = 0; i < (config->threads ? config->threads : 1); i++)
        if (!add_thread(e, i))
            return false;
    sha256_final(&e->measurement, e->mrenclave);
    EVP_PKEY *key = config->key ? config->key : new_key();
    bool ok = sign(e, config, key, &sig);
    if (!config->key)
        EVP_PKEY_free(key);
    u64 argument = (u64)(uintptr_t)&sig;
    return ok && ioctl(e->fd, 0x4008a402, &argument) == 0 && map(e, DATA, DATA_PAGES * PAGE, PROT_READ | PROT_WRITE) &&
           map(e, HEAP, ENCLAVE_SIZE - HEAP, PROT_READ | PROT_WRITE | PROT_EXEC);
}

void enclave_destroy(struct enclave *e)
{
    munmap((void *)e->base, ENCLAVE_SIZE);
    close(e->fd);
}

static void *vdso_entry(void)
{
    static void *entry;
    if (!entry) {
        void *vdso = dlopen("linux-vdso.so.1", RTLD_LAZY | RTLD_NOLOAD);
        entry = vdso ? dlsym(vdso, "__vdso_sgx_enter_enclave") : NULL;
    }
    if (!entry) {
        printf("Bail out! the vDSO has no __vdso_sgx_enter_enclave\n");
        exit(1);
    }
    return entry;
}

u64 enclave_call(u64 tcs, u32 leaf, u64 op, u64 a, u64 b, u64 c, struct enclave_run *ret_run)
{
    u64 result = ~0ull;
    *ret_run = (struct enclave_run){ .tcs = tcs };
    if (sgx_call(op, a, b, leaf, &result, c, ret_run, vdso_entry()) != 0)
        abort();
    return result;
}

u64 ask(const struct enclave *e, u64 op, u64 a, u64 b, u64 c)
{
    struct enclave_run run;
    u64 result = enclave_call(tcs_of(e, 0), ENCLU_EENTER, op, a, b, c, &run);
    if (run.function != ENCLU_EEXIT) {
        printf("Bail out! operation %lu: vector %u, code %#x, address %#lx\n", op, run.vector, run.error, run.address);
        exit(1);
    }
    return result;
}

static void set_register(u64 tcs, u64 offset, u64 value)
{
    struct enclave_run run;
    u64 gpr = tcs + THREAD_SSA + PAGE - sizeof(struct sgx_gprsgx);
    (void)enclave_call(tcs, ENCLU_EENTER, OP_STORE, gpr + offset, value, 0, &run);
    if (run.function != ENCLU_EEXIT)
        abort();
}

void resume_at(u64 tcs, const u8 *code)
{
    u64 base = tcs & ~(u64)(ENCLAVE_SIZE - 1);
    set_register(tcs, offsetof(struct sgx_gprsgx, rip), base + (u64)(code - probe_code));
}

void unwind(u64 tcs)
{
    u64 out[2];
    resume_at(tcs, probe_unwind);
    set_register(tcs, offsetof(struct sgx_gprsgx, rdi), (u64)(uintptr_t)out);
    sgx_resume_unwinding(tcs, out);
}

u32 fault_of(const struct enclave *e, u64 op, u64 a, u64 b, u64 c, u64 *ret_address, u32 *ret_code)
{
    struct enclave_run run;
    (void)enclave_call(tcs_of(e, 0), ENCLU_EENTER, op, a, b, c, &run);
    if (run.function == ENCLU_EEXIT)
        return 0;
    if (ret_address)
        *ret_address = run.address;
    if (ret_code)
        *ret_code = run.error;
    if (run.function == ENCLU_ERESUME)
        unwind(tcs_of(e, 0));
    return run.vector;
}

u32 leaf(const struct enclave *e, u32 eax, u64 rbx, u64 rcx, u64 rdx)
{
    u64 registers[4] = { eax, rbx, rcx, rdx };
    struct enclave_run run;
    u64 result = enclave_call(tcs_of(e, 0), ENCLU_EENTER, OP_ENCLU, (u64)(uintptr_t)registers, 0, 0, &run);
    if (run.function == ENCLU_EEXIT)
        return (u32)result;
    unwind(tcs_of(e, 0));
    return FAULT + run.vector;
}

u32 leaf_secinfo(const struct enclave *e, u32 eax, u64 flags, u64 rcx, u64 rdx)
{
    struct sgx_secinfo secinfo = { .flags = flags };
    copy_in(e, DATA + 0xf000, &secinfo, sizeof(secinfo));
    return leaf(e, eax, e->base + DATA + 0xf000, rcx, rdx);
}

void copy_in(const struct enclave *e, u64 offset, const void *data, u64 size)
{
    (void)ask(e, OP_COPY, e->base + offset, (u64)(uintptr_t)data, size);
}

void copy_out(const struct enclave *e, void *data, u64 offset, u64 size)
{
    (void)ask(e, OP_COPY, (u64)(uintptr_t)data, e->base + offset, size);
}
