// SPDX-License-Identifier: BSD-3-Clause
// Random operations on one mm against a model that knows, of every page, whether it is mapped, its protection and
// what its first byte must be. After each batch the model, the accounting and the emm must agree.
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"
#include "test.h"

#define PAGES 512ul // of the window that operations fall into
#define BASE (FAKE_USER_START + MIB(4))
#define FILE_PAGES 64ul

struct model_page {
    bool mapped, backed, is_file, shared;
    u8 prot, value;
    u16 file_page;
};

static struct model_page model[PAGES];
static u8 file_bytes[FILE_PAGES * PAGE_SIZE];
static struct fake_file file;
static const char *what;

static u64 at(u64 page) { return BASE + page * PAGE_SIZE; }

static u32 random_prot(void)
{
    static const u32 prots[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
                                 PROT_READ | PROT_EXEC };
    return prots[test_random() % ARRAY_SIZE(prots)];
}

static void random_range(u64 *ret_first, u64 *ret_count)
{
    *ret_first = test_random() % PAGES;
    *ret_count = 1 + test_random() % MIN(PAGES - *ret_first, test_random() % 8 ? 12ul : 200ul);
}

static u8 file_value(u64 page) { return (u8)(page * 3 + 1); }

static bool do_map(struct mm *mm, u64 first, u64 count)
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
    if (vm_map(mm, &args) != (s64)at(first))
        return false;
    for (u64 i = 0; i < count; i++)
        model[first + i] = (struct model_page){
            .mapped = true,
            .backed = !is_file && prot,
            .is_file = is_file,
            .prot = (u8)prot,
            .file_page = (u16)(file_page + i),
            .value = is_file ? file_value(file_page + i) : 0,
        };
    return true;
}

static bool do_unmap(struct mm *mm, u64 first, u64 count)
{
    memset(&model[first], 0, count * sizeof(model[0]));
    return vm_unmap(mm, at(first), count * PAGE_SIZE) == 0;
}

static bool do_protect(struct mm *mm, u64 first, u64 count)
{
    u32 prot = random_prot();
    int want = 0;
    for (u64 i = first; i < first + count; i++) {
        if (!model[i].mapped) {
            want = -ENOMEM;
            break;
        }
        model[i].prot = (u8)prot;
        if (!model[i].is_file && prot)
            model[i].backed = true;
    }
    return vm_protect(mm, at(first), count * PAGE_SIZE, prot) == want;
}

static bool do_drop(struct mm *mm, u64 first, u64 count)
{
    int want = 0;
    for (u64 i = first; i < first + count; i++) {
        if (!model[i].mapped)
            want = -ENOMEM;
        else
            model[i].value = model[i].is_file ? file_value(model[i].file_page) : 0;
    }
    return vm_advise(mm, at(first), count * PAGE_SIZE, MADV_DONTNEED) == want;
}

static bool do_remap(struct mm *mm, u64 first, u64 count)
{
    u64 to = test_random() % PAGES, new_count = 1 + test_random() % 16;
    if (to + new_count > PAGES || (to < first + count && first < to + new_count))
        return true;
    for (u64 i = first; i < first + count; i++) // only what is one VMA for sure
        if (!model[i].mapped || model[i].is_file != model[first].is_file || model[i].is_file ||
            model[i].prot != model[first].prot || model[i].backed != model[first].backed)
            return true;
    s64 result =
        vm_remap(mm, at(first), count * PAGE_SIZE, new_count * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to));
    if (result != (s64)at(to))
        return false;
    for (u64 i = 0; i < new_count; i++) {
        model[to + i] = model[first];
        model[to + i].value = i < count ? model[first + i].value : 0;
        model[to + i].backed = model[first].prot != PROT_NONE;
    }
    // A PROT_NONE area with contents has nothing of them at its new place unless the destination is backed too.
    if (model[first].prot == PROT_NONE)
        for (u64 i = 0; i < new_count; i++)
            model[to + i].value = 0;
    memset(&model[first], 0, count * sizeof(model[0]));
    return true;
}

static bool touch(struct mm *mm, u64 page)
{
    struct model_page *m = &model[page];
    bool write = test_random() & 1;
    u64 addr = at(page);
    u8 value = (u8)test_random();
    for (int tries = 0; tries < 3; tries++) {
        int result = write ? fake_write(addr, value) : fake_read(addr);
        if (result >= 0) {
            bool allowed = m->mapped && (write ? m->prot & PROT_WRITE : m->prot != PROT_NONE);
            if (!allowed || (!write && result != m->value))
                return false;
            if (write)
                m->value = value;
            return true;
        }
        int err = vm_fault(mm, addr, write ? VM_WRITE : VM_READ);
        if (err == -EFAULT)
            return !m->mapped;
        if (err == -EACCES)
            return m->mapped && !(write ? m->prot & PROT_WRITE : m->prot != PROT_NONE);
        if (err == -EIO)
            return m->is_file && m->file_page >= FILE_PAGES;
        if (err)
            return false;
    }
    return false;
}

static bool step(struct mm *mm)
{
    u64 first, count;
    random_range(&first, &count);
    switch (test_random() % 16) {
    case 0:
    case 1:
    case 2:
        what = "map";
        return do_map(mm, first, count);
    case 3:
        what = "unmap";
        return do_unmap(mm, first, count);
    case 4:
    case 5:
        what = "protect";
        return do_protect(mm, first, count);
    case 6:
        what = "drop";
        return do_drop(mm, first, count);
    case 7:
        what = "remap";
        return do_remap(mm, first, count);
    default:
        what = "touch";
        return touch(mm, first);
    }
}

static bool consistent(struct mm *mm)
{
    u64 mapped = 0, backed = 0, bytes, count;
    struct vm_stats stats;
    for (u64 i = 0; i < PAGES; i++) {
        mapped += model[i].mapped;
        backed += model[i].backed;
    }
    mm_get_usage(mm, &bytes, &count);
    vm_get_stats(&stats);
    if (bytes != mapped * PAGE_SIZE || stats.mapped != bytes || count > mapped || stats.committed < backed * PAGE_SIZE)
        return false;
    return fake_emm_violations == 0 && fake_log_errors == 0;
}

static bool run(bool lazy, u32 steps)
{
    fake_boot(MIB(32), true, lazy);
    memset(model, 0, sizeof(model));
    for (u64 i = 0; i < sizeof(file_bytes); i++)
        file_bytes[i] = file_value(i / PAGE_SIZE);
    file = (struct fake_file){ .refs = 1, .bytes = file_bytes, .size = sizeof(file_bytes), .bad_page = UINT64_MAX };
    struct mm *mm = fake_mm_new();
    struct vm_stats stats;
    for (u32 i = 0; i < steps; i++) {
        // A second reference stands for a second thread: pages are then prepared aside.
        if (i % 128 == 64)
            mm_ref(mm);
        else if (i && i % 128 == 0)
            mm_unref(mm);
        if (step(mm) && (i % 64 || consistent(mm)))
            continue;
        test_fail(__FILE__, __LINE__, "step %u: %s", i, what);
        return false;
    }
    if (steps % 128 > 64 || (steps % 128 == 0 && steps))
        mm_unref(mm);
    vm_get_stats(&stats);
    if (!lazy && stats.committed != fake_usable_pages() * PAGE_SIZE)
        return false;
    mm_unref(mm);
    vm_get_stats(&stats);
    return stats.committed == 0 && stats.mapped == 0 && fake_usable_pages() == 0 && file.refs == 1;
}

TEST(random_operations) { CHECK(run(false, 150000)); }
TEST(random_operations_with_lazy_commit) { CHECK(run(true, 50000)); }
