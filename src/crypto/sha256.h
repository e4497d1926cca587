// SPDX-License-Identifier: BSD-3-Clause
// SHA-256 (FIPS 180-4). No allocation, no globals but the choice of the block function.
#pragma once

#include "base/types.h"

enum { SHA256_SIZE = 32, SHA256_BLOCK = 64 };

struct sha256 {
    u32 state[8];
    u64 length; // bytes so far
    u8 buffer[SHA256_BLOCK];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t size);
// Two messages of one length side by side: with SHA-NI nearly twice as fast as one after the other, because the
// instructions of one hide the latency of the other. Both contexts have taken the same number of bytes so far.
void sha256_update_pair(struct sha256 *a, struct sha256 *b, const void *data_a, const void *data_b, size_t size);
void sha256_final(struct sha256 *ctx, u8 out[SHA256_SIZE]);
void sha256(const void *data, size_t size, u8 out[SHA256_SIZE]);

// Chooses the code for all later calls. With SHA-NI the functions use vector registers: the caller saves them.
void sha256_select(bool use_sha_ni);

// Block functions: state is updated with count 64-byte blocks.
void sha256_blocks_portable(u32 state[8], const u8 *data, size_t count);
void sha256_blocks_ni(u32 state[8], const u8 *data, size_t count);
void sha256_blocks_ni_pair(u32 a[8], u32 b[8], const u8 *data_a, const u8 *data_b, size_t count);
extern const u32 sha256_k[64];
