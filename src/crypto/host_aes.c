// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/aes.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <string.h>

int aes128_cmac(const u8 key[16], const void *message, size_t size, u8 ret_mac[16])
{
    char cipher[] = "AES-128-CBC";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                            OSSL_PARAM_construct_end() };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    size_t length;
    u8 out[16];
    bool ok = ctx && EVP_MAC_init(ctx, key, 16, params) && EVP_MAC_update(ctx, message, size) &&
              EVP_MAC_final(ctx, out, &length, sizeof(out));

    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    if (ok)
        memcpy(ret_mac, out, sizeof(out));
    return ok ? 0 : -EIO;
}

// Runs the cipher up to the tag. 0 or -EIO.
static int gcm_crypt(EVP_CIPHER_CTX *ctx, int seal, const u8 *key, const u8 *iv, const void *aad, size_t aad_size,
                     const void *in, size_t size, void *out)
{
    int done;

    if (!ctx || size > INT_MAX || aad_size > INT_MAX)
        return -EIO;
    if (!EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv, seal) ||
        !EVP_CipherUpdate(ctx, NULL, &done, aad, (int)aad_size) || !EVP_CipherUpdate(ctx, out, &done, in, (int)size))
        return -EIO;
    return 0;
}

int aes128_gcm_seal(const u8 key[16], const u8 iv[12], const void *aad, size_t aad_size, const void *in, size_t size,
                    void *out, u8 ret_tag[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int err = gcm_crypt(ctx, 1, key, iv, aad, aad_size, in, size, out), done;
    u8 rest[16];

    if (err == 0 && (!EVP_CipherFinal_ex(ctx, rest, &done) ||
                     !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, AES_TAG_SIZE, ret_tag)))
        err = -EIO;
    EVP_CIPHER_CTX_free(ctx);
    return err;
}

int aes128_gcm_open(const u8 key[16], const u8 iv[12], const void *aad, size_t aad_size, const void *in, size_t size,
                    void *out, const u8 tag[16])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int err = gcm_crypt(ctx, 0, key, iv, aad, aad_size, in, size, out), done;
    u8 expected[AES_TAG_SIZE], rest[16];

    memcpy(expected, tag, sizeof(expected)); // OpenSSL wants it writable
    if (err == 0 && !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, AES_TAG_SIZE, expected))
        err = -EIO;
    if (err == 0 && !EVP_CipherFinal_ex(ctx, rest, &done))
        err = -EBADMSG;
    if (err != 0)
        memset(out, 0, size);
    EVP_CIPHER_CTX_free(ctx);
    return err;
}
