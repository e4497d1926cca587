// SPDX-License-Identifier: BSD-3-Clause
// Whatever the host does to the file: the right bytes or an error. The judge first finds a reader that does not verify.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "crypto/gcm.h"
#include "disk.h"

enum { BLOCKS = 100, GENERATIONS = 3 };

static const u8 key[32] = { 6 }, binding[32] = { 0 };
static struct disk disks[GENERATIONS]; // the file after each commit
static bool believe;                   // planted: tags are not looked at

int __real_gcm_open(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                    const void *in, size_t size, void *out, const u8 tag[GCM_TAG_BYTES]);
int __wrap_gcm_open(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                    const void *in, size_t size, void *out, const u8 tag[GCM_TAG_BYTES]);

int __wrap_gcm_open(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                    const void *in, size_t size, void *out, const u8 tag[GCM_TAG_BYTES])
{
    u8 right[GCM_TAG_BYTES], *copy = malloc(size);

    if (!believe) {
        free(copy);
        return __real_gcm_open(k, iv, aad, aad_size, in, size, out, tag);
    }
    // CTR mode is its own inverse: sealing the ciphertext gives the plaintext.
    memcpy(copy, in, size);
    gcm_seal(k, iv, aad, aad_size, copy, size, out, right);
    free(copy);
    return 0;
}

static void copy_disk(const struct disk *from, struct disk *to)
{
    disk_init(to);
    to->size = to->capacity = from->size;
    to->bytes = malloc(from->size);
    memcpy(to->bytes, from->bytes, from->size);
}

static struct volume *open_volume(struct disk *disk)
{
    struct volume_backend backend = disk_backend(disk);
    struct volume_options options = { .cache_blocks = 64 };
    struct volume *volume = NULL;

    memcpy(options.key, key, sizeof(key));
    int err = volume_open(&test_env, &backend, &options, &volume);
    return err ? err_ptr(err) : volume;
}

static u32 value_of(u64 block, int generation) { return (u32)(block * 1000 + (u64)generation + 1); }

static void make_disks(void)
{
    struct disk disk;
    struct volume_backend backend = disk_backend(&disk);
    u32 buf[VOLUME_BLOCK / 4];

    disk_init(&disk);
    if (disks[0].bytes)
        return;
    if (volume_format(&test_env, &backend, key, binding, BLOCKS, BLOCKS) != 0)
        abort();
    struct volume *volume = open_volume(&disk);
    for (int generation = 0; generation < GENERATIONS; generation++) {
        for (u64 block = 0; block < BLOCKS; block += 3) {
            for (size_t i = 0; i < ARRAY_SIZE(buf); i++)
                buf[i] = value_of(block, generation);
            if (volume_write(volume, block, buf, 1) != 0)
                abort();
        }
        if (volume_commit(volume) != 0)
            abort();
        copy_disk(&disk, &disks[generation]);
    }
    volume_close(volume);
    disk_free(&disk);
}

// 1: it shows the state of some generation, as far as it shows anything; 0: wrong bytes.
static bool judge(struct disk *disk)
{
    u32 buf[VOLUME_BLOCK / 4], wanted[VOLUME_BLOCK / 4];
    struct volume *volume = open_volume(disk);
    int generation = -1;
    bool good = true;

    if (is_err(volume))
        return true;
    for (u64 block = 0; block < BLOCKS && good; block++) {
        if (volume_read(volume, block, buf, 1) != 0)
            continue;
        if (block % 3) {
            memset(wanted, 0, sizeof(wanted));
        } else {
            int g = (int)(buf[0] - value_of(block, 0));
            good = g >= 0 && g < GENERATIONS && (generation < 0 || g == generation);
            generation = g;
            for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
                wanted[i] = value_of(block, g);
        }
        good = good && memcmp(buf, wanted, sizeof(buf)) == 0;
    }
    volume_close(volume);
    return good;
}

// A byte changed at `steps` places: how many gave wrong bytes.
static u64 change_bytes(u64 steps)
{
    struct disk disk;
    u64 wrong = 0;

    copy_disk(&disks[GENERATIONS - 1], &disk);
    for (u64 i = 0; i < steps; i++) {
        u64 at = test_random() % disk.size;
        u8 old = disk.bytes[at];
        disk.bytes[at] ^= (u8)(1 + test_random() % 255);
        wrong += !judge(&disk);
        disk.bytes[at] = old;
    }
    disk_free(&disk);
    return wrong;
}

TEST(planted_believer_is_found)
{
    make_disks();
    believe = true;
    u64 wrong = change_bytes(200);
    believe = false;
    CHECK(wrong > 0);
}

TEST(changed_bytes)
{
    const char *asked = getenv("OCCLUM_VOLUME_CHANGES");
    make_disks();
    CHECK_EQ(change_bytes(asked ? strtoull(asked, NULL, 10) : 2000), 0);
}

TEST(every_byte_of_the_superblocks)
{
    struct disk disk;

    make_disks();
    copy_disk(&disks[GENERATIONS - 1], &disk);
    for (u64 at = 0; at < VOLUME_SUPERBLOCKS * VOLUME_BLOCK; at += at < 256 ? 1 : 37) {
        disk.bytes[at] ^= 0x40;
        bool good = judge(&disk);
        disk.bytes[at] ^= 0x40;
        if (!good)
            test_fail(__FILE__, __LINE__, "byte %llu", (unsigned long long)at);
    }
    disk_free(&disk);
}

TEST(blocks_swapped_replayed_and_zeroed)
{
    struct disk disk;

    make_disks();
    copy_disk(&disks[GENERATIONS - 1], &disk);
    u64 places = disk.size / VOLUME_BLOCK;
    for (u64 i = 0; i < 1500; i++) {
        u8 saved[VOLUME_BLOCK];
        u64 to = test_random() % places;
        const struct disk *from = &disks[test_random() % GENERATIONS];
        u64 place = i % 3 ? test_random() % (from->size / VOLUME_BLOCK) : to;
        memcpy(saved, disk.bytes + to * VOLUME_BLOCK, VOLUME_BLOCK);
        if (i % 10 == 0)
            memset(disk.bytes + to * VOLUME_BLOCK, 0, VOLUME_BLOCK);
        else if ((place + 1) * VOLUME_BLOCK <= from->size)
            memcpy(disk.bytes + to * VOLUME_BLOCK, from->bytes + place * VOLUME_BLOCK, VOLUME_BLOCK);
        CHECK(judge(&disk));
        memcpy(disk.bytes + to * VOLUME_BLOCK, saved, VOLUME_BLOCK);
    }
    disk_free(&disk);
}

TEST(truncated)
{
    make_disks();
    for (u64 size = 0; size < disks[GENERATIONS - 1].size; size += 1024) {
        struct disk disk;
        copy_disk(&disks[GENERATIONS - 1], &disk);
        disk.size = size;
        CHECK(judge(&disk));
        disk_free(&disk);
    }
}

// The host may take the file away while the volume is open: what is read then is right, or an error.
TEST(rolled_back_while_open)
{
    u32 buf[VOLUME_BLOCK / 4];
    struct disk disk;

    make_disks();
    copy_disk(&disks[GENERATIONS - 1], &disk);
    struct volume *volume = open_volume(&disk);
    CHECK(!is_err(volume));
    memcpy(disk.bytes, disks[0].bytes, MIN(disk.size, disks[0].size));
    for (u64 block = 0; block < BLOCKS; block += 3)
        if (volume_read(volume, block, buf, 1) == 0)
            CHECK_EQ(buf[0], value_of(block, GENERATIONS - 1));
    volume_close(volume);
    disk_free(&disk);
}
