// SPDX-License-Identifier: BSD-3-Clause
// HOST: AES-128 CMAC and GCM over OpenSSL.
#pragma once

#include "base/types.h"

enum { AES_GCM_IV_SIZE = 12, AES_TAG_SIZE = 16 };

// CMAC (NIST SP 800-38B) of a message. 0 or -EIO.
__nodiscard int aes128_cmac(const u8 key[16], const void *message, size_t size, u8 ret_mac[16]);

// GCM (NIST SP 800-38D) with a 96-bit IV and a 128-bit tag. `in` and `out` hold size bytes, size <= INT_MAX.
// 0 or -EIO. The IV must not repeat under one key.
__nodiscard int aes128_gcm_seal(const u8 key[16], const u8 iv[12], const void *aad, size_t aad_size, const void *in,
                                size_t size, void *out, u8 ret_tag[16]);
// As above; -EBADMSG if the tag is wrong, and `out` then holds zeros.
__nodiscard int aes128_gcm_open(const u8 key[16], const u8 iv[12], const void *aad, size_t aad_size, const void *in,
                                size_t size, void *out, const u8 tag[16]);
