// SPDX-License-Identifier: BSD-3-Clause
// dm-verity, format 1: SHA-256, 4096-byte data and hash blocks, salt before the data (Linux Documentation/admin-guide/
// device-mapper/verity.rst). Level 0 holds the hashes of the data blocks; the topmost level is one block, whose hash is
// the root. A single data block has no tree: its own hash is the root. Levels lie in the file from the topmost down.
#pragma once

#include "base/types.h"

enum {
    VERITY_BLOCK = 4096,
    VERITY_HASH = 32,
    VERITY_FANOUT = VERITY_BLOCK / VERITY_HASH,
    VERITY_MAX_LEVELS = 8,
    VERITY_MAX_SALT = 32
};

struct verity {
    u64 data_blocks;
    u32 levels;
    u64 level_start[VERITY_MAX_LEVELS]; // block number in the file, by level
    u64 level_blocks[VERITY_MAX_LEVELS];
    u64 hash_blocks; // of all levels
    u8 root[VERITY_HASH];
    u8 salt[VERITY_MAX_SALT];
    u32 salt_size;
};

// Lays the levels out from hash_start. -EINVAL for no data, too much data, or too long a salt.
__nodiscard int verity_init(struct verity *v, u64 data_blocks, u64 hash_start, const u8 root[VERITY_HASH],
                            const u8 *salt, u32 salt_size);
// The hash of one block with the salt.
void verity_hash(const struct verity *v, const void *block, u8 out[VERITY_HASH]);
// Of two blocks at once.
void verity_hash_pair(const struct verity *v, const void *a, const void *b, u8 out_a[VERITY_HASH],
                      u8 out_b[VERITY_HASH]);
