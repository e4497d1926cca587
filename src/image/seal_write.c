// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/sha256.h"
#include "image/parts.h"
#include "imagefmt/seal.h"

enum { PIECE_BLOCKS = 256 };

// Visits the data in pieces of whole blocks; change: what take made of a piece is written back.
static int each_piece(int fd, u64 blocks, bool change, void (*take)(void *arg, u64 block, u8 *piece, u64 count),
                      void *arg)
{
    u8 *piece = malloc(PIECE_BLOCKS * IMAGE_SEAL_BLOCK);
    int err = piece ? 0 : -ENOMEM;

    for (u64 at = 0; !err && at < blocks; at += PIECE_BLOCKS) {
        u64 count = MIN(blocks - at, (u64)PIECE_BLOCKS);
        err = read_whole_range(fd, piece, count * IMAGE_SEAL_BLOCK, at * IMAGE_SEAL_BLOCK);
        if (err)
            break;
        take(arg, at, piece, count);
        if (change)
            err = write_whole_range(fd, piece, count * IMAGE_SEAL_BLOCK, at * IMAGE_SEAL_BLOCK);
    }
    free(piece);
    return err;
}

static void hash_piece(void *arg, u64 block, u8 *piece, u64 count)
{
    (void)block;
    sha256_update(arg, piece, count * IMAGE_SEAL_BLOCK);
}

static void encrypt_piece(void *arg, u64 block, u8 *piece, u64 count) { image_cipher_blocks(arg, block, piece, count); }

int image_seal(int fd, const u8 key[32], struct occlum_image *image)
{
    static struct image_cipher cipher;
    struct sha256 hash;
    u8 contents[32];

    sha256_init(&hash);
    int err = each_piece(fd, image->data_blocks, false, hash_piece, &hash);
    if (err)
        return err;
    sha256_final(&hash, contents);
    image->sealed = 1;
    image_seal_id(key, contents, image->seal_id);
    image_seal_check(key, image->seal_id, image->seal_check);
    image_cipher_init(&cipher, key, image->seal_id);
    err = each_piece(fd, image->data_blocks, true, encrypt_piece, &cipher);
    image_cipher_wipe(&cipher);
    return err;
}
