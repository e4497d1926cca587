// SPDX-License-Identifier: BSD-3-Clause
#include "crypto/sha256.h"
#include "base/string.h"

const u32 sha256_k[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static void (*blocks)(u32 state[8], const u8 *data, size_t count) = sha256_blocks_portable;

static void pair_portable(u32 a[8], u32 b[8], const u8 *data_a, const u8 *data_b, size_t count)
{
    sha256_blocks_portable(a, data_a, count);
    sha256_blocks_portable(b, data_b, count);
}

static void (*pair)(u32 a[8], u32 b[8], const u8 *data_a, const u8 *data_b, size_t count) = pair_portable;

void sha256_select(bool use_sha_ni)
{
    blocks = use_sha_ni ? sha256_blocks_ni : sha256_blocks_portable;
    pair = use_sha_ni ? sha256_blocks_ni_pair : pair_portable;
}

static u32 rotate(u32 x, int n) { return (x >> n) | (x << (32 - n)); }

static u32 load_be(const u8 *p) { return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3]; }

static void one_block(u32 state[8], const u8 *data)
{
    u32 w[64], v[8];

    for (int i = 0; i < 16; i++)
        w[i] = load_be(data + 4 * i);
    for (int i = 16; i < 64; i++) {
        u32 s0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
        u32 s1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
    for (int i = 0; i < 8; i++)
        v[i] = state[i];
#pragma GCC unroll 8 // the shift of v then costs nothing
    for (int i = 0; i < 64; i++) {
        u32 s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25), choice = (v[4] & v[5]) ^ (~v[4] & v[6]);
        u32 t1 = v[7] + s1 + choice + sha256_k[i] + w[i];
        u32 s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22),
            majority = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]);
#pragma GCC unroll 8
        for (int k = 7; k > 0; k--)
            v[k] = v[k - 1];
        v[4] += t1;
        v[0] = t1 + s0 + majority;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

void sha256_blocks_portable(u32 state[8], const u8 *data, size_t count)
{
    for (; count; count--, data += SHA256_BLOCK)
        one_block(state, data);
}

void sha256_init(struct sha256 *ctx)
{
    static const u32 initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
    memcpy(ctx->state, initial, sizeof(initial));
    ctx->length = 0;
}

void sha256_update(struct sha256 *ctx, const void *data, size_t size)
{
    const u8 *p = data;
    size_t have = ctx->length % SHA256_BLOCK;

    ctx->length += size;
    if (have) {
        size_t n = MIN(size, SHA256_BLOCK - have);
        memcpy(ctx->buffer + have, p, n);
        p += n, size -= n;
        if (have + n < SHA256_BLOCK)
            return;
        blocks(ctx->state, ctx->buffer, 1);
    }
    if (size >= SHA256_BLOCK)
        blocks(ctx->state, p, size / SHA256_BLOCK);
    memcpy(ctx->buffer, p + (size & ~63ul), size % SHA256_BLOCK);
}

void sha256_update_pair(struct sha256 *a, struct sha256 *b, const void *data_a, const void *data_b, size_t size)
{
    const u8 *p = data_a, *q = data_b;
    size_t have = a->length % SHA256_BLOCK;

    a->length += size;
    b->length += size;
    if (have) {
        size_t n = MIN(size, SHA256_BLOCK - have);
        memcpy(a->buffer + have, p, n);
        memcpy(b->buffer + have, q, n);
        p += n, q += n, size -= n;
        if (have + n < SHA256_BLOCK)
            return;
        pair(a->state, b->state, a->buffer, b->buffer, 1);
    }
    pair(a->state, b->state, p, q, size / SHA256_BLOCK);
    memcpy(a->buffer, p + (size & ~63ul), size % SHA256_BLOCK);
    memcpy(b->buffer, q + (size & ~63ul), size % SHA256_BLOCK);
}

void sha256_final(struct sha256 *ctx, u8 out[SHA256_SIZE])
{
    u64 bits = ctx->length * 8;
    size_t have = ctx->length % SHA256_BLOCK;

    ctx->buffer[have++] = 0x80;
    if (have > 56) {
        memset(ctx->buffer + have, 0, SHA256_BLOCK - have);
        blocks(ctx->state, ctx->buffer, 1);
        have = 0;
    }
    memset(ctx->buffer + have, 0, 56 - have);
    for (int i = 0; i < 8; i++)
        ctx->buffer[56 + i] = (u8)(bits >> (56 - 8 * i));
    blocks(ctx->state, ctx->buffer, 1);
    for (int i = 0; i < 32; i++)
        out[i] = (u8)(ctx->state[i / 4] >> (24 - 8 * (i % 4)));
}

void sha256(const void *data, size_t size, u8 out[SHA256_SIZE])
{
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, data, size);
    sha256_final(&ctx, out);
}
