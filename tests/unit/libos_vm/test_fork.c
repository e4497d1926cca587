// SPDX-License-Identifier: BSD-3-Clause
// Families: random forks, changes of residents, maps, protections and writes of up to five relatives, each against a
// model of its own. Whoever is resident must find in every page what he left there, and nothing of the others.
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"
#include "libos/vm/family.h"
#include "libos/vm/fork.h"
#include "test.h"

#define PAGES 96ul
#define BASE (FAKE_USER_START + MIB(4))
#define FILE_PAGES 32ul
enum { MEMBERS = 5, SHARED_PAGES = 8, ALIAS_PAGES = 4 }; // the last of the pages: shared ones, before them copies

struct model_page {
    bool mapped, is_file, shared;
    u8 prot, value;
    u16 file_page;
};

struct member {
    struct mm *mm; // NULL: none
    struct model_page pages[PAGES];
};

static struct member members[MEMBERS];
static struct member *now; // resident
static u8 shared_values[SHARED_PAGES], shared_bytes[SHARED_PAGES * PAGE_SIZE];
static struct fake_file shared_file;
static u8 file_bytes[FILE_PAGES * PAGE_SIZE];
static struct fake_file file;
static const char *what;

static u64 at(u64 page) { return BASE + page * PAGE_SIZE; }
static u8 file_value(u64 page) { return (u8)(page * 3 + 1); }

static u32 random_prot(void)
{
    static const u32 prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                                 PROT_READ | PROT_EXEC };
    return prots[test_random() % ARRAY_SIZE(prots)];
}

// The current thread becomes one of the member's, which has been asleep.
static bool resume(struct member *member)
{
    thread_sleeps_hook(&fake_thread);
    now = member;
    fake_thread.mm = member->mm;
    fake_thread.away = true;
    vm_come_back();
    return !fake_thread.away;
}

static bool do_fork(void)
{
    for (int i = 0; i < MEMBERS; i++) {
        struct member *child = &members[i];
        if (child->mm)
            continue;
        if (vm_fork(now->mm, &child->mm) != 0)
            return false;
        memcpy(child->pages, now->pages, sizeof(child->pages));
        vm_fork_done(now->mm, child->mm);
        now = child;
        fake_thread.mm = child->mm;
        fake_thread.away = false;
        return true;
    }
    return true;
}

static bool do_end(void)
{
    int alive = 0;
    for (int i = 0; i < MEMBERS; i++)
        alive += members[i].mm != NULL;
    if (alive < 2)
        return true;
    struct member *other = &members[test_random() % MEMBERS];
    if (!other->mm)
        return true;
    if (other != now) { // killed while it is away: nobody brings its pages back for that
        mm_unref(other->mm);
        other->mm = NULL;
        return true;
    }
    fake_thread.mm = NULL;
    vm_thread_ends(now->mm, false);
    mm_unref(now->mm);
    now->mm = NULL;
    do
        now = &members[test_random() % MEMBERS];
    while (!now->mm);
    fake_thread.mm = now->mm;
    fake_thread.away = true;
    vm_come_back();
    return !fake_thread.away;
}

static bool do_switch(void)
{
    struct member *other = &members[test_random() % MEMBERS];
    return !other->mm || other == now || resume(other);
}

static bool do_map(u64 first, u64 count)
{
    bool is_file = test_random() % 3 == 0;
    u64 file_page = is_file ? test_random() % FILE_PAGES : 0;
    u32 prot = random_prot();
    struct vm_map_args args = { .addr = at(first),
                                .len = count * PAGE_SIZE,
                                .prot = prot,
                                .flags = MAP_PRIVATE | MAP_FIXED | (is_file ? 0 : MAP_ANONYMOUS) };
    if (is_file) {
        args.file = &file;
        args.ops = &fake_file_ops;
        args.offset = file_page * PAGE_SIZE;
    }
    // The home of what is shared, and copies that a relative has elsewhere, do not give way.
    bool refused = first + count > PAGES - SHARED_PAGES;
    for (int k = 0; k < MEMBERS; k++)
        for (u64 i = first; i < first + count; i++)
            refused |= members[k].mm && &members[k] != now && members[k].pages[i].shared;
    if (refused)
        return vm_map(now->mm, &args) == -ENOMEM;
    if (vm_map(now->mm, &args) != (s64)at(first))
        return false;
    for (u64 i = 0; i < count; i++)
        now->pages[first + i] = (struct model_page){
            .mapped = true,
            .is_file = is_file,
            .prot = (u8)prot,
            .file_page = (u16)(file_page + i),
            .value = is_file ? file_value(file_page + i) : 0,
        };
    return true;
}

static bool do_unmap(u64 first, u64 count)
{
    memset(&now->pages[first], 0, count * sizeof(now->pages[0]));
    return vm_unmap(now->mm, at(first), count * PAGE_SIZE) == 0;
}

static bool do_protect(u64 first, u64 count)
{
    u32 prot = random_prot();
    int want = 0;
    for (u64 i = first; i < first + count; i++) {
        if (!now->pages[i].mapped) {
            want = -ENOMEM;
            break;
        }
        now->pages[i].prot = (u8)prot;
    }
    return vm_protect(now->mm, at(first), count * PAGE_SIZE, prot) == want;
}

static bool do_drop(u64 first, u64 count)
{
    int want = 0;
    for (u64 i = first; i < first + count; i++) {
        struct model_page *m = &now->pages[i];
        if (!m->mapped)
            want = -ENOMEM;
        else if (!m->shared)
            m->value = m->is_file ? file_value(m->file_page) : 0;
    }
    return vm_advise(now->mm, at(first), count * PAGE_SIZE, MADV_DONTNEED) == want;
}

static bool touch(u64 page, bool write)
{
    struct model_page *m = &now->pages[page];
    u64 addr = at(page);
    u8 value = (u8)test_random(), *is = m->shared ? &shared_values[m->file_page] : &m->value;
    if (!m->mapped) // a relative may have a page there: one address space
        return vm_fault(now->mm, addr, write ? VM_WRITE : VM_READ) == -EFAULT;
    for (int tries = 0; tries < 3; tries++) {
        int result = write ? fake_write(addr, value) : fake_read(addr);
        if (result >= 0) {
            // At home a shared page has the protections of all who map it there (vm/object.h).
            bool allowed = m->shared || (write ? m->prot & PROT_WRITE : m->prot != PROT_NONE);
            if (!allowed || (!write && result != *is)) {
                test_fail(__FILE__, __LINE__, "page %lu of member %ld: %d for %d, prot %d %s", page, now - members,
                          result, *is, m->prot, m->is_file ? "file" : "");
                return false;
            }
            if (write)
                *is = value;
            return true;
        }
        int err = vm_fault(now->mm, addr, write ? VM_WRITE : VM_READ);
        if (err == -EFAULT)
            return !m->mapped;
        if (err == -EACCES)
            return m->mapped && !(write ? m->prot & PROT_WRITE : m->prot != PROT_NONE);
        if (err == -EIO)
            return m->is_file && m->file_page >= FILE_PAGES;
        if (err) {
            test_fail(__FILE__, __LINE__, "page %lu: fault says %d", page, err);
            return false;
        }
    }
    test_fail(__FILE__, __LINE__, "page %lu of member %ld: faults, prot %d emm %d %s", page, now - members, m->prot,
              fake_prot(addr), m->is_file ? "file" : "");
    return false;
}

// Every page that the resident may read holds what the model says.
static bool look_at_all(void)
{
    for (u64 i = 0; i < PAGES; i++)
        if (now->pages[i].mapped && now->pages[i].prot != PROT_NONE && !touch(i, false))
            return false;
    return true;
}

static bool step(void)
{
    u64 first = test_random() % PAGES, count = 1 + test_random() % MIN(PAGES - first, 12ul);
    switch (test_random() % 24) {
    case 0:
        what = "fork";
        return do_fork();
    case 1:
    case 2:
    case 3:
        what = "switch";
        return do_switch();
    case 4:
        what = "end";
        return test_random() % 3 || do_end();
    case 5:
    case 6:
        what = "map";
        return do_map(first, count);
    case 7:
        what = "unmap";
        return do_unmap(first, count);
    case 8:
    case 9:
        what = "protect";
        return do_protect(first, count);
    case 10:
        what = "drop";
        return do_drop(first, count);
    default:
        what = "touch";
        return touch(first, test_random() & 1);
    }
}

static void share(u64 first, u64 count)
{
    struct vm_map_args args = { .addr = at(first),
                                .len = count * PAGE_SIZE,
                                .prot = PROT_READ | PROT_WRITE,
                                .flags = MAP_SHARED | MAP_FIXED,
                                .file = &shared_file,
                                .ops = &fake_file_ops,
                                .may_write = true };
    if (vm_map(now->mm, &args) != (s64)args.addr)
        __builtin_trap();
    for (u64 i = 0; i < count; i++)
        now->pages[first + i] =
            (struct model_page){ .mapped = true, .shared = true, .prot = PROT_READ | PROT_WRITE, .file_page = (u16)i };
}

static void start(bool lazy_anon)
{
    fake_boot(MIB(48), true, lazy_anon);
    memset(members, 0, sizeof(members));
    for (u64 i = 0; i < FILE_PAGES; i++)
        memset(file_bytes + i * PAGE_SIZE, file_value(i), PAGE_SIZE);
    file = (struct fake_file){ .bytes = file_bytes, .size = sizeof(file_bytes), .bad_page = UINT64_MAX };
    now = &members[0];
    now->mm = fake_mm_new();
    fake_thread.away = false;
    vm_thread_starts(now->mm);
    memset(shared_values, 0, sizeof(shared_values));
    memset(shared_bytes, 0, sizeof(shared_bytes));
    shared_file = (struct fake_file){
        .refs = 1, .bytes = shared_bytes, .size = sizeof(shared_bytes), .bad_page = UINT64_MAX, .volatile_pages = true
    };
    share(PAGES - SHARED_PAGES, SHARED_PAGES);
    share(PAGES - SHARED_PAGES - ALIAS_PAGES, ALIAS_PAGES);
}

static bool end_all(void)
{
    struct vm_stats stats;
    fake_thread.mm = NULL;
    vm_thread_ends(now->mm, fake_thread.away);
    for (int i = 0; i < MEMBERS; i++)
        mm_unref(members[i].mm);
    fake_file_done(&file);
    fake_file_done(&shared_file);
    vm_get_stats(&stats);
    if (stats.mapped == 0 && stats.committed == 0 && fake_usable_pages() == 0 && file.refs == 0)
        return true;
    test_fail(__FILE__, __LINE__, "left: mapped %lu, committed %lu, pages %lu, file references %ld", stats.mapped,
              stats.committed, fake_usable_pages(), file.refs);
    return false;
}

static bool random_family(bool lazy_anon, int steps)
{
    start(lazy_anon);
    for (int i = 0; i < steps; i++) {
        if (!step() || (i % 16 == 0 && !look_at_all()) || fake_emm_violations || fake_log_errors) {
            test_fail(__FILE__, __LINE__, "step %d: %s (violations %lu)", i, what, fake_emm_violations);
            return false;
        }
    }
    return end_all();
}

TEST(random_families)
{
    for (int round = 0; round < 30; round++)
        CHECK(random_family(false, 1000));
}

TEST(random_families_that_commit_lazily)
{
    for (int round = 0; round < 30; round++)
        CHECK(random_family(true, 1000));
}

TEST(a_child_has_its_own_memory)
{
    start(false);
    CHECK(do_map(0, 4) || true);
    struct vm_map_args args = { .addr = at(20),
                                .len = 2 * PAGE_SIZE,
                                .prot = PROT_READ | PROT_WRITE,
                                .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
    CHECK_EQ(vm_map(now->mm, &args), at(20));
    CHECK_EQ(fake_write(at(20), 1), 0);
    CHECK(touch(PAGES - 1, true)); // shared
    struct member *parent = now;
    CHECK(do_fork());
    CHECK(now != parent);
    CHECK_EQ(fake_read(at(20)), 1);
    CHECK_EQ(fake_write(at(20), 2), 0);
    CHECK(touch(PAGES - 1, false));
    CHECK(touch(PAGES - 1, true));
    struct member *child = now;
    CHECK(resume(parent));
    CHECK_EQ(fake_read(at(20)), 1);
    CHECK(touch(PAGES - 1, false));
    CHECK(resume(child));
    CHECK_EQ(fake_read(at(20)), 2);
    CHECK(end_all());
}

// Out of memory: fork says so and nothing changed.
TEST(fork_without_memory)
{
    for (int calls = 0; calls < 40; calls++) {
        start(false);
        struct vm_map_args args = { .addr = at(0),
                                    .len = 8 * PAGE_SIZE,
                                    .prot = PROT_READ | PROT_WRITE,
                                    .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
        CHECK_EQ(vm_map(now->mm, &args), at(0));
        for (u64 i = 0; i < 8; i += 2)
            CHECK_EQ(fake_write(at(i), (u8)(i + 1)), 0);
        fake_fail_emm_after(calls);
        struct mm *child = NULL;
        int err = vm_fork(now->mm, &child);
        fake_fail_emm_after(-1);
        CHECK(err == 0 || err == -ENOMEM);
        if (!err) {
            members[1].mm = child;
            vm_fork_done(now->mm, child);
            fake_thread.mm = child;
            fake_thread.away = false;
            now = &members[1];
            CHECK(resume(&members[0]));
        }
        for (u64 i = 0; i < 8; i++)
            CHECK_EQ(fake_read(at(i)), i % 2 ? 0 : i + 1);
        now->mm = NULL; // memory that could not be given back stays taken
    }
}
