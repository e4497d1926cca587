// SPDX-License-Identifier: BSD-3-Clause
#include "model_fixture.h"

#include "crypto/rsa.h"
#include "crypto/sha256.h"
#include "model/internal.h"

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct machine vm;
static EVP_PKEY *key;

static u8 *page_of(void *front, u32 index, const struct sgx_epcm *epcm) { return vm.pages[index]; }

static void walk(void *front, const struct sgx_cpu *cpu, u64 linaddr, struct sgx_pte *ret_pte)
{
    u64 place = (linaddr - vm.base) / 4096;
    if (linaddr >= vm.base && place < ARRAY_SIZE(vm.ptes))
        *ret_pte = vm.ptes[place];
}

static void event(void *front, const struct sgx_event *e)
{
    vm.events++;
    vm.last_event = *e;
}

void machine_init(bool sgx2)
{
    static const struct sgx_ops ops = { .page = page_of, .walk = walk, .event = event };
    struct sgx_config config = { .sgx2 = sgx2,
                                 .kss = true,
                                 .xfrm = 7,
                                 .fuse = "test fuses",
                                 .paging_key = "boot",
                                 .security_version = 3,
                                 .epc_base = 0x70000000,
                                 .xsave[2] = { 576, 256 } };
    memset(&vm, 0, sizeof(vm));
    vm.base = 0x100000;
    if (sgx_model_init(&vm.model, &config, &ops, NULL, vm.epcm, EPC_PAGES) != 0)
        abort();
    for (u32 i = 0; i < 2; i++)
        vm.cpu[i] = (struct sgx_cpu){
            .xcr0 = 7, .xsave = vm.xsave[i], .xsave_size = XSAVE_SIZE, .fs_base = 0xf5, .gs_base = 0x65
        };
}

struct sgx_secs secs_default(void)
{
    struct sgx_secs s;
    memset(&s, 0, sizeof(s));
    s.base = vm.base;
    s.size = ENCLAVE_PAGES * 4096ull;
    s.ssaframesize = 1;
    s.miscselect = vm.model.config.sgx2 ? SGX_MISC_EXINFO : 0;
    s.attributes = (struct sgx_attributes){ SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG, 7 };
    return s;
}

void map(u32 place, u32 page)
{
    vm.ptes[place] =
        (struct sgx_pte){ .present = true, .writable = true, .executable = true, .is_epc = true, .page = page };
}

struct sgx_result create(const struct sgx_secs *secs)
{
    struct sgx_secs copy = *secs;
    struct sgx_secinfo info = { 0 };
    struct sgx_page_args args = { .srcpge = (u8 *)&copy, .secinfo = &info };
    return sgx_ecreate(&vm.model, &args, SECS_ADDRESS);
}

struct sgx_result add(u32 page, u32 place, u64 flags, const void *data)
{
    u8 copy[4096] __attribute__((aligned(4096))) = { 0 };
    struct sgx_secinfo info = { .flags = flags };
    struct sgx_page_args args = { .srcpge = copy, .secinfo = &info, .linaddr = LIN(place), .secs = SECS_ADDRESS };
    if (data)
        memcpy(copy, data, sizeof(copy));
    return sgx_eadd(&vm.model, &args, EPC(page));
}

static EVP_PKEY *signing_key(void)
{
    EVP_PKEY_CTX *ctx = key ? NULL : EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *three = BN_new();
    if (!key &&
        (!BN_set_word(three, 3) || EVP_PKEY_keygen_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 3072) <= 0 ||
         EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) <= 0 || EVP_PKEY_generate(ctx, &key) <= 0))
        abort();
    BN_free(three);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

__attribute__((destructor)) static void free_key(void) { EVP_PKEY_free(key); }

void resign(struct sgx_sigstruct *sig)
{
    u8 digest[32], signature[384];
    size_t size = sizeof(signature);
    BIGNUM *n = NULL;
    EVP_PKEY *k = signing_key();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(k, NULL);

    if (!EVP_PKEY_get_bn_param(k, "n", &n) || BN_bn2lebinpad(n, sig->modulus, 384) < 0 ||
        rsa_sigstruct_digest(sig, digest) != 0 || EVP_PKEY_sign_init(ctx) <= 0 ||
        EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
        EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0 || EVP_PKEY_sign(ctx, signature, &size, digest, 32) <= 0)
        abort();
    for (int i = 0; i < 384; i++)
        sig->signature[i] = signature[383 - i];
    if (rsa_sigstruct_quotients(sig->signature, sig->modulus, sig->q1, sig->q2) != 0)
        abort();
    BN_free(n);
    EVP_PKEY_CTX_free(ctx);
}

void sign(struct sgx_sigstruct *sig)
{
    struct sgx_secs *secs = secs_of(&vm.model, P_SECS);
    struct sha256 measured = secs_private_of(&vm.model, P_SECS)->measurement;

    memset(sig, 0, sizeof(*sig));
    memcpy(sig->header, SGX_SIGSTRUCT_HEADER, 16);
    memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, 16);
    sig->exponent = 3;
    sig->attributes = secs->attributes;
    sig->attributemask = (struct sgx_attributes){ ~0ull, ~0ull };
    sig->miscselect = secs->miscselect;
    sig->miscmask = ~0u;
    sig->isvprodid = 7;
    sig->isvsvn = 5;
    sha256_final(&measured, sig->enclavehash);
    resign(sig);
    sha256(sig->modulus, 384, vm.model.lepubkeyhash);
}

static void add_standard_pages(void)
{
    struct sgx_tcs tcs;
    memset(&tcs, 0, sizeof(tcs));
    tcs.ossa = L_SSA * 4096;
    tcs.nssa = 2;
    tcs.oentry = L_CODE * 4096 + 0x10;
    tcs.ofsbase = tcs.ogsbase = L_DATA * 4096;
    const u64 rw = SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W;
    bool ok = IS_OK(add(P_TCS, L_TCS, SGX_SECINFO_PT(SGX_PT_TCS), &tcs)) && IS_OK(add(P_SSA0, L_SSA, rw, NULL)) &&
              IS_OK(add(P_SSA1, L_SSA + 1, rw, NULL)) && IS_OK(add(P_DATA, L_DATA, rw, NULL)) &&
              IS_OK(add(P_CODE, L_CODE, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_X, NULL)) &&
              IS_OK(add(P_INFO, L_INFO, rw, NULL));
    if (!ok)
        abort();
    for (u32 i = 0; i <= L_INFO; i++)
        map(i, P_TCS + i);
}

void build(u64 extra_attributes)
{
    struct sgx_secs secs = secs_default();
    struct sgx_sigstruct sig;

    secs.attributes.flags |= extra_attributes;
    if (!IS_OK(create(&secs)))
        abort();
    add_standard_pages();
    sign(&sig);
    if (!IS_OK(sgx_einit(&vm.model, &sig, SECS_ADDRESS)))
        abort();
}

struct sgx_result enclu(u32 cpu, u64 leaf, u64 rbx, u64 rcx, u64 rdx)
{
    struct sgx_gpr *g = &vm.cpu[cpu].gpr;
    g->rax = leaf, g->rbx = rbx, g->rcx = rcx, g->rdx = rdx;
    return sgx_enclu(&vm.model, &vm.cpu[cpu]);
}

struct sgx_result enter(u32 cpu)
{
    vm.cpu[cpu].gpr.rip = 0x4000;
    return enclu(cpu, ENCLU_EENTER, LIN(L_TCS), 0x5000, 0);
}

struct sgx_result resume(u32 cpu) { return enclu(cpu, ENCLU_ERESUME, LIN(L_TCS), 0x5000, 0); }

struct sgx_result leave(u32 cpu) { return enclu(cpu, ENCLU_EEXIT, 0x4003, 0, 0); }

u64 secinfo_at(u64 flags)
{
    struct sgx_secinfo info = { .flags = flags };
    memcpy(vm.pages[P_INFO], &info, sizeof(info));
    return LIN(L_INFO);
}

struct sgx_result modpr(u32 page, u64 flags)
{
    struct sgx_secinfo info = { .flags = flags };
    return sgx_emodpr(&vm.model, &info, EPC(page));
}

struct sgx_result modt(u32 page, u64 flags)
{
    struct sgx_secinfo info = { .flags = flags };
    return sgx_emodt(&vm.model, &info, EPC(page));
}

struct sgx_result aug(u32 page, u32 place)
{
    struct sgx_page_args args = { .linaddr = LIN(place), .secs = SECS_ADDRESS };
    return sgx_eaug(&vm.model, &args, EPC(page));
}
