// SPDX-License-Identifier: BSD-3-Clause
// A hash table of pages by block number. Pages are given back by the second-chance (clock) rule when memory is short.
#include "libos/fs/page_cache.h"
#include "abi/linux/abi.h"
#include "base/list.h"
#include "base/string.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"
#include "trusted/spinlock.h"

enum { BUCKETS = 4096, RUN = 4 };

struct cached {
    struct cached *next; // in its bucket
    struct list_head clock;
    u64 block;
    u8 *page;
    u32 users; // copies in progress
    bool used; // since the hand last passed
};

static struct cached *buckets[BUCKETS];
static struct list_head clock_list = LIST_INIT(clock_list);
static struct spinlock lock = SPINLOCK_INIT(LOCK_PAGE_CACHE); // everything above
static page_fill fill_blocks;
static u64 block_count;
static bool alone;     // a block is read without its neighbours, unless the one before was read last
static u64 next_block; // behind what was read last; a hint, read and written without the lock

static struct cached **bucket_of(u64 block) { return &buckets[(block * 0x9e3779b97f4a7c15ull) >> 52]; }

static struct cached *find(u64 block)
{
    struct cached *c = *bucket_of(block);
    while (c && c->block != block)
        c = c->next;
    return c;
}

static void unlink_cached(struct cached *c)
{
    struct cached **link = bucket_of(c->block);
    while (*link != c)
        link = &(*link)->next;
    *link = c->next;
    list_del(&c->clock);
}

// Passes the hand once or twice over all pages, until enough are taken out.
static size_t reclaim(size_t want)
{
    struct cached *c, *next;
    struct list_head taken = LIST_INIT(taken);
    size_t freed = 0;

    spin_lock(&lock);
    for (int pass = 0; pass < 2 && freed < want; pass++) {
        list_for_each_safe (c, next, &clock_list, clock) {
            if (freed == want)
                break;
            if (c->users || (c->used && !pass)) {
                c->used = false;
                continue;
            }
            unlink_cached(c);
            list_add(&c->clock, &taken);
            freed++;
        }
    }
    spin_unlock(&lock);
    list_for_each_safe (c, next, &taken, clock) {
        filepage_free(c->page);
        kfree(c);
    }
    return freed;
}

void page_cache_init(page_fill fill, u64 blocks, bool cheap)
{
    static struct filepage_reclaimer reclaimer = { .reclaim = reclaim };
    fill_blocks = fill;
    block_count = blocks;
    alone = cheap;
    filepage_add_reclaimer(&reclaimer);
}

// The cached page, in use until page_done; NULL if it is not there.
static struct cached *get(u64 block)
{
    spin_lock(&lock);
    struct cached *c = find(block);
    if (c) {
        c->users++;
        c->used = true;
    }
    spin_unlock(&lock);
    return c;
}

static void page_done(struct cached *c)
{
    spin_lock(&lock);
    c->users--;
    spin_unlock(&lock);
}

// Puts a copy of data into the cache, unless another thread was faster. Returns the entry, in use, or NULL without
// memory.
static struct cached *insert(u64 block, const u8 *data)
{
    struct cached *c = kzalloc(sizeof(*c)), *other;
    u8 *page = c ? filepage_alloc() : NULL;

    if (!page) {
        kfree(c);
        return NULL;
    }
    memcpy(page, data, PAGE_SIZE);
    *c = (struct cached){ .block = block, .page = page, .users = 1, .used = true };
    spin_lock(&lock);
    other = find(block);
    if (other) {
        other->users++;
    } else {
        c->next = *bucket_of(block);
        *bucket_of(block) = c;
        list_add_tail(&c->clock, &clock_list);
    }
    spin_unlock(&lock);
    if (!other)
        return c;
    filepage_free(page);
    kfree(c);
    return other;
}

// Reads the block, and its neighbours with it: one host call brings them all, and they are often wanted next. Where no
// call is needed only who reads on gets them.
static int load(u64 block, struct cached **ret_cached)
{
    bool one = alone && block != READ_ONCE(next_block);
    u64 first = one ? block : ALIGN_DOWN(block, RUN), count = one ? 1 : MIN((u64)RUN, block_count - first);
    u8 *buf = kpages_alloc(RUN);

    if (!buf)
        return -ENOMEM;
    int err = fill_blocks(first, buf, count);
    if (err) { // a neighbour may be at fault
        first = block;
        count = 1;
        err = fill_blocks(block, buf, 1);
    }
    WRITE_ONCE(next_block, first + count);
    *ret_cached = NULL;
    for (u64 i = 0; i < count && !err; i++) {
        struct cached *c = insert(first + i, buf + i * PAGE_SIZE);
        if (first + i == block)
            *ret_cached = c;
        else if (c)
            page_done(c);
    }
    kpages_free(buf, RUN);
    return err ? err : *ret_cached ? 0 : -ENOMEM;
}

int page_cache_read(u64 block, u32 offset, void *buf, size_t n)
{
    if (block >= block_count)
        return -EIO;
    struct cached *c = get(block);
    if (!c) {
        int err = load(block, &c);
        if (err)
            return err;
    }
    memcpy(buf, c->page + offset, n);
    page_done(c);
    return 0;
}
