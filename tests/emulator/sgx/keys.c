// SPDX-License-Identifier: BSD-3-Clause
// Reports between enclaves, checked with the report key that only their target gets, and sealing keys: who gets the
// same one, and who does not. `keys seal` prints a sealing key, to compare runs. TAP.
#include "loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>

enum {
    REQUEST = DATA,
    TARGET = DATA + 0x1000,
    REPORTDATA = DATA + 0x2000,
    REPORT = DATA + 0x3000,
    KEY = DATA + 0x4000
};

static bool cmac(const u8 key[16], const void *data, size_t size, u8 ret_mac[16])
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM parameters[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0), OSSL_PARAM_END };
    size_t length;
    bool ok = EVP_MAC_init(ctx, key, 16, parameters) && EVP_MAC_update(ctx, data, size) &&
              EVP_MAC_final(ctx, ret_mac, &length, 16);
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return ok;
}

static u32 get_key(const struct enclave *e, const struct sgx_keyrequest *request, u8 ret_key[16])
{
    copy_in(e, REQUEST, request, sizeof(*request));
    u32 ret = leaf(e, ENCLU_EGETKEY, e->base + REQUEST, e->base + KEY, 0);
    if (ret == 0)
        copy_out(e, ret_key, KEY, 16);
    return ret;
}

static struct sgx_targetinfo target_of(const struct enclave *e)
{
    struct sgx_targetinfo target = { .attributes = e->secs.attributes, .miscselect = e->secs.miscselect };
    target.attributes.flags |= SGX_ATTR_INIT;
    memcpy(target.measurement, e->mrenclave, 32);
    return target;
}

static u32 report_for(const struct enclave *from, const struct sgx_targetinfo *target, const u8 data[64],
                      struct sgx_report *ret_report)
{
    copy_in(from, TARGET, target, sizeof(*target));
    copy_in(from, REPORTDATA, data, 64);
    u32 ret = leaf(from, ENCLU_EREPORT, from->base + TARGET, from->base + REPORTDATA, from->base + REPORT);
    if (ret == 0)
        copy_out(from, ret_report, REPORT, sizeof(*ret_report));
    return ret;
}

// What the target does with a report it was given.
static bool verified(const struct enclave *target, const struct sgx_report *report)
{
    struct sgx_keyrequest request = { .keyname = SGX_KEYSELECT_REPORT };
    u8 key[16], mac[16];
    memcpy(request.keyid, report->keyid, 32);
    return get_key(target, &request, key) == 0 && cmac(key, &report->body, sizeof(report->body), mac) &&
           memcmp(mac, report->mac, 16) == 0;
}

static void reports(const struct enclave *a, const struct enclave *b, const struct enclave *c)
{
    struct sgx_targetinfo target = target_of(b);
    struct sgx_report report, changed;
    u8 data[64], zero[64] = { 0 };
    for (u8 i = 0; i < 64; i++)
        data[i] = (u8)(i * 3 + 1);
    check(report_for(a, &target, data, &report) == 0, "EREPORT for another enclave");
    check(memcmp(report.body.mrenclave, a->mrenclave, 32) == 0 && memcmp(report.body.reportdata, data, 64) == 0 &&
              report.body.isvsvn == 5 && report.body.isvprodid == 9 &&
              report.body.attributes.flags == (a->secs.attributes.flags | SGX_ATTR_INIT) &&
              report.body.attributes.xfrm == a->secs.attributes.xfrm && memcmp(report.body.mrsigner, zero, 32) != 0,
          "the report tells who made it");
    check(verified(b, &report), "its target verifies it by the report key");
    check(!verified(c, &report), "a third enclave cannot");
    check(!verified(a, &report), "nor can its maker");
    static const struct {
        const char *name;
        size_t offset;
    } forged[] = {
        { "CPUSVN", offsetof(struct sgx_report_body, cpusvn) },
        { "MISCSELECT", offsetof(struct sgx_report_body, miscselect) },
        { "ATTRIBUTES", offsetof(struct sgx_report_body, attributes) },
        { "XFRM", offsetof(struct sgx_report_body, attributes) + 8 },
        { "MRENCLAVE", offsetof(struct sgx_report_body, mrenclave) },
        { "MRSIGNER", offsetof(struct sgx_report_body, mrsigner) + 31 },
        { "ISVPRODID", offsetof(struct sgx_report_body, isvprodid) },
        { "ISVSVN", offsetof(struct sgx_report_body, isvsvn) },
        { "REPORTDATA", offsetof(struct sgx_report_body, reportdata) + 63 },
        { "KEYID", offsetof(struct sgx_report, keyid) },
        { "MAC", offsetof(struct sgx_report, mac) },
    };
    for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
        changed = report;
        ((u8 *)&changed)[forged[i].offset] ^= 1;
        check(!verified(b, &changed), "a report with a changed %s is refused", forged[i].name);
    }
    struct sgx_targetinfo wrong = target;
    wrong.attributes.flags ^= SGX_ATTR_DEBUG;
    check(report_for(a, &wrong, data, &report) == 0 && !verified(b, &report),
          "a report for the target's debug twin is refused");
    wrong = target;
    wrong.miscselect ^= 1;
    check(report_for(a, &wrong, data, &report) == 0 && !verified(b, &report),
          "a report for another MISCSELECT is refused");
    check(leaf(a, ENCLU_EREPORT, a->base + TARGET + 64, a->base + REPORTDATA, a->base + REPORT) == FAULT + 13,
          "EREPORT with an unaligned TARGETINFO is #GP");
    check(leaf(a, ENCLU_EREPORT, (u64)(uintptr_t)&target, a->base + REPORTDATA, a->base + REPORT) == FAULT + 13,
          "EREPORT with a TARGETINFO outside is #GP");
    check(leaf(a, ENCLU_EREPORT, a->base + TARGET, a->base + REPORTDATA, a->base + CODE) == FAULT + 14,
          "EREPORT to a page that is not writable is #PF");
}

// Targets go by MRENCLAVE and attributes: who signed them does not matter (SDM 38.4, EREPORT).
static void twin(const struct enclave *a, const struct enclave *b, const struct enclave *same_pages)
{
    struct sgx_targetinfo target = target_of(b);
    struct sgx_report report;
    u8 data[64] = { 1 };
    check(memcmp(b->mrenclave, same_pages->mrenclave, 32) == 0 && report_for(a, &target, data, &report) == 0 &&
              verified(same_pages, &report),
          "the same pages signed by another key are the same target");
}

static struct sgx_keyrequest seal_request(const struct enclave *e, u16 policy, u16 isvsvn)
{
    struct sgx_keyrequest request = { .keyname = SGX_KEYSELECT_SEAL, .keypolicy = policy, .isvsvn = isvsvn };
    struct sgx_targetinfo self = target_of(e);
    struct sgx_report report;
    u8 data[64] = { 0 };
    if (report_for(e, &self, data, &report))
        abort();
    memcpy(request.cpusvn, report.body.cpusvn, 16);
    request.attributemask = (struct sgx_attributes){ SGX_ATTR_INIT | SGX_ATTR_DEBUG, 0 };
    memcpy(request.keyid, "a data set's own number", 24);
    return request;
}

// AES-GCM with the key the enclave gets, as a sealed file would be. False: no key, or it does not open.
static bool open_sealed(const struct enclave *e, const struct sgx_keyrequest *request, const u8 sealed[32],
                        u8 ret_plain[16])
{
    u8 key[16], iv[12] = { 0 }, tag[16];
    int length;
    if (get_key(e, request, key) != 0)
        return false;
    memcpy(tag, sealed + 16, 16);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = EVP_DecryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv) &&
              EVP_DecryptUpdate(ctx, ret_plain, &length, sealed, 16) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, 16, tag) &&
              EVP_DecryptFinal_ex(ctx, ret_plain + 16, &length);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static bool seal(const struct enclave *e, const struct sgx_keyrequest *request, const u8 plain[16], u8 ret_sealed[32])
{
    u8 key[16], iv[12] = { 0 };
    int length;
    if (get_key(e, request, key) != 0)
        return false;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool ok = EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv) &&
              EVP_EncryptUpdate(ctx, ret_sealed, &length, plain, 16) &&
              EVP_EncryptFinal_ex(ctx, ret_sealed + 16, &length) &&
              EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, ret_sealed + 16);
    EVP_CIPHER_CTX_free(ctx);
    return ok;
}

static void sealing(EVP_PKEY *key, EVP_PKEY *other_key)
{
    struct enclave v5, v7, v3, other_signer, other_product, debug, third;
    u8 plain[16] = "fifteen letters", sealed[32], by_enclave[32], got[32], a[16], b[16];
    struct enclave_config c = { .isvsvn = 5, .isvprodid = 9, .key = key };
    bool built = enclave_build(&v5, &c);
    c.tag = 1, c.isvsvn = 7;
    built &= enclave_build(&v7, &c);
    c.isvsvn = 3;
    built &= enclave_build(&v3, &c);
    c.isvsvn = 5, c.isvprodid = 10;
    built &= enclave_build(&other_product, &c);
    c.isvprodid = 9, c.attributes = SGX_ATTR_DEBUG;
    built &= enclave_build(&debug, &c);
    c.attributes = 0, c.key = other_key;
    built &= enclave_build(&other_signer, &c);
    c.tag = 3, c.key = key;
    built &= enclave_build(&third, &c);
    check(built, "enclaves of one signer with ISVSVN 3, 5 and 7, of another product, DEBUG, of another signer");
    if (!built)
        exit(1);
    struct sgx_keyrequest signer = seal_request(&v5, SGX_KEYPOLICY_MRSIGNER, 5), enclave = signer;
    enclave.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
    check(seal(&v5, &signer, plain, sealed) && seal(&v5, &enclave, plain, by_enclave), "sealed under ISVSVN 5");
    check(open_sealed(&v5, &signer, sealed, got) && memcmp(got, plain, 16) == 0, "opened by itself");
    check(open_sealed(&v7, &signer, sealed, got) && memcmp(got, plain, 16) == 0, "opened under the higher ISVSVN 7");
    check(get_key(&v3, &signer, a) == SGX_INVALID_ISVSVN, "the lower ISVSVN 3 gets no key: SGX_INVALID_ISVSVN");
    check(!open_sealed(&other_signer, &signer, sealed, got), "not opened by another signer's enclave");
    check(!open_sealed(&other_product, &signer, sealed, got), "not opened by another product of the signer");
    check(!open_sealed(&debug, &signer, sealed, got), "not opened by a DEBUG enclave");
    check(!open_sealed(&v5, &enclave, sealed, got), "policy MRENCLAVE is another key than policy MRSIGNER");
    check(open_sealed(&v5, &enclave, by_enclave, got) && !open_sealed(&v7, &enclave, by_enclave, got),
          "sealed by MRENCLAVE: opened by the same enclave, not by the signer's next one");
    struct sgx_keyrequest low = signer;
    low.isvsvn = 4;
    check(get_key(&v5, &low, a) == 0 && get_key(&v5, &signer, b) == 0 && memcmp(a, b, 16) != 0,
          "each ISVSVN has its own key");
    low = signer;
    low.keyid[31] ^= 1;
    check(get_key(&v5, &low, a) == 0 && memcmp(a, b, 16) != 0, "each KEYID has its own key");
    low = signer;
    low.cpusvn[15]++;
    check(get_key(&v5, &low, a) == SGX_INVALID_CPUSVN, "a higher CPUSVN gives SGX_INVALID_CPUSVN");
    low = signer;
    low.keyname = SGX_KEYSELECT_PROVISION;
    check(get_key(&v5, &low, a) == SGX_INVALID_ATTRIBUTE,
          "the provisioning key is not for this enclave: SGX_INVALID_ATTRIBUTE");
    low.keyname = 9;
    check(get_key(&v5, &low, a) == SGX_INVALID_KEYNAME, "no such key: SGX_INVALID_KEYNAME");
    low = signer;
    low.reserved2[433] = 1;
    check(get_key(&v5, &low, a) == FAULT + 13, "EGETKEY with reserved bits is #GP");
    reports(&v5, &v7, &third);
    twin(&v5, &v7, &other_signer);
}

static int print_seal_key(void)
{
    struct enclave e; // policy MRSIGNER would need a key pair that outlives the process
    u8 key[16];
    if (!enclave_build(&e, &(struct enclave_config){ .isvsvn = 5 }))
        return 1;
    struct sgx_keyrequest request = seal_request(&e, SGX_KEYPOLICY_MRENCLAVE, 5);
    if (get_key(&e, &request, key))
        return 1;
    for (int i = 0; i < 16; i++)
        printf("%02x", key[i]);
    printf("\n");
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "seal"))
        return print_seal_key();
    setvbuf(stdout, NULL, _IONBF, 0);
    sealing(new_key(), new_key());
    return done();
}
