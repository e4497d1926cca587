// SPDX-License-Identifier: BSD-3-Clause
// Shared mappings of one file in two address spaces, at home and elsewhere, against a model that is one array of bytes:
// every read through any mapping or by read(2) must see the last write through any other or by write(2).
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"
#include "libos/vm/object.h"
#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
enum { FILE_PAGES = 24, VIEWS = 6 };

static u8 bytes[FILE_PAGES * PAGE_SIZE], model[FILE_PAGES * PAGE_SIZE];
static struct fake_file file;
static struct mm *mms[2];

struct view {
    struct mm *mm;
    u64 addr, first, pages;
    u32 prot;
    bool shared;
};
static struct view views[VIEWS];

static void make_file(u64 size, bool volatile_pages)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = i < size ? (u8)(i / PAGE_SIZE + 1) : 0;
    memcpy(model, bytes, sizeof(model));
    file = (struct fake_file){
        .refs = 1, .bytes = bytes, .size = size, .bad_page = UINT64_MAX, .volatile_pages = volatile_pages
    };
}

static s64 map_at(struct mm *mm, u64 addr, u64 first, u64 pages, u32 prot, u32 flags)
{
    return vm_map(mm, &(struct vm_map_args){ .addr = addr,
                                             .len = pages * PAGE_SIZE,
                                             .prot = prot,
                                             .flags = flags,
                                             .file = &file,
                                             .ops = &fake_file_ops,
                                             .offset = first * PAGE_SIZE,
                                             .may_write = true });
}

static s64 map_shared(struct mm *mm, u64 first, u64 pages, u32 prot)
{
    return map_at(mm, 0, first, pages, prot, MAP_SHARED);
}

// As the program does it: touches, and faults until it can. The byte, or the error.
static int load(struct mm *mm, u64 addr)
{
    for (int tries = 0; tries < 4; tries++) {
        int value = fake_read(addr);
        if (value >= 0)
            return value;
        int err = vm_fault(mm, addr, VM_READ);
        if (err)
            return err;
    }
    return -1000;
}

static int store(struct mm *mm, u64 addr, u8 value)
{
    for (int tries = 0; tries < 4; tries++) {
        if (fake_write(addr, value) == 0)
            return 0;
        int err = vm_fault(mm, addr, VM_WRITE);
        if (err)
            return err;
    }
    return -1000;
}

static u64 committed(void)
{
    struct vm_stats stats;
    vm_get_stats(&stats);
    return stats.committed;
}

static void begin(bool lazy, bool volatile_pages, u64 size)
{
    fake_boot(MIB(32), true, lazy);
    make_file(size, volatile_pages);
    mms[1] = fake_mm_new();
    mms[0] = fake_mm_new();
}

static bool end(void)
{
    struct vm_stats stats;
    mm_unref(mms[0]);
    mm_unref(mms[1]);
    fake_file_done(&file);
    vm_get_stats(&stats);
    return stats.committed == 0 && stats.mapped == 0 && fake_usable_pages() == 0 && file.refs == 1 &&
           fake_emm_violations == 0 && fake_log_errors == 0;
}

TEST(two_processes_share_at_home)
{
    begin(false, true, sizeof(bytes));
    u64 a = (u64)map_shared(mms[0], 0, 4, RW), b = (u64)map_shared(mms[1], 0, 4, RW);
    CHECK_EQ(a, b);
    CHECK_EQ(store(mms[0], a + 5, 77), 0);
    CHECK_EQ(fake_read(b + 5), 77); // one page
    CHECK_EQ(committed(), PAGE_SIZE);
    u64 again = (u64)map_shared(mms[0], 1, 2, RW); // one process, twice: somewhere else
    CHECK(again != a + PAGE_SIZE);
    CHECK_EQ(store(mms[0], again, 5), 0);
    CHECK_EQ(load(mms[1], b + PAGE_SIZE), 5);
    CHECK_EQ(vm_unmap(mms[0], a, 4 * PAGE_SIZE), 0);
    CHECK_EQ(load(mms[0], a + 5), 77); // the other one still has it there: one address space
    CHECK_EQ(vm_unmap(mms[1], b, 4 * PAGE_SIZE), 0);
    CHECK_EQ(fake_read(b + 5), -1);
    CHECK_EQ(map_shared(mms[1], 0, 4, RW), (s64)b); // and what was written is there again
    CHECK_EQ(load(mms[1], b + 5), 77);
    CHECK(end());
}

TEST(protections_add_up_at_home)
{
    begin(false, true, sizeof(bytes));
    u64 a = (u64)map_shared(mms[0], 0, 2, PROT_READ);
    CHECK_EQ(load(mms[0], a), 1);
    CHECK_EQ(store(mms[0], a, 2), -EACCES);
    CHECK_EQ(map_shared(mms[1], 0, 2, RW), (s64)a);
    CHECK_EQ(store(mms[1], a, 2), 0);
    CHECK_EQ(vm_unmap(mms[1], a, 2 * PAGE_SIZE), 0);
    CHECK_EQ(fake_prot(a), EMM_READ);
    CHECK_EQ(vm_protect(mms[0], a, PAGE_SIZE, PROT_NONE), 0);
    CHECK_EQ(fake_read(a), -1);
    fake_file_set(&file, 3, 9); // the LibOS reaches it all the same
    CHECK_EQ(fake_file_get(&file, 3), 9);
    CHECK_EQ(fake_read(a), -1);
    CHECK(end());
}

TEST(fixed_addresses_and_their_limits)
{
    begin(false, true, sizeof(bytes));
    u64 at = FAKE_USER_START + MIB(8);
    CHECK_EQ(map_at(mms[0], at, 0, 4, RW, MAP_SHARED | MAP_FIXED), (s64)at); // free: the home
    CHECK_EQ(map_at(mms[1], at, 0, 4, RW, MAP_SHARED | MAP_FIXED_NOREPLACE), (s64)at);
    CHECK_EQ(map_at(mms[1], at, 0, 4, RW, MAP_SHARED | MAP_FIXED_NOREPLACE), -EEXIST);
    CHECK_EQ(store(mms[0], at, 55), 0);
    CHECK_EQ(fake_read(at), 55);
    // A ring: one page twice, in a reservation.
    u64 ring = (u64)vm_map(mms[0], &(struct vm_map_args){ .len = 2 * PAGE_SIZE, .flags = MAP_PRIVATE | MAP_ANONYMOUS });
    CHECK_EQ(map_at(mms[0], ring, 7, 1, RW, MAP_SHARED | MAP_FIXED), (s64)ring);
    CHECK_EQ(map_at(mms[0], ring + PAGE_SIZE, 7, 1, RW, MAP_SHARED | MAP_FIXED), (s64)(ring + PAGE_SIZE));
    for (u64 i = 0; i < 4 * PAGE_SIZE; i += 1000) {
        CHECK_EQ(store(mms[0], ring + i % (2 * PAGE_SIZE), (u8)i), 0);
        CHECK_EQ(load(mms[0], ring + (i + PAGE_SIZE) % (2 * PAGE_SIZE)), (u8)i);
    }
    // The addresses of a home are the object's.
    CHECK_EQ(vm_map(mms[0],
                    &(struct vm_map_args){
                        .addr = at, .len = 4096, .prot = RW, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED }),
             -ENOMEM);
    CHECK_EQ(load(mms[0], at), 55);
    CHECK(end());
}

TEST(truncation_takes_pages_from_all_mappings)
{
    begin(false, false, 4 * PAGE_SIZE);
    u64 a = (u64)map_shared(mms[0], 0, 4, RW), b = (u64)map_at(mms[1], 0, 0, 4, RW, MAP_PRIVATE);
    u64 c = (u64)map_shared(mms[0], 2, 2, RW);
    CHECK_EQ(store(mms[0], a + 3 * PAGE_SIZE, 1), 0);
    CHECK_EQ(store(mms[1], b + 3 * PAGE_SIZE, 2), 0);
    CHECK_EQ(store(mms[0], c + PAGE_SIZE, 3), 0);
    CHECK_EQ(store(mms[1], b, 4), 0);
    mutex_lock(&file.lock);
    file.size = PAGE_SIZE;
    CHECK_EQ(vm_object_drop(file.object, 1, UINT64_MAX), 0);
    mutex_unlock(&file.lock);
    vm_truncated(file.object, PAGE_SIZE);
    CHECK_EQ(load(mms[0], a + 3 * PAGE_SIZE), -EIO);
    CHECK_EQ(load(mms[1], b + 3 * PAGE_SIZE), -EIO);
    CHECK_EQ(load(mms[0], c + PAGE_SIZE), -EIO);
    CHECK_EQ(load(mms[1], b), 4);
    CHECK(end());
}

TEST(a_failing_emm_loses_nothing)
{
    for (int calls = 1; calls < 40; calls++) {
        begin(calls % 2, true, sizeof(bytes));
        u64 a = (u64)map_shared(mms[0], 0, 4, RW), c = (u64)map_shared(mms[0], 0, 4, RW);
        CHECK_EQ(store(mms[0], a, 11), 0);
        fake_fail_emm_after(calls);
        for (int i = 0; i < 6; i++) {
            (void)!store(mms[0], (i % 2 ? a : c) + PAGE_SIZE, (u8)i);
            (void)!load(mms[0], c);
        }
        fake_fail_emm_after(-1);
        CHECK_EQ(load(mms[0], c), 11);
        CHECK_EQ(store(mms[0], c, 12), 0);
        CHECK_EQ(load(mms[0], a), 12);
        mm_unref(mms[0]);
        mm_unref(mms[1]);
        fake_file_done(&file);
    }
}

static bool allows(const struct view *v, bool write) { return write ? v->prot & PROT_WRITE : v->prot != PROT_NONE; }

static bool touch(struct view *v)
{
    u64 page = test_random() % v->pages, offset = test_random() % PAGE_SIZE;
    u64 at = (v->first + page) * PAGE_SIZE + offset, addr = v->addr + page * PAGE_SIZE + offset;
    bool write = test_random() % 2, there = at / PAGE_SIZE < DIV_ROUND_UP(file.size, PAGE_SIZE);
    u8 value = (u8)test_random();
    if (!allows(v, write))
        return true; // at home another mapping may allow it
    int result = write ? store(v->mm, addr, value) : load(v->mm, addr);
    if (!there)
        return result == -EIO;
    if (write)
        model[at] = value;
    return write ? result == 0 : result == model[at];
}

static bool remap(struct view *v)
{
    static const u32 prots[] = { RW, RW, RW, PROT_READ, PROT_NONE };
    if (v->mm)
        return vm_unmap(v->mm, v->addr, v->pages * PAGE_SIZE) == 0 && ((v->mm = NULL), true);
    v->mm = mms[test_random() % 2];
    v->first = test_random() % FILE_PAGES;
    v->pages = 1 + test_random() % (FILE_PAGES - v->first);
    v->prot = prots[test_random() % ARRAY_SIZE(prots)];
    s64 addr = map_shared(v->mm, v->first, v->pages, v->prot);
    v->addr = (u64)addr;
    return addr > 0;
}

static bool step(void)
{
    struct view *v = &views[test_random() % VIEWS];
    u64 at = test_random() % file.size;
    switch (test_random() % 16) {
    case 0:
        return remap(v);
    case 1:
        model[at] = (u8)test_random();
        fake_file_set(&file, at, model[at]);
        return true;
    case 2:
        return fake_file_get(&file, at) == model[at];
    case 3:
        if (!v->mm)
            return true;
        v->prot = test_random() % 3 ? RW : PROT_READ;
        return vm_protect(v->mm, v->addr, v->pages * PAGE_SIZE, v->prot) == 0;
    case 4:
        return !v->mm || vm_sync(v->mm, v->addr, v->pages * PAGE_SIZE, MS_SYNC) == 0;
    default:
        return !v->mm || touch(v);
    }
}

static bool run(bool lazy, bool volatile_pages, u32 steps)
{
    begin(lazy, volatile_pages, (FILE_PAGES - 4) * PAGE_SIZE + 100);
    memset(views, 0, sizeof(views));
    for (u32 i = 0; i < steps; i++) {
        if (step())
            continue;
        test_fail(__FILE__, __LINE__, "step %u", i);
        return false;
    }
    return end() && (volatile_pages || memcmp(bytes, model, file.size) == 0);
}

TEST(random_views_of_a_file_in_memory) { CHECK(run(false, true, 60000)); }
TEST(random_views_of_a_file_that_is_kept) { CHECK(run(false, false, 60000)); }
TEST(random_views_with_lazy_commit) { CHECK(run(true, true, 30000) && run(true, false, 30000)); }
