// SPDX-License-Identifier: BSD-3-Clause
#include "sign/sigstruct.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>
#include <string.h>

#include "crypto/rsa.h"
#include "sign/layout.h"

#define DATE 0x20260101u // fixed: same input, same bytes
#define RSA_BYTES 384

static void put_id(u8 id[16], u64 high, u64 low)
{
    memcpy(id, &low, sizeof(low));
    memcpy(id + sizeof(low), &high, sizeof(high));
}

// Every attribute is fixed by the signature, but for the components of XFRM that a machine may lack or the enclave
// may do without.
static void fill(const struct enclave_xml *xml, const u8 mrenclave[32], struct sgx_sigstruct *sig)
{
    memcpy(sig->header, SGX_SIGSTRUCT_HEADER, sizeof(sig->header));
    memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, sizeof(sig->header2));
    sig->date = DATE;
    sig->exponent = 3;
    sig->miscselect = (u32)xml->misc_select;
    sig->miscmask = (u32)xml->misc_mask;
    sig->attributes.flags =
        SGX_ATTR_MODE64BIT | (xml->disable_debug ? 0 : SGX_ATTR_DEBUG) | (xml->enable_kss ? SGX_ATTR_KSS : 0);
    sig->attributes.xfrm = layout_xfrm_required(xml);
    sig->attributemask.flags = ~0ull;
    sig->attributemask.xfrm = ~layout_xfrm_optional(xml);
    put_id(sig->isvfamilyid, xml->family_id_high, xml->family_id_low);
    put_id(sig->isvextprodid, xml->ext_prod_id_high, xml->ext_prod_id_low);
    sig->isvprodid = (u16)xml->prod_id;
    sig->isvsvn = (u16)xml->isv_svn;
    memcpy(sig->enclavehash, mrenclave, sizeof(sig->enclavehash));
}

static int put_modulus(EVP_PKEY *key, struct sgx_sigstruct *sig)
{
    BIGNUM *modulus = NULL;
    bool ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) == 1 &&
              BN_bn2lebinpad(modulus, sig->modulus, RSA_BYTES) == RSA_BYTES;
    BN_free(modulus);
    return ok ? 0 : -EIO;
}

static int put_signature(EVP_PKEY *key, struct sgx_sigstruct *sig)
{
    u8 digest[32], big_endian[RSA_BYTES];
    size_t len = sizeof(big_endian);
    int err = rsa_sigstruct_digest(sig, digest);

    if (err)
        return err;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool ok = ctx && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) > 0 &&
              EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) > 0 &&
              EVP_PKEY_sign(ctx, big_endian, &len, digest, sizeof(digest)) > 0 && len == RSA_BYTES;
    EVP_PKEY_CTX_free(ctx);
    for (size_t i = 0; i < RSA_BYTES && ok; i++)
        sig->signature[i] = big_endian[RSA_BYTES - 1 - i];
    return ok ? 0 : -EIO;
}

int sigstruct_make(const struct enclave_xml *xml, const u8 mrenclave[32], EVP_PKEY *key, struct sgx_sigstruct *ret_sig)
{
    struct sgx_sigstruct sig = { 0 };

    fill(xml, mrenclave, &sig);
    int err = put_modulus(key, &sig);
    if (!err)
        err = put_signature(key, &sig);
    if (!err)
        err = rsa_sigstruct_quotients(sig.signature, sig.modulus, sig.q1, sig.q2);
    if (!err)
        err = rsa_sigstruct_verify(&sig); // a faulty signature is never written
    if (!err)
        *ret_sig = sig;
    return err ? -EIO : 0;
}

int sigstruct_mrsigner(const struct sgx_sigstruct *sig, u8 ret_mrsigner[32])
{
    return EVP_Digest(sig->modulus, RSA_BYTES, ret_mrsigner, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}
