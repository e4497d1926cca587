// SPDX-License-Identifier: BSD-3-Clause
#include "imagefmt/seal.h"

#include "base/string.h"
#include "crypto/hmac.h"

static void derive(const u8 key[IMAGE_KEY_BYTES], const char *label, const u8 *id, u8 out[32])
{
    const struct hmac_part parts[] = { { label, strlen(label) + 1 }, { id, id ? 32 : 0 } };

    hmac_sha256(key, parts, id ? 2 : 1, out);
}

void image_seal_id(const u8 key[IMAGE_KEY_BYTES], const u8 contents[32], u8 ret_id[32])
{
    derive(key, "occlum image id 1", contents, ret_id);
}

void image_seal_check(const u8 key[IMAGE_KEY_BYTES], const u8 id[32], u8 ret_check[IMAGE_CHECK_BYTES])
{
    u8 code[32];

    derive(key, "occlum image check 1", id, code);
    memcpy(ret_check, code, IMAGE_CHECK_BYTES);
}

void image_volume_key(const u8 key[IMAGE_KEY_BYTES], u8 ret_key[32])
{
    derive(key, "occlum image volume 1", NULL, ret_key);
}

void image_cipher_init(struct image_cipher *cipher, const u8 key[IMAGE_KEY_BYTES], const u8 id[32])
{
    u8 secret[32];

    derive(key, "occlum image cipher 1", id, secret);
    gcm_key_init(&cipher->key, secret);
    memset(secret, 0, sizeof(secret));
    barrier();
}

void image_cipher_wipe(struct image_cipher *cipher) { gcm_key_wipe(&cipher->key); }

// Counter mode is its own inverse. GCM's counter has 32 bits behind the 96 of the IV: more than enough for one block.
void image_cipher_blocks(const struct image_cipher *cipher, u64 block, void *data, u64 count)
{
    u8 iv[GCM_IV_BYTES] = { 0 }, tag[GCM_TAG_BYTES];
    u8 *at = data;

    for (u64 i = 0; i < count; i++, at += IMAGE_SEAL_BLOCK) {
        u64 number = block + i;
        memcpy(iv, &number, sizeof(number));
        gcm_seal(&cipher->key, iv, NULL, 0, at, IMAGE_SEAL_BLOCK, at, tag);
    }
}
