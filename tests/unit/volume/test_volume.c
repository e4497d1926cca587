// SPDX-License-Identifier: BSD-3-Clause
// The block store against a model that is an array.
#include <errno.h>
#include <string.h>

#include "../test.h"
#include "disk.h"

enum { BLOCKS = 20000, WINDOW = 3000 };

static const u8 key[32] = { 1, 2, 3 }, other_key[32] = { 1, 2, 4 }, binding[32] = { 9 };
static u32 model[BLOCKS], committed[BLOCKS]; // what each block was last filled with; 0: zeros

static struct volume *open_volume(struct disk *disk, u64 cache)
{
    struct volume_backend backend = disk_backend(disk);
    struct volume_options options = { .binding = binding, .cache_blocks = cache };
    struct volume *volume = NULL;

    memcpy(options.key, key, sizeof(key));
    int err = volume_open(&test_env, &backend, &options, &volume);
    return err ? err_ptr(err) : volume;
}

static int make(struct disk *disk, u64 blocks, u64 max_blocks)
{
    struct volume_backend backend = disk_backend(disk);

    disk_init(disk);
    memset(model, 0, sizeof(model));
    return volume_format(&test_env, &backend, key, binding, blocks, max_blocks);
}

static void fill(u8 *buf, u32 value, u64 block)
{
    u64 word = value ? value * 0x9e3779b97f4a7c15ull + block : 0;
    for (size_t i = 0; i < VOLUME_BLOCK / 8; i++)
        memcpy(buf + 8 * i, &word, 8);
}

static bool holds(struct volume *volume, u64 block, u64 count, const u32 *expected)
{
    static u8 buf[64 * VOLUME_BLOCK], wanted[VOLUME_BLOCK];

    if (volume_read(volume, block, buf, count) != 0)
        return false;
    for (u64 i = 0; i < count; i++) {
        fill(wanted, expected[block + i], block + i);
        if (memcmp(buf + i * VOLUME_BLOCK, wanted, VOLUME_BLOCK) != 0)
            return false;
    }
    return true;
}

static bool holds_all(struct volume *volume, const u32 *expected)
{
    for (u64 block = 0; block < BLOCKS; block += 50)
        if (!holds(volume, block, 50, expected))
            return false;
    return true;
}

// Random writes, discards, reads, commits, openings.
static void storm(u64 cache, u64 operations)
{
    static u8 buf[64 * VOLUME_BLOCK];
    struct disk disk;
    u32 value = 0;

    CHECK_EQ(make(&disk, BLOCKS, BLOCKS), 0);
    memset(committed, 0, sizeof(committed));
    struct volume *volume = open_volume(&disk, cache);
    CHECK(!is_err(volume));
    for (u64 i = 0; i < operations; i++) {
        u64 block = test_random() % WINDOW * (BLOCKS / WINDOW), what = test_random() % 100;
        u64 count = 1 + test_random() % MIN((u64)60, BLOCKS - block);
        if (what < 45) {
            for (u64 k = 0; k < count; k++) {
                model[block + k] = ++value;
                fill(buf + k * VOLUME_BLOCK, value, block + k);
            }
            CHECK_EQ(volume_write(volume, block, buf, count), 0);
        } else if (what < 55) {
            memset(model + block, 0, count * sizeof(*model));
            CHECK_EQ(volume_discard(volume, block, count), 0);
        } else if (what < 92) {
            CHECK(holds(volume, block, count, model));
        } else if (what < 98) {
            CHECK_EQ(volume_commit(volume), 0);
            memcpy(committed, model, sizeof(model));
        } else {
            volume_close(volume); // what was not committed is gone
            memcpy(model, committed, sizeof(model));
            volume = open_volume(&disk, cache);
            CHECK(!is_err(volume));
        }
    }
    CHECK_EQ(volume_commit(volume), 0);
    CHECK(holds_all(volume, model));
    u64 bad;
    CHECK_EQ(volume_check(volume, NULL, NULL, &bad), 0);
    CHECK_EQ(bad, 0);
    volume_close(volume);
    volume = open_volume(&disk, cache);
    CHECK(!is_err(volume));
    CHECK(holds_all(volume, model));
    volume_close(volume);
    disk_free(&disk);
    CHECK_EQ(test_allocations(), 0);
}

TEST(random_operations_small_cache) { storm(64, 1500); }
TEST(random_operations_large_cache) { storm(4096, 1500); }

TEST(who_may_not_open)
{
    struct disk disk;
    struct volume *volume;
    struct volume_options options = { .binding = binding };
    u8 wrong[32] = { 8 };

    CHECK_EQ(make(&disk, 100, 100), 0);
    struct volume_backend backend = disk_backend(&disk);
    memcpy(options.key, other_key, 32);
    CHECK_EQ(volume_open(&test_env, &backend, &options, &volume), -EBADMSG);
    memcpy(options.key, key, 32);
    options.binding = wrong;
    CHECK_EQ(volume_open(&test_env, &backend, &options, &volume), -EXDEV);
    options.binding = NULL;
    CHECK_EQ(volume_open(&test_env, &backend, &options, &volume), 0);
    volume_close(volume);
    memset(disk.bytes, 0, disk.size);
    CHECK_EQ(volume_open(&test_env, &backend, &options, &volume), -EINVAL);
    disk_free(&disk);
    CHECK_EQ(test_allocations(), 0);
}

TEST(arguments)
{
    struct disk disk;
    u8 block[VOLUME_BLOCK] = { 0 };
    struct volume_options options = { .read_only = true };
    struct volume_backend backend = disk_backend(&disk);

    disk_init(&disk);
    CHECK_EQ(volume_format(&test_env, &backend, key, binding, 0, 10), -EINVAL);
    CHECK_EQ(volume_format(&test_env, &backend, key, binding, 11, 10), -EINVAL);
    CHECK_EQ(volume_format(&test_env, &backend, key, binding, 1, UINT64_MAX), -EINVAL);
    CHECK_EQ(make(&disk, 100, 100), 0);
    struct volume *volume;
    memcpy(options.key, key, 32);
    CHECK_EQ(volume_open(&test_env, &backend, &options, &volume), 0);
    CHECK_EQ(volume_read(volume, 99, block, 1), 0);
    CHECK_EQ(volume_read(volume, 100, block, 1), -EINVAL);
    CHECK_EQ(volume_read(volume, 1, block, UINT64_MAX), -EINVAL);
    CHECK_EQ(volume_write(volume, 0, block, 1), -EROFS);
    CHECK_EQ(volume_discard(volume, 0, 1), -EROFS);
    volume_close(volume);
    disk_free(&disk);
}

TEST(grows)
{
    struct disk disk;
    u8 buf[VOLUME_BLOCK];

    CHECK_EQ(make(&disk, 80, 100), 0);
    struct volume *volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    for (u64 blocks = 80; blocks < BLOCKS; blocks *= 3) {
        CHECK_EQ(volume_resize(volume, blocks, BLOCKS), 0);
        model[blocks - 1] = (u32)blocks;
        fill(buf, (u32)blocks, blocks - 1);
        CHECK_EQ(volume_write(volume, blocks - 1, buf, 1), 0);
        CHECK_EQ(volume_commit(volume), 0);
        volume_close(volume);
        volume = open_volume(&disk, 0);
        CHECK(!is_err(volume));
    }
    CHECK_EQ(volume_resize(volume, 10, BLOCKS), -EINVAL);
    CHECK_EQ(volume_resize(volume, BLOCKS, BLOCKS), 0);
    CHECK(holds_all(volume, model));
    volume_close(volume);
    disk_free(&disk);
}

// A full host disk is told at the write; what was there stays, and what is freed can be written again.
TEST(full_disk)
{
    struct disk disk;
    u8 buf[VOLUME_BLOCK];
    u64 block = 0;
    int err;

    CHECK_EQ(make(&disk, BLOCKS, BLOCKS), 0);
    disk.limit = MIB(8);
    struct volume *volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    for (err = 0; !err; block++) {
        fill(buf, (u32)block + 1, block);
        err = volume_write(volume, block, buf, 1);
        if (!err)
            model[block] = (u32)block + 1;
        if (!err && block % 100 == 99)
            CHECK_EQ(volume_commit(volume), 0);
    }
    CHECK_EQ(err, -ENOSPC);
    CHECK(block > 1500); // of 2,048 places
    CHECK_EQ(volume_commit(volume), 0);
    CHECK(holds_all(volume, model));
    volume_close(volume);
    volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    CHECK(holds_all(volume, model));
    CHECK_EQ(volume_discard(volume, 100, 1000), 0);
    memset(model + 100, 0, 1000 * sizeof(*model));
    CHECK_EQ(volume_commit(volume), 0);
    for (block = 5000; block < 5500; block++) {
        model[block] = (u32)block;
        fill(buf, (u32)block, block);
        CHECK_EQ(volume_write(volume, block, buf, 1), 0);
    }
    CHECK_EQ(volume_commit(volume), 0);
    CHECK(holds_all(volume, model));
    volume_close(volume);
    disk_free(&disk);
    CHECK_EQ(test_allocations(), 0);
}

// Space that the volume does not need goes back to the host.
TEST(space_goes_back)
{
    static u8 buf[64 * VOLUME_BLOCK];
    struct disk disk;
    struct volume_info info;

    CHECK_EQ(make(&disk, BLOCKS, BLOCKS), 0);
    struct volume *volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    for (u64 block = 0; block + 64 <= BLOCKS; block += 64)
        CHECK_EQ(volume_write(volume, block, buf, 64), 0);
    CHECK_EQ(volume_commit(volume), 0);
    CHECK_EQ(volume_discard(volume, 0, BLOCKS), 0);
    CHECK_EQ(volume_commit(volume), 0);
    CHECK(disk.discarded > BLOCKS / 2 * VOLUME_BLOCK);
    volume_get_info(volume, &info);
    CHECK(info.used_places < 400);
    volume_close(volume);
    disk_free(&disk);
}

// After a failed write or sync nothing more is promised, and the last commit is there when it is opened again.
static void failing(bool sync)
{
    struct disk disk;
    u8 buf[VOLUME_BLOCK];

    CHECK_EQ(make(&disk, 100, 100), 0);
    struct volume *volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    model[7] = 1;
    fill(buf, 1, 7);
    CHECK_EQ(volume_write(volume, 7, buf, 1), 0);
    CHECK_EQ(volume_commit(volume), 0);
    fill(buf, 2, 7);
    CHECK_EQ(volume_write(volume, 7, buf, 1), 0);
    disk.fail_sync = sync;
    disk.fail_after = sync ? 0 : disk.writes;
    CHECK_EQ(volume_commit(volume), -EIO);
    disk.fail_sync = false;
    disk.fail_after = 0;
    CHECK_EQ(volume_commit(volume), -EIO); // not forgotten
    CHECK_EQ(volume_write(volume, 7, buf, 1), -EIO);
    volume_close(volume);
    volume = open_volume(&disk, 0);
    CHECK(!is_err(volume));
    bool before = holds(volume, 0, 50, model);
    model[7] = 2;
    CHECK(before || (sync && holds(volume, 0, 50, model))); // what was not synced may be there all the same
    volume_close(volume);
    disk_free(&disk);
}

TEST(failed_write) { failing(false); }
TEST(failed_sync) { failing(true); }
