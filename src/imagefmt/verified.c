// SPDX-License-Identifier: BSD-3-Clause
#include "imagefmt/verified.h"
#include "base/string.h"

enum { EIO_ = 5, ENOMEM_ = 12 };

static bool equal(const u8 *a, const u8 *b) { return memcmp(a, b, VERITY_HASH) == 0; }

// The trusted hash of block `index` of `level` (level 0: hash blocks over the data; index counts blocks of the level
// below).
static int trusted_hash(struct verified_image *image, u32 level, u64 index, u8 out[VERITY_HASH])
{
    const struct verity *v = &image->verity;
    u8 above[VERITY_HASH], actual[VERITY_HASH];

    if (level == v->levels) { // above the top level there is only the root
        memcpy(out, v->root, VERITY_HASH);
        return 0;
    }
    u64 in_level = index / VERITY_FANOUT, block = v->level_start[level] + in_level;
    u32 entry = (u32)(index % VERITY_FANOUT);
    if (image->cache_get(image->ctx, block, entry, out))
        return 0;
    int err = trusted_hash(image, level + 1, in_level, above); // at most VERITY_MAX_LEVELS deep
    if (err)
        return err;
    u8 *copy = image->scratch_get(image->ctx);
    if (!copy)
        return -ENOMEM_;
    err = image->fetch(image->ctx, block, copy);
    if (!err) {
        verity_hash(v, copy, actual);
        err = equal(actual, above) ? 0 : -EIO_;
    }
    if (!err) {
        memcpy(out, copy + entry * VERITY_HASH, VERITY_HASH);
        image->cache_put(image->ctx, block, copy);
    }
    image->scratch_put(image->ctx, copy);
    return err;
}

static int check_one(struct verified_image *image, u64 block, const u8 *data)
{
    u8 expected[VERITY_HASH], actual[VERITY_HASH];
    int err = trusted_hash(image, 0, block, expected);
    if (err)
        return err;
    verity_hash(&image->verity, data, actual);
    return equal(actual, expected) ? 0 : -EIO_;
}

static int check_two(struct verified_image *image, u64 block, const u8 *data)
{
    u8 expected[2][VERITY_HASH], actual[2][VERITY_HASH];
    int err = trusted_hash(image, 0, block, expected[0]);
    if (!err)
        err = trusted_hash(image, 0, block + 1, expected[1]);
    if (err)
        return err;
    verity_hash_pair(&image->verity, data, data + VERITY_BLOCK, actual[0], actual[1]);
    return equal(actual[0], expected[0]) && equal(actual[1], expected[1]) ? 0 : -EIO_;
}

int verified_check(struct verified_image *image, u64 block, const void *data, u64 count)
{
    const u8 *at = data;
    int err = 0;

    if (block >= image->verity.data_blocks || count > image->verity.data_blocks - block)
        return -EIO_;
    for (; count >= 2 && !err; count -= 2, block += 2, at += 2 * VERITY_BLOCK)
        err = check_two(image, block, at);
    return err || !count ? err : check_one(image, block, at);
}

int verified_read(struct verified_image *image, u64 block, void *out)
{
    if (block >= image->verity.data_blocks)
        return -EIO_;
    int err = image->fetch(image->ctx, block, out);
    return err ? err : verified_check(image, block, out, 1);
}
