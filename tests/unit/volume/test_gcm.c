// SPDX-License-Identifier: BSD-3-Clause
// AES-256-GCM and HMAC-SHA-256 against OpenSSL, which is an implementation of other people.
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "../test.h"
#include "crypto/gcm.h"
#include "crypto/hmac.h"

static void fill(u8 *buf, size_t size)
{
    for (size_t i = 0; i < size; i++)
        buf[i] = (u8)test_random();
}

static void openssl_seal(const u8 *key, const u8 *iv, const u8 *aad, int aad_size, const u8 *in, int size, u8 *out,
                         u8 *tag)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len;

    EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, iv);
    EVP_EncryptUpdate(ctx, NULL, &len, aad, aad_size);
    EVP_EncryptUpdate(ctx, out, &len, in, size);
    EVP_EncryptFinal_ex(ctx, out + len, &len);
    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, 16, tag);
    EVP_CIPHER_CTX_free(ctx);
}

TEST(gcm_agrees_with_openssl)
{
    static u8 in[4200], ours[4200], theirs[4200], back[4200];
    u8 secret[32], iv[12], aad[64], tag[16], their_tag[16];
    struct gcm_key key;

    for (int round = 0; round < 400; round++) {
        size_t size = round < 100 ? (size_t)round + 1 : 1 + test_random() % 4200, aad_size = 1 + test_random() % 64;
        fill(secret, sizeof(secret)), fill(iv, sizeof(iv)), fill(aad, sizeof(aad)), fill(in, size);
        gcm_key_init(&key, secret);
        gcm_seal(&key, iv, aad, aad_size, in, size, ours, tag);
        openssl_seal(secret, iv, aad, (int)aad_size, in, (int)size, theirs, their_tag);
        CHECK(memcmp(ours, theirs, size) == 0);
        CHECK(memcmp(tag, their_tag, 16) == 0);
        CHECK_EQ(gcm_open(&key, iv, aad, aad_size, ours, size, back, tag), 0);
        CHECK(memcmp(back, in, size) == 0);
    }
}

TEST(gcm_refuses_every_changed_bit)
{
    u8 secret[32], iv[12], aad[40], in[64], sealed[64], back[64], tag[16];
    struct gcm_key key;

    fill(secret, sizeof(secret)), fill(iv, sizeof(iv)), fill(aad, sizeof(aad)), fill(in, sizeof(in));
    gcm_key_init(&key, secret);
    gcm_seal(&key, iv, aad, sizeof(aad), in, sizeof(in), sealed, tag);
    for (size_t bit = 0; bit < 8 * (sizeof(sealed) + sizeof(tag) + sizeof(aad) + sizeof(iv)); bit++) {
        u8 *parts[] = { sealed, tag, aad, iv };
        size_t sizes[] = { sizeof(sealed), sizeof(tag), sizeof(aad), sizeof(iv) }, at = bit / 8, part = 0;
        while (at >= sizes[part])
            at -= sizes[part++];
        parts[part][at] ^= (u8)(1 << bit % 8);
        CHECK_EQ(gcm_open(&key, iv, aad, sizeof(aad), sealed, sizeof(sealed), back, tag), -EBADMSG);
        CHECK(back[0] == 0 && memcmp(back, back + 1, sizeof(back) - 1) == 0);
        parts[part][at] ^= (u8)(1 << bit % 8);
    }
    CHECK_EQ(gcm_open(&key, iv, aad, sizeof(aad), sealed, sizeof(sealed), back, tag), 0);
}

TEST(hmac_agrees_with_openssl)
{
    u8 key[32], data[300], ours[32], theirs[32];

    for (int round = 0; round < 100; round++) {
        size_t first = test_random() % 150, second = test_random() % 150;
        fill(key, sizeof(key)), fill(data, sizeof(data));
        const struct hmac_part parts[] = { { data, first }, { data + first, second } };
        hmac_sha256(key, parts, 2, ours);
        HMAC(EVP_sha256(), key, 32, data, first + second, theirs, NULL);
        CHECK(memcmp(ours, theirs, 32) == 0);
    }
}
