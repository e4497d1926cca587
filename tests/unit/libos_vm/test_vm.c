// SPDX-License-Identifier: BSD-3-Clause
// Directed tests of mmap semantics, errors, faults, file mappings and limits.
#include "fake_host.h"
#include "fake_kernel.h"

#include "base/string.h"
#include "libos/vm/user.h"
#include "libos/vm/vma.h"
#include "test.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static u8 file_bytes[40 * PAGE_SIZE];
static struct fake_file file;

static void make_file(u64 size)
{
    for (size_t i = 0; i < sizeof(file_bytes); i++)
        file_bytes[i] = (u8)(i / PAGE_SIZE + 1);
    file = (struct fake_file){ .refs = 1, .bytes = file_bytes, .size = size, .bad_page = UINT64_MAX };
}

static s64 map(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags)
{
    return vm_map(mm, &(struct vm_map_args){ .addr = addr, .len = len, .prot = prot, .flags = flags });
}

static s64 map_file(struct mm *mm, u64 addr, u64 len, u32 prot, u32 flags, u64 offset)
{
    return vm_map(mm, &(struct vm_map_args){ .addr = addr,
                                             .len = len,
                                             .prot = prot,
                                             .flags = flags,
                                             .file = &file,
                                             .ops = &fake_file_ops,
                                             .offset = offset,
                                             .may_write = true });
}

static u64 committed(void)
{
    struct vm_stats stats;
    vm_get_stats(&stats);
    return stats.committed;
}

static u64 mapped(struct mm *mm)
{
    u64 bytes, count;
    mm_get_usage(mm, &bytes, &count);
    return bytes;
}

static u64 vmas(struct mm *mm)
{
    u64 bytes, count;
    mm_get_usage(mm, &bytes, &count);
    return count;
}

TEST(errors)
{
    fake_boot(MIB(8), true, false);
    struct mm *mm = fake_mm_new();
    u64 a = FAKE_USER_START + MIB(1);
    CHECK_EQ(map(mm, 0, 0, RW, ANON), -EINVAL);
    CHECK_EQ(map(mm, 0, 4096, RW, MAP_ANONYMOUS), -EINVAL);
    CHECK_EQ(map(mm, 0, 4096, RW, MAP_ANONYMOUS | MAP_SHARED_VALIDATE), -EINVAL);
    CHECK_EQ(map(mm, 0, UINT64_MAX, RW, ANON), -ENOMEM);
    CHECK_EQ(map(mm, a + 1, 4096, RW, ANON | MAP_FIXED), -EINVAL);
    CHECK_EQ(map(mm, 0x1000, 4096, RW, ANON | MAP_FIXED), -EPERM);
    CHECK_EQ(map(mm, FAKE_USER_START + FAKE_USER_SIZE, 4096, RW, ANON | MAP_FIXED), -ENOMEM);
    CHECK_EQ(map(mm, UINT64_MAX & ~PAGE_MASK, 8192, RW, ANON | MAP_FIXED), -ENOMEM);
    CHECK_EQ(map(mm, a, 8192, RW, ANON | MAP_FIXED_NOREPLACE), (s64)a);
    CHECK_EQ(map(mm, a + 4096, 4096, RW, ANON | MAP_FIXED_NOREPLACE), -EEXIST);
    CHECK_EQ(map(mm, 0, MIB(9), RW, ANON), -ENOMEM);
    CHECK_EQ(map_file(mm, 0, 4096, PROT_READ, MAP_PRIVATE, 5), -EINVAL);
    CHECK_EQ(vm_unmap(mm, a + 1, 4096), -EINVAL);
    CHECK_EQ(vm_unmap(mm, a, 0), -EINVAL);
    CHECK_EQ(vm_unmap(mm, a, UINT64_MAX), -EINVAL);
    CHECK_EQ(vm_protect(mm, a + 1, 4096, RW), -EINVAL);
    CHECK_EQ(vm_protect(mm, a, 4096, 0x80), -EINVAL);
    CHECK_EQ(vm_protect(mm, a, 0, RW), 0);
    CHECK_EQ(vm_protect(mm, a, MIB(1), PROT_READ), -ENOMEM);
    CHECK_EQ(vm_protect(mm, a, UINT64_MAX & ~PAGE_MASK, PROT_READ), -ENOMEM);
    CHECK_EQ(vm_advise(mm, a, 4096, 77), -EINVAL);
    CHECK_EQ(vm_advise(mm, a, 4 * 4096, MADV_DONTNEED), -ENOMEM);
    CHECK_EQ(vm_sync(mm, a, 4096, MS_SYNC | MS_ASYNC), -EINVAL);
    CHECK_EQ(vm_unmap(mm, a, 8192), 0);
    CHECK_EQ(vm_unmap(mm, a, 8192), 0); // nothing there: no error
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(fake_emm_violations, 0);
}

TEST(hint_and_placement)
{
    fake_boot(MIB(8), true, false);
    struct mm *mm = fake_mm_new(), *other = fake_mm_new();
    u64 a = FAKE_USER_START + MIB(1);
    CHECK_EQ(map(mm, a + 5, 4096, RW, ANON), (s64)(a + 4096)); // rounded up
    CHECK(map(mm, a, 8192, RW, ANON) != (s64)a);               // taken in part
    s64 top = map(other, 0, 4096, RW, ANON);
    CHECK(top > (s64)(a + MIB(32)));
    // A second mm cannot have addresses of the first.
    CHECK_EQ(map(other, a + 4096, 4096, RW, ANON | MAP_FIXED), -ENOMEM);
    CHECK_EQ(map(other, a, 16384, RW, ANON | MAP_FIXED), -ENOMEM);
    CHECK_EQ(vm_unmap(other, a + 4096, 4096), 0); // nor unmap them
    CHECK_EQ(fake_write(a + 4096, 1), 0);
    CHECK_EQ(map(mm, 0, 4096, RW, ANON | MAP_32BIT), -ENOMEM); // this user range has no low part
    mm_unref(mm);
    mm_unref(other);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(fake_usable_pages(), 0);
}

TEST(merge_and_split)
{
    fake_boot(MIB(8), true, false);
    struct mm *mm = fake_mm_new();
    u64 a = FAKE_USER_START + MIB(1);
    for (u64 i = 0; i < 8; i++)
        CHECK_EQ(map(mm, a + i * 4096, 4096, RW, ANON | MAP_FIXED), (s64)(a + i * 4096));
    CHECK_EQ(vmas(mm), 1);
    CHECK_EQ(vm_protect(mm, a + 4096, 4096, PROT_NONE), 0);
    CHECK_EQ(vmas(mm), 3);
    CHECK_EQ(committed(), 8 * 4096); // contents are kept
    CHECK_EQ(vm_protect(mm, a + 4096, 4096, RW), 0);
    CHECK_EQ(vmas(mm), 1);
    CHECK_EQ(vm_unmap(mm, a + 2 * 4096, 4096), 0);
    CHECK_EQ(vmas(mm), 2);
    CHECK_EQ(mapped(mm), 7 * 4096);
    CHECK_EQ(vm_fault(mm, a + 2 * 4096, VM_READ), -EFAULT);
    CHECK_EQ(vm_protect(mm, a, 4096, PROT_READ), 0);
    CHECK_EQ(vm_fault(mm, a, VM_WRITE), -EACCES);
    CHECK_EQ(vm_fault(mm, a, VM_EXEC), -EACCES);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
}

TEST(reservations_are_free_and_the_limit_is_exact)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    s64 reserve = map(mm, 0, MIB(40), PROT_NONE, ANON | MAP_NORESERVE);
    CHECK(reserve > 0);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(vm_protect(mm, (u64)reserve, MIB(4), RW), 0);
    CHECK_EQ(committed(), MIB(4));
    CHECK_EQ(map(mm, 0, 4096, RW, ANON), -ENOMEM);
    CHECK_EQ(vm_protect(mm, (u64)reserve + MIB(4), 4096, RW), -ENOMEM);
    CHECK_EQ(vm_unmap(mm, (u64)reserve, 4096), 0);
    CHECK(map(mm, 0, 4096, RW, ANON) > 0);
    CHECK_EQ(map(mm, 0, 4096, RW, ANON), -ENOMEM);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(fake_emm_violations, 0);
}

static void private_file_pages(bool threads)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    if (threads)
        mm_ref(mm);
    make_file(35 * PAGE_SIZE + 100);
    s64 r = map_file(mm, 0, 40 * PAGE_SIZE, RW, MAP_PRIVATE, 0);
    CHECK(r > 0);
    u64 a = (u64)r;
    CHECK_EQ(file.refs, 2);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(fake_read(a), -1);
    CHECK_EQ(vm_fault(mm, a + 10, VM_READ), 0);
    CHECK_EQ(fake_read(a + 10), 1);
    CHECK(committed() >= PAGE_SIZE && committed() <= 36 * PAGE_SIZE); // data that can be written comes as a whole
    CHECK_EQ(vm_fault(mm, a + 35 * PAGE_SIZE, VM_WRITE), 0);
    CHECK_EQ(fake_read(a + 35 * PAGE_SIZE + 99), 36);
    CHECK_EQ(fake_read(a + 35 * PAGE_SIZE + 100), 0); // behind the end of the file
    CHECK_EQ(vm_fault(mm, a + 36 * PAGE_SIZE, VM_READ), -EIO);
    CHECK_EQ(fake_write(a + 35 * PAGE_SIZE, 7), 0);
    CHECK_EQ(vm_advise(mm, a, 40 * PAGE_SIZE, MADV_DONTNEED), 0);
    CHECK_EQ(committed(), 0);
    file.bad_page = 3;
    CHECK_EQ(vm_fault(mm, a + 35 * PAGE_SIZE, VM_READ), 0);
    CHECK_EQ(fake_read(a + 35 * PAGE_SIZE), 36); // the file's again
    CHECK_EQ(file.writes, 0);
    CHECK_EQ(vm_fault(mm, a + 3 * PAGE_SIZE, VM_READ), -EIO);
    CHECK_EQ(vm_fault(mm, a + 2 * PAGE_SIZE, VM_READ), 0); // the good neighbour
    if (threads)
        mm_unref(mm);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(file.refs, 1);
    CHECK_EQ(fake_usable_pages(), 0);
    CHECK_EQ(fake_emm_violations, 0);
}

TEST(private_file_pages_come_on_fault) { private_file_pages(false); }
TEST(private_file_pages_with_threads_are_put_in_place_whole) { private_file_pages(true); }

TEST(shared_file_is_written_back)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    make_file(3 * PAGE_SIZE + 10);
    u64 a = (u64)map_file(mm, 0, 4 * PAGE_SIZE, RW, MAP_SHARED, 0);
    CHECK_EQ(vm_fault(mm, a, VM_READ), 0);
    CHECK_EQ(fake_write(a, 9), -1); // clean pages are read-only
    CHECK_EQ(vm_fault(mm, a + PAGE_SIZE, VM_WRITE), 0);
    CHECK_EQ(fake_write(a + PAGE_SIZE + 5, 99), 0);
    CHECK_EQ(file_bytes[PAGE_SIZE + 5], 2);
    CHECK_EQ(vm_sync(mm, a, 4 * PAGE_SIZE, MS_SYNC), 0);
    CHECK_EQ(file_bytes[PAGE_SIZE + 5], 99);
    CHECK_EQ(file.writes, 1);
    CHECK_EQ(vm_sync(mm, a, 4 * PAGE_SIZE, MS_SYNC), 0);
    CHECK_EQ(file.writes, 1); // clean
    CHECK_EQ(vm_fault(mm, a + 3 * PAGE_SIZE, VM_WRITE), 0);
    CHECK_EQ(fake_write(a + 3 * PAGE_SIZE + 9, 98), 0);
    CHECK_EQ(fake_write(a + 3 * PAGE_SIZE + 10, 97), 0); // behind the end: not written
    CHECK_EQ(vm_unmap(mm, a, 4 * PAGE_SIZE), 0);
    CHECK_EQ(file_bytes[3 * PAGE_SIZE + 9], 98);
    CHECK_EQ(file_bytes[3 * PAGE_SIZE + 10], 4);
    CHECK_EQ(file.writes, 2);
    mm_unref(mm);
    CHECK_EQ(file.refs, 1);
    fake_file_done(&file);
    CHECK_EQ(committed(), 0);
}

TEST(without_faults_files_are_read_at_once)
{
    fake_boot(MIB(4), false, false);
    struct mm *mm = fake_mm_new();
    make_file(3 * PAGE_SIZE);
    u64 a = (u64)map_file(mm, 0, 5 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, PAGE_SIZE);
    CHECK_EQ(fake_read(a), 2);
    CHECK_EQ(fake_read(a + PAGE_SIZE), 3);
    CHECK_EQ(fake_read(a + 2 * PAGE_SIZE), -1);
    CHECK_EQ(committed(), 2 * PAGE_SIZE);
    u8 buf[8];
    CHECK_EQ(copy_from_user(buf, (const void __user *)a, 8), 0);
    CHECK_EQ(copy_to_user((void __user *)a, buf, 8), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (const void __user *)(a - 16 * PAGE_SIZE), 8), -EFAULT);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
}

TEST(brk)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    u64 start = FAKE_USER_START + MIB(1) + 100;
    CHECK_EQ(vm_brk(mm, 0), 0);
    CHECK_EQ(mm_set_brk(mm, start, MIB(2)), 0);
    u64 b = vm_brk(mm, 0);
    CHECK(b >= start);
    CHECK_EQ(mapped(mm), 0);
    CHECK_EQ(vm_brk(mm, b + 100), b + 100);
    CHECK_EQ(fake_write(b + 99, 5), 0);
    CHECK_EQ(committed(), PAGE_SIZE);
    CHECK_EQ(vm_brk(mm, b + MIB(2)), b + MIB(2));
    CHECK_EQ(vm_brk(mm, b + MIB(2) + 1), b + MIB(2)); // over the limit
    CHECK_EQ(vm_brk(mm, b - 1), b + MIB(2));
    CHECK_EQ(vm_brk(mm, b), b);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(vm_brk(mm, b + 4096), b + 4096);
    CHECK_EQ(fake_read(b + 99), 0); // fresh
    u64 other = (u64)map(mm, b, MIB(1), RW, ANON);
    CHECK(other != b && other > 0);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
}

TEST(lazy_anonymous_memory)
{
    fake_boot(MIB(4), true, true);
    struct mm *mm = fake_mm_new();
    u64 a = (u64)map(mm, 0, MIB(1), RW, ANON);
    CHECK_EQ(committed(), MIB(1));
    CHECK_EQ(fake_usable_pages(), 0);
    CHECK_EQ(fake_read(a), -1);
    CHECK_EQ(vm_fault(mm, a, VM_WRITE), 0);
    CHECK_EQ(fake_write(a, 1), 0);
    CHECK(fake_usable_pages() <= 16);
    u8 zeros[3 * 4096];
    CHECK_EQ(copy_from_user(zeros, (const void __user *)(a + MIB(1) - sizeof(zeros)), sizeof(zeros)), 0);
    CHECK_EQ(zeros[0] | zeros[sizeof(zeros) - 1], 0);
    mm_unref(mm);
    CHECK_EQ(fake_usable_pages(), 0);
}

TEST(user_copies)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    make_file(20 * PAGE_SIZE);
    u64 a = (u64)map_file(mm, 0, 20 * PAGE_SIZE, PROT_READ, MAP_PRIVATE, 0);
    static u8 buf[20 * PAGE_SIZE];
    CHECK_EQ(copy_from_user(buf, (const void __user *)a, sizeof(buf)), 0);
    CHECK_EQ(memcmp(buf, file_bytes, sizeof(buf)), 0);
    CHECK_EQ(copy_to_user((void __user *)a, buf, 10), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (const void __user *)8, 1), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (const void __user *)(UINT64_MAX - 4), 8), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (const void __user *)(FAKE_USER_START + FAKE_USER_SIZE - 4), 8), -EFAULT);
    u64 s = (u64)map(mm, FAKE_USER_START + MIB(1), 2 * PAGE_SIZE, RW, ANON | MAP_FIXED);
    memset((void *)s, 'x', 2 * PAGE_SIZE);
    char text[3 * PAGE_SIZE];
    CHECK_EQ(strncpy_from_user(text, (const char __user *)s, sizeof(text)), -EFAULT); // runs off the mapping
    CHECK_EQ(strncpy_from_user(text, (const char __user *)s, 100), -ENAMETOOLONG);
    memset((void *)(s + PAGE_SIZE), 0, 1);
    CHECK_EQ(strncpy_from_user(text, (const char __user *)(s + 1), sizeof(text)), PAGE_SIZE - 1);
    CHECK_EQ(strlen(text), PAGE_SIZE - 1);
    CHECK_EQ(clear_user((void __user *)s, 2 * PAGE_SIZE), 0);
    CHECK_EQ(fake_read(s + 5), 0);
    CHECK_EQ(put_user((u32)77, (u32 __user *)s), 0);
    u32 value;
    CHECK_EQ(get_user(value, s), 0);
    CHECK_EQ(value, 77);
    mm_unref(mm);
}

TEST(remap)
{
    fake_boot(MIB(4), true, false);
    struct mm *mm = fake_mm_new();
    u64 a = (u64)map(mm, FAKE_USER_START + MIB(1), 4 * PAGE_SIZE, RW, ANON | MAP_FIXED);
    CHECK_EQ(fake_write(a, 1), 0);
    CHECK_EQ(fake_write(a + 3 * PAGE_SIZE, 4), 0);
    CHECK_EQ(vm_remap(mm, a, 4 * PAGE_SIZE, 8 * PAGE_SIZE, 0, 0), (s64)a); // in place
    CHECK_EQ(vmas(mm), 1);
    CHECK_EQ(vm_remap(mm, a, 8 * PAGE_SIZE, 4 * PAGE_SIZE, 0, 0), (s64)a);
    CHECK_EQ(committed(), 4 * PAGE_SIZE);
    CHECK(map(mm, a + 4 * PAGE_SIZE, PAGE_SIZE, PROT_READ, ANON | MAP_FIXED) > 0);
    CHECK_EQ(vm_remap(mm, a, 4 * PAGE_SIZE, 5 * PAGE_SIZE, 0, 0), -ENOMEM);
    s64 b = vm_remap(mm, a, 4 * PAGE_SIZE, 5 * PAGE_SIZE, MREMAP_MAYMOVE, 0);
    CHECK(b > 0 && b != (s64)a);
    CHECK_EQ(fake_read((u64)b), 1);
    CHECK_EQ(fake_read((u64)b + 3 * PAGE_SIZE), 4);
    CHECK_EQ(fake_read((u64)b + 4 * PAGE_SIZE), 0);
    CHECK_EQ(fake_read(a), -1);
    CHECK_EQ(committed(), 6 * PAGE_SIZE);
    CHECK_EQ(vm_remap(mm, a, 4096, 4096, MREMAP_MAYMOVE, 0), -EFAULT);
    CHECK_EQ(vm_remap(mm, (u64)b, 4096, 4096, MREMAP_FIXED, a), -EINVAL);
    CHECK_EQ(vm_remap(mm, (u64)b, 8192, 8192, MREMAP_FIXED | MREMAP_MAYMOVE, (u64)b + 4096), -EINVAL);
    CHECK_EQ(vm_remap(mm, (u64)b, 8192, 4096, MREMAP_FIXED | MREMAP_MAYMOVE, a), (s64)a);
    CHECK_EQ(fake_read(a), 1);
    mm_unref(mm);
    CHECK_EQ(committed(), 0);
    CHECK_EQ(fake_usable_pages(), 0);
    CHECK_EQ(fake_emm_violations, 0);
}

TEST(a_copy_goes_only_where_the_caller_has_an_area)
{
    fake_boot(MIB(8), true, false);
    struct mm *other = fake_mm_new(), *mm = fake_mm_new();
    char buf[8] = "abc";
    u64 theirs = (u64)map(other, 0, 8192, RW, ANON), ours = (u64)map(mm, 0, 8192, RW, ANON);
    u64 read_only = (u64)map(mm, 0, 4096, PROT_READ, ANON), none = (u64)map(mm, 0, 4096, PROT_NONE, ANON);
    CHECK_EQ(copy_to_user((void *)ours, buf, 4), 0);
    CHECK_EQ(fake_read(ours), 'a');
    CHECK_EQ(copy_to_user((void *)theirs, buf, 4), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (void *)theirs, 4), -EFAULT);
    CHECK_EQ(clear_user((void *)theirs, 4), -EFAULT);
    CHECK_EQ(strncpy_from_user(buf, (void *)theirs, 4), -EFAULT);
    CHECK_EQ(copy_to_user_nofault((void *)theirs, buf, 4), 0);
    CHECK_EQ(fault_in_user((void *)theirs, 4, false), -EFAULT);
    CHECK_EQ(fake_read(theirs), 0);
    CHECK_EQ(copy_to_user((void *)read_only, buf, 4), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (void *)read_only, 4), 0);
    CHECK_EQ(copy_from_user(buf, (void *)none, 4), -EFAULT);
    // What was remembered of an area is void when the area changes or goes, and no other mm's.
    CHECK_EQ(copy_to_user((void *)ours, "xyz", 4), 0);
    CHECK_EQ(vm_protect(mm, ours, 4096, PROT_READ), 0);
    CHECK_EQ(copy_to_user((void *)ours, "uvw", 4), -EFAULT);
    CHECK_EQ(copy_from_user(buf, (void *)ours, 4), 0);
    CHECK_STR(buf, "xyz");
    CHECK_EQ(vm_unmap(mm, ours, 8192), 0);
    CHECK_EQ(map(other, ours, 8192, RW, ANON | MAP_FIXED), (s64)ours);
    CHECK_EQ(copy_from_user(buf, (void *)ours, 4), -EFAULT);
    fake_thread.mm = other;
    CHECK_EQ(copy_from_user(buf, (void *)ours, 4), 0);
    CHECK_EQ(copy_from_user(buf, (void *)read_only, 4), -EFAULT);
    mm_unref(mm);
    mm_unref(other);
}

TEST(a_copy_under_a_lock_stops_at_a_fault)
{
    fake_boot(MIB(8), true, true);
    struct mm *mm = fake_mm_new();
    static char buf[6 * PAGE_SIZE];
    u64 a = (u64)map(mm, 0, 6 * PAGE_SIZE, RW, ANON);
    CHECK_EQ(copy_to_user((void *)a, "x", 2), 0);
    CHECK_EQ(copy_from_user_nofault(buf, (void *)a, 6 * PAGE_SIZE), 4 * PAGE_SIZE); // a first touch brings in four
    CHECK_EQ(fault_in_user((void *)(a + 4 * PAGE_SIZE), 2 * PAGE_SIZE, true), 0);
    CHECK_EQ(copy_from_user_nofault(buf, (void *)a, 6 * PAGE_SIZE), 6 * PAGE_SIZE);
    CHECK_EQ(fake_read(a), 'x'); // bringing in changes nothing
    CHECK_EQ(fault_in_user((void *)a, 6 * PAGE_SIZE, true), 0);
    CHECK_EQ(fake_read(a), 'x');
    // Somebody holds mm->lock: an area nobody remembers is not looked up, one remembered needs no lock.
    mutex_lock(&mm->lock);
    CHECK_EQ(copy_to_user_nofault((void *)a, buf, 8), 8);
    mm_changed(mm);
    CHECK_EQ(copy_to_user_nofault((void *)a, buf, 8), 0);
    mutex_unlock(&mm->lock);
    CHECK_EQ(copy_to_user_nofault((void *)a, buf, 8), 8);
    CHECK_EQ(clear_user_nofault((void *)(a + 6 * PAGE_SIZE - 4), 8), 4); // nothing behind the area
    mm_unref(mm);
}
