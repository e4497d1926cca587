// SPDX-License-Identifier: BSD-3-Clause
// Reading blocks of an image that somebody else may change: every block is copied first and checked then, up to a hash
// block that was verified before or to the root. Nothing unverified is ever looked into.
#pragma once

#include "imagefmt/verity.h"

struct verified_image {
    struct verity verity;
    void *ctx;
    // Copies block number `block` of the file. 0 or -EIO.
    int (*fetch)(void *ctx, u64 block, void *out);
    // A small cache of verified hash blocks. get copies one entry (a hash) out of a cached block: true if it was there.
    // put remembers a verified block. Both may be called by several threads at once; the owner synchronises.
    bool (*cache_get)(void *ctx, u64 block, u32 entry, u8 out[VERITY_HASH]);
    void (*cache_put)(void *ctx, u64 block, const void *data);
    // A block to work in, for hash blocks on the way up.
    void *(*scratch_get)(void *ctx);
    void (*scratch_put)(void *ctx, void *block);
};

// Checks copies of `count` data blocks from `block` on that the caller already has. 0, -EIO, -ENOMEM.
__nodiscard int verified_check(struct verified_image *image, u64 block, const void *data, u64 count);
// Reads data block `block` (< data_blocks) into out (4096 bytes). 0, -EIO when it does not verify, -ENOMEM.
__nodiscard int verified_read(struct verified_image *image, u64 block, void *out);
