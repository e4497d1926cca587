// SPDX-License-Identifier: BSD-3-Clause
// After a crash at any moment the volume is at a commit, and not at one older than the last that returned: every prefix
// of what was written, random subsets of what no sync had made durable, torn writes. The judge first finds a missing
// barrier.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "crypto/gcm.h"
#include "disk.h"

enum { BLOCKS = 400, COMMITS = 12, WRITES = 25 };

static const u8 key[32] = { 5 }, binding[32] = { 0 };
static u32 states[COMMITS + 1][BLOCKS]; // what each block holds after commit n
static u64 commit_epoch[COMMITS + 1];   // syncs when commit n had returned

static struct volume *open_volume(struct disk *disk)
{
    struct volume_backend backend = disk_backend(disk);
    struct volume_options options = { .cache_blocks = 64 };
    struct volume *volume = NULL;

    memcpy(options.key, key, sizeof(key));
    int err = volume_open(&test_env, &backend, &options, &volume);
    return err ? err_ptr(err) : volume;
}

static void write_value(struct volume *volume, u64 block, u32 value)
{
    u32 buf[VOLUME_BLOCK / 4];
    for (size_t i = 0; i < ARRAY_SIZE(buf); i++)
        buf[i] = value;
    if (volume_write(volume, block, buf, 1) != 0)
        abort();
}

static int sync_that_does_nothing(void *context) { return context ? 0 : -EIO; }

// no_barrier: the commit's first sync is lost, as if the code had none.
static void workload(struct disk *disk, bool no_barrier)
{
    struct volume_backend backend = disk_backend(disk);
    u32 value = 0;

    disk_init(disk);
    disk->record = true;
    if (volume_format(&test_env, &backend, key, binding, BLOCKS, BLOCKS) != 0)
        abort();
    struct volume *volume = open_volume(disk);
    struct volume_backend *in_use = (struct volume_backend *)((u8 *)volume + sizeof(void *)); // behind env
    memset(states, 0, sizeof(states));
    commit_epoch[0] = disk->syncs;
    for (u32 n = 1; n <= COMMITS; n++) {
        memcpy(states[n], states[n - 1], sizeof(states[n]));
        int writes = n == 6 ? 28 * WRITES : WRITES; // one commit is too large to be written with one sync
        for (int i = 0; i < writes; i++) {
            u64 block = test_random() % BLOCKS;
            if (test_random() % 8 == 0) {
                states[n][block] = 0;
                if (volume_discard(volume, block, 1) != 0)
                    abort();
                continue;
            }
            states[n][block] = ++value;
            write_value(volume, block, value);
        }
        if (no_barrier)
            in_use->sync = sync_that_does_nothing;
        if (volume_commit(volume) != 0)
            abort();
        commit_epoch[n] = disk->syncs;
    }
    volume_close(volume);
}

// The commit whose state the volume shows; -1: none, or it does not open.
static int state_of(struct disk *disk)
{
    static u32 found[BLOCKS], buf[VOLUME_BLOCK / 4];
    struct volume *volume = open_volume(disk);
    int result = -1;

    if (is_err(volume))
        return -1;
    memset(found, 0, sizeof(found));
    for (u64 block = 0; block < BLOCKS; block++) {
        if (volume_read(volume, block, buf, 1) != 0)
            goto out;
        for (size_t i = 1; i < ARRAY_SIZE(buf); i++)
            if (buf[i] != buf[0])
                goto out;
        found[block] = buf[0];
    }
    for (int n = 0; n <= COMMITS && result < 0; n++)
        if (memcmp(found, states[n], sizeof(found)) == 0)
            result = n;
out:
    volume_close(volume);
    return result;
}

static int last_returned(u64 epoch)
{
    int n = 0;
    while (n < COMMITS && commit_epoch[n + 1] <= epoch)
        n++;
    return n;
}

static bool keep_below(void *arg, u64 i) { return i < *(u64 *)arg; }
static bool keep_random(void *arg, u64 i) { return test_random() & 1; }

static bool survives(const struct disk *disk, u64 epoch, bool (*keep)(void *, u64), void *arg, u64 torn)
{
    struct disk crashed;

    disk_crash(disk, epoch, keep, arg, torn, &crashed);
    int state = state_of(&crashed), least = last_returned(epoch);
    bool untouched = !crashed.writes; // there is no recovery that a second crash could interrupt
    disk_free(&crashed);
    return state >= least && untouched;
}

// The number of crash states tried, or -1 - the number when one was wrong.
static s64 try_all(const struct disk *disk, u64 subsets)
{
    s64 tried = 0;

    for (u64 epoch = commit_epoch[0]; epoch <= disk->syncs; epoch++) {
        u64 count = disk_epoch_writes(disk, epoch);
        for (u64 first = 0; first <= count; first++) {
            for (u64 torn = 0; torn < VOLUME_BLOCK; torn += first == count ? 512 : VOLUME_BLOCK, tried++)
                if (!survives(disk, epoch, keep_below, &first, torn))
                    return -1 - tried;
        }
        for (u64 i = 0; i < subsets; i++, tried++)
            if (!survives(disk, epoch, keep_random, NULL, test_random() % 8 * 512))
                return -1 - tried;
    }
    return tried;
}

TEST(planted_missing_barrier_is_found)
{
    struct disk disk;

    workload(&disk, true);
    CHECK(try_all(&disk, 40) < 0);
    disk_free(&disk);
}

// ---- a small commit is written with one sync: who opens must look whether all of it is there

static bool believe; // planted: the newest superblock is taken as it is

struct volume;
int __real_tree_verify_commit(struct volume *v, const u8 salt[16], u64 first);
int __wrap_tree_verify_commit(struct volume *v, const u8 salt[16], u64 first);

int __wrap_tree_verify_commit(struct volume *v, const u8 salt[16], u64 first)
{
    return believe ? 0 : __real_tree_verify_commit(v, salt, first);
}

TEST(planted_believer_of_the_newest_superblock_is_found)
{
    struct disk disk;

    workload(&disk, false);
    believe = true;
    s64 tried = try_all(&disk, 40);
    believe = false;
    CHECK(tried < 0);
    disk_free(&disk);
}

TEST(every_crash_ends_at_a_commit)
{
    struct disk disk;

    workload(&disk, false);
    const char *asked = getenv("OCCLUM_VOLUME_SUBSETS");
    s64 tried = try_all(&disk, asked ? strtoull(asked, NULL, 10) : 40);
    printf("# %lld crash states\n", (long long)tried);
    CHECK(tried > 500);
    disk_free(&disk);
}

// ---- nonces: gcm_seal is wrapped, and every pair of key and IV is kept.

enum { SLOTS = 1 << 16 };
static struct nonce {
    u8 key[16], iv[GCM_IV_BYTES];
} nonces[SLOTS];
static u64 nonce_count, nonce_repeats;

void __real_gcm_seal(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                     const void *in, size_t size, void *out, u8 ret_tag[GCM_TAG_BYTES]);
void __wrap_gcm_seal(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                     const void *in, size_t size, void *out, u8 ret_tag[GCM_TAG_BYTES]);

void __wrap_gcm_seal(const struct gcm_key *k, const u8 iv[GCM_IV_BYTES], const void *aad, size_t aad_size,
                     const void *in, size_t size, void *out, u8 ret_tag[GCM_TAG_BYTES])
{
    struct nonce nonce;
    u64 hash = 0;

    memcpy(nonce.key, k->data, sizeof(nonce.key));
    memcpy(nonce.iv, iv, sizeof(nonce.iv));
    for (size_t i = 0; i < sizeof(nonce); i++)
        hash = (hash ^ ((u8 *)&nonce)[i]) * 0x100000001b3ull;
    static const struct nonce none;
    u64 at = hash % SLOTS;
    while (memcmp(&nonces[at], &none, sizeof(none)) != 0 && memcmp(&nonces[at], &nonce, sizeof(nonce)) != 0)
        at = (at + 1) % SLOTS;
    nonce_repeats += memcmp(&nonces[at], &nonce, sizeof(nonce)) == 0;
    nonces[at] = nonce;
    nonce_count++;
    __real_gcm_seal(k, iv, aad, aad_size, in, size, out, ret_tag);
}

static void constant_random(void *buf, size_t size) { memset(buf, 7, size); }

// The host hands the first state back again and again, and each time other things are written.
static u64 rollback_and_diverge(const struct volume_env *env, int rounds)
{
    struct disk start, disk;
    struct volume_backend backend = disk_backend(&start);
    struct volume_options options = { .cache_blocks = 64 };

    memset(nonces, 0, sizeof(nonces));
    nonce_count = nonce_repeats = 0;
    disk_init(&start);
    start.record = true;
    memcpy(options.key, key, sizeof(key));
    if (volume_format(env, &backend, key, binding, BLOCKS, BLOCKS) != 0)
        abort();
    for (int round = 0; round < rounds; round++) {
        u64 all = start.writes;
        struct volume *volume;
        disk_crash(&start, start.syncs, keep_below, &all, 0, &disk);
        backend = disk_backend(&disk);
        if (volume_open(env, &backend, &options, &volume) != 0)
            abort();
        write_value(volume, 3, (u32)round + 1);
        if (volume_commit(volume) != 0)
            abort();
        volume_close(volume);
        disk_free(&disk);
    }
    disk_free(&start);
    return nonce_repeats;
}

TEST(planted_constant_salt_repeats_nonces)
{
    struct volume_env env = test_env;
    env.random = constant_random;
    CHECK(rollback_and_diverge(&env, 5) > 0);
}

TEST(no_nonce_twice)
{
    const char *asked = getenv("OCCLUM_VOLUME_ROLLBACKS"); // SLOTS holds those of 15,000
    int rounds = asked ? atoi(asked) : 1000;
    CHECK_EQ(rollback_and_diverge(&test_env, rounds), 0);
    CHECK(nonce_count >= 3 * (u64)rounds);
}
