// SPDX-License-Identifier: BSD-3-Clause
// Host calls on the enclave's memory, which is ordinary memory here.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "platform/raw.h"
#include "platform/sim/sim.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static bool is_user_range(u64 addr, u64 len)
{
    return addr >= sim_layout.user_start && addr <= sim_layout.user_end && len <= sim_layout.user_end - addr;
}

int sim_mem_protect(u64 addr, u64 len, u32 prot)
{
    static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4);
    return is_user_range(addr, len) ? (int)RAW(SYS_mprotect, addr, len, prot & 7) : -EINVAL;
}

int sim_mem_discard(u64 addr, u64 len)
{
    return is_user_range(addr, len) ? (int)RAW(SYS_madvise, addr, len, MADV_DONTNEED) : -EINVAL;
}

// One call instead of a page fault for each page. Kernels before 5.14 fault the pages in one by one.
int sim_mem_commit(u64 addr, u64 len)
{
    int err = sim_mem_protect(addr, len, PROT_READ | PROT_WRITE);
    if (err)
        return err;
    err = (int)RAW(SYS_madvise, addr, len, MADV_POPULATE_WRITE);
    return err == -EINVAL ? 0 : err;
}

// mremap replaces the mapping at addr under the kernel's lock: a thread that faults there meanwhile sees the new one.
int sim_mem_move(u64 addr, u64 len, u64 from, u32 prot)
{
    int err = is_user_range(addr, len) && is_user_range(from, len) ? sim_mem_protect(from, len, prot) : -EINVAL;
    if (err)
        return err;
    s64 moved = RAW(SYS_mremap, from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, addr);
    if (moved < 0)
        return (int)moved;
    s64 hole = RAW(SYS_mmap, from, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return hole < 0 ? (int)hole : 0;
}

// Bits 63 and 62 of a page's word: it is in memory, it is in swap (Documentation/admin-guide/mm/pagemap.rst).
int sim_mem_contents(u64 addr, u8 *flags, u64 count)
{
    u64 words[256];
    s64 n = 0;

    if (!is_user_range(addr, count * PAGE_SIZE))
        return -EINVAL;
    s64 fd = RAW(SYS_openat, AT_FDCWD, "/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (u64 i = 0; i < count; i++) // without /proc every page may have contents
        flags[i] = 1;
    if (fd < 0)
        return 0;
    for (u64 done = 0, want = 0; done < count; done += want / sizeof(u64)) {
        want = MIN(count - done, ARRAY_SIZE(words)) * sizeof(u64);
        n = RAW(SYS_pread64, fd, words, want, (addr / PAGE_SIZE + done) * sizeof(u64));
        if (n != (s64)want) {
            n = n < 0 ? n : -EIO;
            break;
        }
        for (u64 i = 0; i < want / sizeof(u64); i++)
            flags[done + i] = words[i] >> 62 != 0;
    }
    RAW(SYS_close, fd);
    return n < 0 ? (int)n : 0;
}
