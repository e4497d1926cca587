// SPDX-License-Identifier: BSD-3-Clause
// The freshness anchor: every older state of a volume and every state of a copy that went on is told, and a crash
// between a commit and its anchor is not. The judge first finds an anchor that is never written.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../test.h"
#include "disk.h"
#include "volume/anchor.h"

enum { BLOCKS = 100, COMMITS = 60 };

static const u8 key[32] = { 7 }, binding[32] = { 0 };

// A volume and the file of its anchor.
struct pair {
    struct disk disk;
    struct volume_anchor slots[VOLUME_ANCHOR_SLOTS];
    u8 anchor_key[32], uuid[16];
    bool lazy, full; // planted: the anchor stays as it was; it cannot be written
};

static int keep(struct pair *p, u64 generation, const u8 root_tag[16])
{
    if (p->full)
        return -ENOSPC;
    if (!p->lazy)
        volume_anchor_seal(p->anchor_key, p->uuid, generation, root_tag, &p->slots[generation % VOLUME_ANCHOR_SLOTS]);
    return 0;
}

static struct pair *kept; // the one that is open
static int committed(void *context, u64 generation, const u8 root_tag[16]) { return keep(kept, generation, root_tag); }

static struct volume *open_pair(struct pair *p)
{
    struct volume_backend backend = disk_backend(&p->disk);
    struct volume_options options = { .cache_blocks = 64 };
    struct volume_info info;
    struct volume *volume;

    kept = p;
    backend.committed = committed;
    memcpy(options.key, key, sizeof(key));
    if (volume_open(&test_env, &backend, &options, &volume) != 0)
        abort();
    volume_get_info(volume, &info);
    memcpy(p->uuid, info.uuid, sizeof(p->uuid));
    return volume;
}

static int judge(struct pair *p)
{
    struct volume *volume = open_pair(p);
    struct volume_info info;

    volume_get_info(volume, &info);
    volume_close(volume);
    return volume_anchor_judge(p->anchor_key, p->slots, &info);
}

static void commit_once(struct volume *volume)
{
    u32 buf[VOLUME_BLOCK / 4] = { (u32)test_random() };

    if (volume_write(volume, test_random() % BLOCKS, buf, 1) != 0 || volume_commit(volume) != 0)
        abort();
}

static void make_pair(struct pair *p)
{
    struct volume_backend backend;

    memset(p, 0, sizeof(*p));
    volume_anchor_key(key, p->anchor_key);
    disk_init(&p->disk);
    backend = disk_backend(&p->disk);
    if (volume_format(&test_env, &backend, key, binding, BLOCKS, BLOCKS) != 0)
        abort();
}

static void copy_pair(const struct pair *from, struct pair *to)
{
    *to = *from;
    disk_init(&to->disk);
    to->disk.size = to->disk.capacity = from->disk.size;
    to->disk.bytes = malloc(from->disk.size);
    memcpy(to->disk.bytes, from->disk.bytes, from->disk.size);
}

// A workload of several openings; states[n]: after commit n + 1. How many of them are taken for the newest.
static u64 believed(bool lazy)
{
    static struct pair states[COMMITS];
    struct pair now;
    struct volume *volume = NULL;
    u64 count = 0;

    make_pair(&now);
    for (int n = 0; n < COMMITS; n++) {
        if (n % 7 == 0) {
            if (volume)
                volume_close(volume);
            volume = open_pair(&now);
        }
        now.lazy = lazy && n;
        commit_once(volume);
        copy_pair(&now, &states[n]);
    }
    volume_close(volume);
    for (int n = 0; n < COMMITS; n++) {
        memcpy(states[n].slots, now.slots, sizeof(now.slots));
        count += judge(&states[n]) == 0;
        disk_free(&states[n].disk);
    }
    disk_free(&now.disk);
    return count;
}

TEST(planted_lazy_anchor_is_found) { CHECK(believed(true) != 1); }

TEST(every_older_state_is_told) { CHECK_EQ(believed(false), 1); }

TEST(a_copy_that_went_on_is_told)
{
    struct pair here, copy;
    struct volume *volume;

    make_pair(&here);
    volume = open_pair(&here);
    commit_once(volume);
    volume_close(volume);
    CHECK_EQ(judge(&here), 0);
    copy_pair(&here, &copy);
    volume = open_pair(&here);
    for (int n = 0; n < 5; n++)
        commit_once(volume);
    volume_close(volume);
    for (int n = 0; n < 12; n++) { // shorter, as long and longer than ours
        volume = open_pair(&copy);
        commit_once(volume);
        volume_close(volume);
        struct pair mixed;
        copy_pair(&copy, &mixed);
        memcpy(mixed.slots, here.slots, sizeof(mixed.slots));
        CHECK_EQ(judge(&mixed), -ESTALE);
        disk_free(&mixed.disk);
    }
    CHECK_EQ(judge(&copy), 0);
    CHECK_EQ(judge(&here), 0);
    disk_free(&copy.disk);
    disk_free(&here.disk);
}

TEST(a_crash_before_the_anchor_is_none)
{
    struct pair now, before;

    make_pair(&now);
    struct volume *volume = open_pair(&now);
    commit_once(volume);
    for (int n = 0; n < 10; n++) {
        memcpy(before.slots, now.slots, sizeof(now.slots));
        commit_once(volume);
        volume_close(volume);
        struct pair crashed;
        copy_pair(&now, &crashed);
        memcpy(crashed.slots, before.slots, sizeof(before.slots)); // not written at all
        CHECK_EQ(judge(&crashed), 0);
        memcpy(crashed.slots, now.slots, sizeof(now.slots)); // torn: the newest slot is not whole
        struct volume_info info;
        volume = open_pair(&crashed);
        volume_get_info(volume, &info);
        crashed.slots[info.generation % VOLUME_ANCHOR_SLOTS].mac[3] ^= 1;
        CHECK_EQ(judge(&crashed), 0);
        volume_close(volume);
        disk_free(&crashed.disk);
        volume = open_pair(&now);
    }
    volume_close(volume);
    disk_free(&now.disk);
}

TEST(changed_or_foreign_anchors)
{
    struct pair p, other;

    make_pair(&p);
    struct volume *volume = open_pair(&p);
    commit_once(volume);
    commit_once(volume);
    volume_close(volume);
    for (size_t at = 0; at < 80; at++) { // every byte of both
        struct pair bad = p;
        ((u8 *)&bad.slots[0])[at] ^= 0x10;
        ((u8 *)&bad.slots[1])[at] ^= 0x10;
        CHECK_EQ(judge(&bad), -ENODATA);
    }
    make_pair(&other);
    memcpy(other.slots, p.slots, sizeof(p.slots)); // of another volume with the same key
    CHECK_EQ(judge(&other), -ESTALE);
    other.anchor_key[0] ^= 1;
    CHECK_EQ(judge(&other), -ENODATA);
    disk_free(&other.disk);
    disk_free(&p.disk);
}

TEST(an_anchor_that_cannot_be_written_fails_the_commit)
{
    u32 buf[VOLUME_BLOCK / 4] = { 1 };
    struct pair p;

    make_pair(&p);
    struct volume *volume = open_pair(&p);
    commit_once(volume);
    p.full = true;
    CHECK_EQ(volume_write(volume, 1, buf, 1), 0);
    CHECK_EQ(volume_commit(volume), -ENOSPC);
    CHECK_EQ(volume_commit(volume), -ENOSPC); // until it is opened again
    volume_close(volume);
    CHECK_EQ(judge(&p), 0);
    disk_free(&p.disk);
}
