// SPDX-License-Identifier: BSD-3-Clause
// The kernel heap and file pages against shadows, until they are exhausted.
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"
#include "test.h"

#define SLOTS 600

TEST(random_blocks_do_not_overlap)
{
    static struct {
        u8 *ptr;
        size_t size;
        u8 fill;
    } slot[SLOTS];
    fake_boot(MIB(4), true, false);
    struct heap_stats before, after;
    heap_get_stats(&before);
    for (u32 i = 0; i < 100000; i++) {
        size_t s = test_random() % SLOTS;
        if (slot[s].ptr) {
            for (size_t b = 0; b < slot[s].size; b++)
                CHECK_EQ(slot[s].ptr[b], slot[s].fill);
            kfree(slot[s].ptr);
            slot[s].ptr = NULL;
            continue;
        }
        size_t size = test_random() % 16 ? test_random() % 700 : test_random() % 20000;
        u8 *ptr = kmalloc(size);
        CHECK(ptr != NULL);
        CHECK(IS_ALIGNED((u64)ptr, 16));
        slot[s].ptr = ptr;
        slot[s].size = size;
        slot[s].fill = (u8)i;
        memset(ptr, (u8)i, size);
    }
    for (size_t s = 0; s < SLOTS; s++)
        kfree(slot[s].ptr);
    heap_get_stats(&after);
    CHECK(after.used <= before.used + 15 * 4 * PAGE_SIZE); // one kept slab per class
    CHECK_EQ(fake_log_errors, 0);
}

TEST(exhaustion_is_null_and_recovers)
{
    fake_boot(MIB(4), true, false);
    struct heap_stats before, full, after;
    heap_get_stats(&before);
    void *list = NULL;
    for (void **p; (p = kmalloc(100000)); list = p)
        *p = list;
    heap_get_stats(&full);
    CHECK(full.used > full.max - 2 * 100000);
    while (list) {
        void *next = *(void **)list;
        kfree(list);
        list = next;
    }
    heap_get_stats(&after);
    CHECK_EQ(after.used, before.used);
}

TEST(the_heap_grows_and_gives_back)
{
    static struct {
        u64 *pages;
        size_t count;
    } run[SLOTS];
    struct heap_stats stats;
    fake_boot(MIB(4), true, true);
    for (u32 i = 0; i < 60000; i++) {
        bool filling = i / 10000 % 2 == 0;
        size_t s = test_random() % SLOTS, count = 1 + test_random() % (test_random() % 8 ? 8 : 100);
        if (run[s].pages && (!filling || test_random() % 8 == 0)) {
            for (size_t p = 0; p < run[s].count; p++)
                CHECK_EQ(run[s].pages[p * PAGE_SIZE / sizeof(u64)], s);
            kpages_free(run[s].pages, run[s].count);
            run[s].pages = NULL;
        } else if (!run[s].pages && (filling || test_random() % 8 == 0) && (run[s].pages = kpages_alloc(count))) {
            run[s].count = count;
            for (size_t p = 0; p < count; p++)
                run[s].pages[p * PAGE_SIZE / sizeof(u64)] = s;
        }
        if (heap_trim_due && test_random() % 4 == 0)
            heap_trim();
        heap_get_stats(&stats);
        CHECK_EQ(stats.committed, fake_heap_pages() * PAGE_SIZE);
    }
    for (size_t s = 0; s < SLOTS; s++)
        if (run[s].pages)
            kpages_free(run[s].pages, run[s].count);
    CHECK(heap_trim_due);
    heap_trim();
    heap_get_stats(&stats);
    CHECK(!heap_trim_due);
    CHECK(stats.peak > MIB(12));
    CHECK(stats.committed < FAKE_HEAP_INIT + MIB(1)); // what lies in small pieces stays
    CHECK_EQ(fake_emm_violations, 0);
    CHECK_EQ(fake_log_errors, 0);
}

TEST(memory_that_the_host_refuses_is_null_and_may_come_later)
{
    fake_boot(MIB(4), true, true);
    fake_fail_emm_after(0);
    CHECK(kpages_alloc(MIB(8) / PAGE_SIZE) == NULL);
    fake_fail_emm_after(-1);
    void *pages = kpages_alloc(MIB(8) / PAGE_SIZE);
    CHECK(pages != NULL);
    memset(pages, 1, MIB(8));
    kpages_free(pages, MIB(8) / PAGE_SIZE);
    CHECK_EQ(fake_emm_violations, 0);
}

TEST(double_free_is_refused)
{
    fake_boot(MIB(4), true, false);
    fake_log_errors = 0;
    void *a = kmalloc(40);
    kfree(a);
    kfree(a);
    CHECK_EQ(fake_log_errors, 1);
    kfree((u8 *)kmalloc(40) + 8);
    CHECK_EQ(fake_log_errors, 2);
    void *pages = kpages_alloc(3);
    kpages_free(pages, 2);
    CHECK_EQ(fake_log_errors, 3);
    fake_log_errors = 0;
}

static void *held[2000];
static size_t held_count;

static size_t reclaim(size_t want)
{
    size_t freed = 0;
    while (freed < want && held_count) {
        filepage_free(held[--held_count]);
        freed++;
    }
    return freed;
}

TEST(file_pages_are_charged_and_reclaimed_for_programs)
{
    static struct filepage_reclaimer reclaimer = { .reclaim = reclaim };
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    struct vm_stats stats;
    for (void *p; held_count < 2000 && (p = filepage_alloc()); held_count++) {
        held[held_count] = p;
        memset(p, 1, PAGE_SIZE);
    }
    CHECK_EQ(held_count, MIB(4) / PAGE_SIZE); // exactly the limit
    filepage_add_reclaimer(&reclaimer);
    s64 a = vm_map(mm, &(struct vm_map_args){
                           .len = MIB(1), .prot = PROT_READ | PROT_WRITE, .flags = MAP_PRIVATE | MAP_ANONYMOUS });
    CHECK(a > 0);
    vm_get_stats(&stats);
    CHECK(stats.committed <= MIB(4));
    CHECK_EQ(stats.committed, fake_usable_pages() * PAGE_SIZE);
    CHECK_EQ(held_count, MIB(3) / PAGE_SIZE);
    mm_unref(mm);
}
