// SPDX-License-Identifier: BSD-3-Clause
// AES-256 in Galois/Counter Mode (NIST SP 800-38D), 96-bit IV, 128-bit tag. The work is done by Intel's Multi-Buffer
// Crypto for IPsec Library, whose assembly needs AES-NI, PCLMULQDQ and SSE4.1, no libc and no CPUID.
// It uses vector registers: in the enclave the caller saves the program's.
#pragma once

#include "base/types.h"

enum { GCM_KEY_BYTES = 32, GCM_IV_BYTES = 12, GCM_TAG_BYTES = 16 };

// An expanded key: round keys and hash keys. Secret; wipe it with gcm_key_wipe.
struct gcm_key {
    u8 data[1536];
} __aligned_to(64);

void gcm_key_init(struct gcm_key *key, const u8 secret[GCM_KEY_BYTES]);
void gcm_key_wipe(struct gcm_key *key);

// Encrypts size bytes of in to out (the same place, or apart). An IV must not repeat under one key.
void gcm_seal(const struct gcm_key *key, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size, const void *in,
              size_t size, void *out, u8 ret_tag[GCM_TAG_BYTES]);
// Decrypts; -EBADMSG if the tag is wrong, and out then holds zeros.
__nodiscard int gcm_open(const struct gcm_key *key, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                         const void *in, size_t size, void *out, const u8 tag[GCM_TAG_BYTES]);
