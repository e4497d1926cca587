// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "crypto/sha256.h"
#include "imagefmt/verified.h"
#include "test.h"

enum { DATA = 300, TREE = 3 + 1, CACHED = 8 };

// An image of 300 data blocks and two levels of hashes, with a cache of hash blocks that may be off.
static struct {
    u8 blocks[DATA + TREE][VERITY_BLOCK], cache[CACHED][VERITY_BLOCK], scratch[VERITY_BLOCK];
    u64 cached[CACHED];
    u32 cache_used, fetches;
    bool cache_on;
    struct verified_image image;
} world;

static int fetch(void *ctx, u64 block, void *out)
{
    world.fetches++;
    if (block >= DATA + TREE)
        return -5;
    memcpy(out, world.blocks[block], VERITY_BLOCK);
    return 0;
}

static bool cache_get(void *ctx, u64 block, u32 entry, u8 out[VERITY_HASH])
{
    for (u32 i = 0; i < world.cache_used; i++) {
        if (world.cached[i] == block) {
            memcpy(out, world.cache[i] + entry * VERITY_HASH, VERITY_HASH);
            return true;
        }
    }
    return false;
}

static void cache_put(void *ctx, u64 block, const void *data)
{
    if (!world.cache_on || world.cache_used == CACHED)
        return;
    memcpy(world.cache[world.cache_used], data, VERITY_BLOCK);
    world.cached[world.cache_used++] = block;
}

static void *scratch_get(void *ctx) { return world.scratch; }
static void scratch_put(void *ctx, void *block) {}

static void make_world(bool cache_on)
{
    static const u8 zero[VERITY_HASH], salt[VERITY_MAX_SALT] = "salt";
    struct verity *v = &world.image.verity;

    memset(&world, 0, sizeof(world));
    world.cache_on = cache_on;
    world.image = (struct verified_image){ .fetch = fetch,
                                           .cache_get = cache_get,
                                           .cache_put = cache_put,
                                           .scratch_get = scratch_get,
                                           .scratch_put = scratch_put };
    CHECK_EQ(verity_init(v, DATA, DATA, zero, salt, sizeof(salt)), 0);
    for (u64 i = 0; i < DATA; i++)
        for (u64 k = 0; k < VERITY_BLOCK; k += 8)
            memcpy(world.blocks[i] + k, &(u64){ test_random() }, 8);
    // Level 1 is block DATA, level 0 the three after it.
    for (u64 i = 0; i < DATA; i++)
        verity_hash(v, world.blocks[i], &world.blocks[DATA + 1 + i / VERITY_FANOUT][i % VERITY_FANOUT * VERITY_HASH]);
    for (u64 i = 0; i < 3; i++)
        verity_hash(v, world.blocks[DATA + 1 + i], &world.blocks[DATA][i * VERITY_HASH]);
    verity_hash(v, world.blocks[DATA], v->root);
}

// Blocks that were refused; a delivered block with wrong bytes counts as a million.
static u32 refused(void)
{
    static u8 out[VERITY_BLOCK], right[VERITY_BLOCK];
    u32 count = 0;

    for (u64 i = 0; i < DATA; i++) {
        memcpy(right, world.blocks[i], VERITY_BLOCK);
        int err = verified_read(&world.image, i, out);
        if (err)
            count++;
        else if (memcmp(out, right, VERITY_BLOCK) != 0)
            count += 1000000;
    }
    return count;
}

TEST(geometry)
{
    static const struct {
        u64 data;
        u32 levels;
        u64 hash_blocks;
    } cases[] = {
        { 1, 0, 0 },       { 2, 1, 1 },       { 128, 1, 1 },        { 129, 2, 3 },
        { 16384, 2, 129 }, { 16385, 3, 132 }, { 1ull << 48, 7, 0 },
    };
    static const u8 zero[VERITY_HASH];
    struct verity v;

    for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
        CHECK_EQ(verity_init(&v, cases[i].data, 1000, zero, zero, 32), 0);
        CHECK_EQ(v.levels, cases[i].levels);
        if (cases[i].hash_blocks || !v.levels)
            CHECK_EQ(v.hash_blocks, cases[i].hash_blocks);
        if (v.levels) // the topmost level comes first, in one block
            CHECK(v.level_start[v.levels - 1] == 1000 && v.level_blocks[v.levels - 1] == 1);
    }
    CHECK_EQ(verity_init(&v, 0, 0, zero, zero, 32), -22);
    CHECK_EQ(verity_init(&v, (1ull << 48) + 1, 0, zero, zero, 32), -22);
    CHECK_EQ(verity_init(&v, 1, UINT64_MAX, zero, zero, 32), -22);
    CHECK_EQ(verity_init(&v, 1, 1, zero, zero, 33), -22);
}

TEST(whole_image_reads)
{
    make_world(false);
    CHECK_EQ(refused(), 0);
    CHECK_EQ(world.fetches, 3 * DATA); // the block and two hash blocks
    make_world(true);
    CHECK_EQ(refused(), 0);
    CHECK_EQ(world.fetches, DATA + TREE);
    static u8 out[VERITY_BLOCK];
    CHECK_EQ(verified_read(&world.image, DATA, out), -5); // a hash block is no data
    CHECK_EQ(verified_read(&world.image, UINT64_MAX, out), -5);
}

TEST(changed_data_block)
{
    make_world(true);
    for (int i = 0; i < 50; i++) {
        u8 *byte = &world.blocks[test_random() % DATA][test_random() % VERITY_BLOCK];
        *byte ^= 4;
        CHECK_EQ(refused(), 1);
        *byte ^= 4;
    }
}

TEST(changed_hash_block)
{
    make_world(false);
    static const u32 below[TREE] = { DATA, 128, 128, 44 };
    for (u32 i = 0; i < TREE; i++) { // in unused entries too: the block is hashed as a whole
        world.blocks[DATA + i][VERITY_BLOCK - 1] ^= 1;
        CHECK_EQ(refused(), below[i]);
        world.blocks[DATA + i][VERITY_BLOCK - 1] ^= 1;
    }
}

TEST(swapped_blocks)
{
    static u8 keep[VERITY_BLOCK];
    make_world(false);
    memcpy(keep, world.blocks[5], VERITY_BLOCK);
    memcpy(world.blocks[5], world.blocks[6], VERITY_BLOCK);
    memcpy(world.blocks[6], keep, VERITY_BLOCK);
    CHECK_EQ(refused(), 2);
}

// The host answers a data block with the hash block above it, whose hash is known to be right one level up.
TEST(hash_block_in_place_of_data)
{
    make_world(false);
    memcpy(world.blocks[0], world.blocks[DATA + 1], VERITY_BLOCK);
    CHECK_EQ(refused(), 1);
}
