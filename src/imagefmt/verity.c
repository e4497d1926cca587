// SPDX-License-Identifier: BSD-3-Clause
#include "imagefmt/verity.h"
#include "base/string.h"
#include "crypto/sha256.h"

enum { EINVAL_ = 22 };

int verity_init(struct verity *v, u64 data_blocks, u64 hash_start, const u8 root[VERITY_HASH], const u8 *salt,
                u32 salt_size)
{
    u64 blocks = data_blocks;

    if (!data_blocks || data_blocks > 1ull << 48 || hash_start > 1ull << 48 || salt_size > VERITY_MAX_SALT)
        return -EINVAL_;
    memset(v, 0, sizeof(*v));
    v->data_blocks = data_blocks;
    while (blocks > 1 && v->levels < VERITY_MAX_LEVELS) {
        blocks = DIV_ROUND_UP(blocks, VERITY_FANOUT);
        v->level_blocks[v->levels++] = blocks;
    }
    for (u32 level = v->levels; level-- > 0;) {
        v->level_start[level] = hash_start + v->hash_blocks;
        v->hash_blocks += v->level_blocks[level];
    }
    memcpy(v->root, root, VERITY_HASH);
    memcpy(v->salt, salt, salt_size);
    v->salt_size = salt_size;
    return 0;
}

void verity_hash(const struct verity *v, const void *block, u8 out[VERITY_HASH])
{
    struct sha256 ctx;
    sha256_init(&ctx);
    sha256_update(&ctx, v->salt, v->salt_size);
    sha256_update(&ctx, block, VERITY_BLOCK);
    sha256_final(&ctx, out);
}

void verity_hash_pair(const struct verity *v, const void *a, const void *b, u8 out_a[VERITY_HASH],
                      u8 out_b[VERITY_HASH])
{
    struct sha256 first, second;
    sha256_init(&first);
    sha256_update(&first, v->salt, v->salt_size);
    second = first;
    sha256_update_pair(&first, &second, a, b, VERITY_BLOCK);
    sha256_final(&first, out_a);
    sha256_final(&second, out_b);
}
