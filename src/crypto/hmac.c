// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/hmac.h"
#include "base/string.h"

static void begin(struct sha256 *ctx, const u8 key[32], u8 pad)
{
    u8 block[SHA256_BLOCK];

    memset(block, pad, sizeof(block));
    for (size_t i = 0; i < 32; i++)
        block[i] ^= key[i];
    sha256_init(ctx);
    sha256_update(ctx, block, sizeof(block));
    memset(block, 0, sizeof(block));
    barrier();
}

void hmac_sha256(const u8 key[32], const struct hmac_part *parts, size_t count, u8 out[SHA256_SIZE])
{
    struct sha256 ctx;
    u8 inner[SHA256_SIZE];

    begin(&ctx, key, 0x36);
    for (size_t i = 0; i < count; i++)
        sha256_update(&ctx, parts[i].data, parts[i].size);
    sha256_final(&ctx, inner);
    begin(&ctx, key, 0x5c);
    sha256_update(&ctx, inner, sizeof(inner));
    sha256_final(&ctx, out);
    memset(&ctx, 0, sizeof(ctx));
    memset(inner, 0, sizeof(inner));
    barrier();
}
