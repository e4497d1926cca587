// SPDX-License-Identifier: BSD-3-Clause
// Sealed images, with OpenSSL's HMAC and AES-256-CTR as the witness.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "../test.h"
#include "imagefmt/seal.h"

static u8 key[32], id[32], contents[32];

static void witness_derive(const char *label, const u8 *more, u8 out[32])
{
    u8 text[128];
    unsigned size;
    size_t n = strlen(label) + 1;

    memcpy(text, label, n);
    if (more)
        memcpy(text + n, more, 32);
    HMAC(EVP_sha256(), key, sizeof(key), text, n + (more ? 32 : 0), out, &size);
}

static void fill(u8 *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (u8)test_random();
}

TEST(keys_are_what_they_say)
{
    u8 wanted[32], got[32];

    fill(key, 32);
    fill(contents, 32);
    image_seal_id(key, contents, id);
    witness_derive("occlum image id 1", contents, wanted);
    CHECK(memcmp(id, wanted, 32) == 0);
    image_seal_check(key, id, got);
    witness_derive("occlum image check 1", id, wanted);
    CHECK(memcmp(got, wanted, IMAGE_CHECK_BYTES) == 0);
    image_volume_key(key, got);
    witness_derive("occlum image volume 1", NULL, wanted);
    CHECK(memcmp(got, wanted, 32) == 0);
}

TEST(blocks_are_aes_256_ctr)
{
    static struct image_cipher cipher;
    static u8 blocks[5][IMAGE_SEAL_BLOCK], clear[5][IMAGE_SEAL_BLOCK], wanted[IMAGE_SEAL_BLOCK];
    const u64 first = (1ull << 40) + 3;
    u8 secret[32], iv[16];
    int n;

    fill(clear[0], sizeof(clear));
    memcpy(blocks, clear, sizeof(blocks));
    image_cipher_init(&cipher, key, id);
    image_cipher_blocks(&cipher, first, blocks, 5);
    witness_derive("occlum image cipher 1", id, secret);
    for (u64 i = 0; i < 5; i++) {
        u64 number = first + i;
        memset(iv, 0, sizeof(iv));
        memcpy(iv, &number, sizeof(number));
        iv[15] = 2; // of GCM: 1 is the tag's
        EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        EVP_EncryptInit_ex(ctx, EVP_aes_256_ctr(), NULL, secret, iv);
        EVP_EncryptUpdate(ctx, wanted, &n, clear[i], IMAGE_SEAL_BLOCK);
        EVP_CIPHER_CTX_free(ctx);
        CHECK(memcmp(blocks[i], wanted, IMAGE_SEAL_BLOCK) == 0);
    }
    image_cipher_blocks(&cipher, first + 2, blocks[2], 1);
    CHECK(memcmp(blocks[2], clear[2], IMAGE_SEAL_BLOCK) == 0);
    image_cipher_wipe(&cipher);
}
