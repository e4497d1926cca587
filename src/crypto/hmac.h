// SPDX-License-Identifier: BSD-3-Clause
// HMAC-SHA-256 (RFC 2104), in one piece.
#pragma once

#include "crypto/sha256.h"

struct hmac_part {
    const void *data;
    size_t size;
};

// The code of the parts, one behind the other, under a key of 32 bytes.
void hmac_sha256(const u8 key[32], const struct hmac_part *parts, size_t count, u8 out[SHA256_SIZE]);
