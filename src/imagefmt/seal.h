// SPDX-License-Identifier: BSD-3-Clause
// Images that are confidential as well as authentic: the blocks under the hash tree are encrypted with AES-256 in
// counter mode, the tree is over what the host sees.
//
// One key may seal many images. Each gets a cipher key of its own, derived from the image key and an id, which is a
// code (HMAC) of the image's contents under the image key: the same folder and key give the same bytes, other contents
// give another key, so no counter is ever used for two texts. The id tells nothing to who has no key. A block's counter
// begins with its number. Whether the block is the right one the hash tree says, not this.
#pragma once

#include "crypto/gcm.h"

enum { IMAGE_KEY_BYTES = 32, IMAGE_CHECK_BYTES = 16, IMAGE_SEAL_BLOCK = 4096 };

struct image_cipher {
    struct gcm_key key; // secret
};

// contents: SHA-256 of all blocks in the clear.
void image_seal_id(const u8 key[IMAGE_KEY_BYTES], const u8 contents[32], u8 ret_id[32]);
// By which a wrong key is told from a changed image.
void image_seal_check(const u8 key[IMAGE_KEY_BYTES], const u8 id[32], u8 ret_check[IMAGE_CHECK_BYTES]);
// Vector registers may be used.
void image_cipher_init(struct image_cipher *cipher, const u8 key[IMAGE_KEY_BYTES], const u8 id[32]);
void image_cipher_wipe(struct image_cipher *cipher);
// Encrypts or decrypts `count` blocks in place, the first of them with number `block`. Vector registers may be used.
void image_cipher_blocks(const struct image_cipher *cipher, u64 block, void *data, u64 count);
// The key of volumes of an instance that has an image key.
void image_volume_key(const u8 key[IMAGE_KEY_BYTES], u8 ret_key[32]);
