// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/gcm.h"
#include <asm/errno.h>

#include "base/string.h"

// What the library's assembly takes; its own header needs a libc.
void aes_keyexp_256_enc_sse(const void *key, void *ret_round_keys);
void aes_gcm_precomp_256_sse(void *key);
void aes_gcm_enc_256_sse(const void *key, void *context, u8 *out, const u8 *in, u64 size, const u8 *iv, const u8 *aad,
                         u64 aad_size, u8 *tag, u64 tag_size);
void aes_gcm_dec_256_sse(const void *key, void *context, u8 *out, const u8 *in, u64 size, const u8 *iv, const u8 *aad,
                         u64 aad_size, u8 *tag, u64 tag_size);

// The library stores the error of wrong arguments here. Ours are right.
extern int imb_errno;
extern const int imb_errno_types[64];
int imb_errno;
const int imb_errno_types[64];

struct context {
    u8 bytes[128];
} __aligned_to(64);

static void wipe(void *at, size_t size)
{
    memset(at, 0, size);
    barrier();
}

void gcm_key_init(struct gcm_key *key, const u8 secret[GCM_KEY_BYTES])
{
    memset(key, 0, sizeof(*key));
    aes_keyexp_256_enc_sse(secret, key->data);
    aes_gcm_precomp_256_sse(key->data);
}

void gcm_key_wipe(struct gcm_key *key) { wipe(key, sizeof(*key)); }

void gcm_seal(const struct gcm_key *key, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size, const void *in,
              size_t size, void *out, u8 ret_tag[GCM_TAG_BYTES])
{
    struct context context;

    aes_gcm_enc_256_sse(key->data, &context, out, in, size, iv, aad, aad_size, ret_tag, GCM_TAG_BYTES);
    wipe(&context, sizeof(context));
}

int gcm_open(const struct gcm_key *key, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size, const void *in,
             size_t size, void *out, const u8 tag[GCM_TAG_BYTES])
{
    struct context context;
    u8 computed[GCM_TAG_BYTES], differ = 0;

    aes_gcm_dec_256_sse(key->data, &context, out, in, size, iv, aad, aad_size, computed, GCM_TAG_BYTES);
    wipe(&context, sizeof(context));
    for (size_t i = 0; i < GCM_TAG_BYTES; i++) // in constant time
        differ |= (u8)(computed[i] ^ tag[i]);
    if (!differ)
        return 0;
    memset(out, 0, size);
    return -EBADMSG;
}
