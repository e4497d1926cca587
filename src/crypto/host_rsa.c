// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/rsa.h"

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <string.h>

#define RSA_BYTES 384
#define SIGNED_BYTES 128 // in each of the two parts

// 00 01 FF..FF 00, then the DigestInfo of SHA-256 (RFC 8017, 9.2), then the digest
static const u8 digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                  0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

int rsa_sigstruct_digest(const struct sgx_sigstruct *sig, u8 ret_digest[32])
{
    u8 message[2 * SIGNED_BYTES];

    memcpy(message, sig, SIGNED_BYTES);
    memcpy(message + SIGNED_BYTES, (const u8 *)sig + offsetof(struct sgx_sigstruct, miscselect), SIGNED_BYTES);
    return EVP_Digest(message, sizeof(message), ret_digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO;
}

// A number of one computation, or NULL for lack of memory. Like BN_CTX_get, it stays NULL after a first failure.
static BIGNUM *number(BN_CTX *ctx, const u8 bytes[RSA_BYTES])
{
    BIGNUM *n = BN_CTX_get(ctx);
    return n && BN_lebin2bn(bytes, RSA_BYTES, n) ? n : NULL;
}

static int quotients(BN_CTX *ctx, const u8 *signature, const u8 *modulus, u8 *q1, u8 *q2)
{
    BIGNUM *s = number(ctx, signature), *m = number(ctx, modulus);
    BIGNUM *product = BN_CTX_get(ctx), *quotient = BN_CTX_get(ctx), *rest = BN_CTX_get(ctx);

    if (!s || !m || !rest)
        return -EIO;
    if (BN_is_zero(m) || BN_cmp(s, m) >= 0)
        return -EBADMSG;
    if (!BN_sqr(product, s, ctx) || !BN_div(quotient, rest, product, m, ctx) ||
        BN_bn2lebinpad(quotient, q1, RSA_BYTES) < 0)
        return -EIO;
    if (!BN_mul(product, s, rest, ctx) || !BN_div(quotient, NULL, product, m, ctx) ||
        BN_bn2lebinpad(quotient, q2, RSA_BYTES) < 0)
        return -EIO;
    return 0;
}

int rsa_sigstruct_quotients(const u8 signature[384], const u8 modulus[384], u8 ret_q1[384], u8 ret_q2[384])
{
    BN_CTX *ctx = BN_CTX_new();
    if (!ctx)
        return -EIO;
    BN_CTX_start(ctx);
    int err = quotients(ctx, signature, modulus, ret_q1, ret_q2);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return err;
}

// s^3 mod m, big-endian
static int cube(BN_CTX *ctx, const struct sgx_sigstruct *sig, u8 ret[RSA_BYTES])
{
    BIGNUM *s = number(ctx, sig->signature), *m = number(ctx, sig->modulus);
    BIGNUM *square = BN_CTX_get(ctx), *result = BN_CTX_get(ctx);

    if (!s || !m || !result || !BN_mod_sqr(square, s, m, ctx) || !BN_mod_mul(result, square, s, m, ctx) ||
        BN_bn2binpad(result, ret, RSA_BYTES) < 0)
        return -EIO;
    return 0;
}

static int recover(const struct sgx_sigstruct *sig, u8 ret[RSA_BYTES])
{
    BN_CTX *ctx = BN_CTX_new();
    if (!ctx)
        return -EIO;
    BN_CTX_start(ctx);
    int err = cube(ctx, sig, ret);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return err;
}

int rsa_sigstruct_verify(const struct sgx_sigstruct *sig)
{
    u8 q1[RSA_BYTES], q2[RSA_BYTES], message[RSA_BYTES], expected[RSA_BYTES];
    u8 *tail = expected + RSA_BYTES - 32 - sizeof(digest_info);

    if (sig->exponent != 3 || !(sig->modulus[RSA_BYTES - 1] & 0x80))
        return -EBADMSG;
    int err = rsa_sigstruct_quotients(sig->signature, sig->modulus, q1, q2);
    if (err)
        return err;
    if (memcmp(q1, sig->q1, RSA_BYTES) != 0 || memcmp(q2, sig->q2, RSA_BYTES) != 0)
        return -EBADMSG;
    memset(expected, 0xff, sizeof(expected));
    expected[0] = 0;
    expected[1] = 1;
    tail[-1] = 0;
    memcpy(tail, digest_info, sizeof(digest_info));
    err = rsa_sigstruct_digest(sig, tail + sizeof(digest_info));
    if (!err)
        err = recover(sig, message);
    if (err)
        return err;
    return memcmp(message, expected, RSA_BYTES) == 0 ? 0 : -EBADMSG;
}
