// SPDX-License-Identifier: BSD-3-Clause
// Simulation: the signed enclave in plain memory of this process, at the same addresses as on hardware. Nothing is
// protected; everything else is the same code.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "platform/sim/sim.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_ON 1
#endif
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE 2
#endif

struct enclave_layout sim_layout;
__thread u64 sim_current_tls;

static int refuse(int error, const char *what, const char *cure)
{
    fprintf(stderr, "occlum: simulation: %s: %s. %s\n", what, strerror(error), cure);
    return -error;
}

static int map_fixed(u64 addr, u64 len, int prot)
{
    void *at = mmap((void *)addr, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
    if (at == (void *)addr)
        return 0;
    if (at != MAP_FAILED)
        munmap(at, len);
    return -(errno ? errno : EEXIST);
}

static int page_prot(u64 secinfo_flags)
{
    if (secinfo_flags & SGX_SECINFO_PT_MASK & SGX_SECINFO_PT(SGX_PT_REG))
        return (secinfo_flags & SGX_SECINFO_R ? PROT_READ : 0) | (secinfo_flags & SGX_SECINFO_W ? PROT_WRITE : 0) |
               (secinfo_flags & SGX_SECINFO_X ? PROT_EXEC : 0);
    return PROT_READ | PROT_WRITE; // TCS: the loader reads it
}

// Pages with contents are mapped from the file, copy on write: only what is touched costs memory.
static int load_region(const struct enclave_file *file, const struct enclave_region *region)
{
    int prot = page_prot(region->secinfo_flags);

    if (region->flags & ENCLAVE_REGION_ZERO)
        return mprotect((void *)region->addr, region->size, prot) == 0 ? 0 : -errno;
    void *at =
        mmap((void *)region->addr, region->size, prot, MAP_PRIVATE | MAP_FIXED, file->fd, (off_t)region->file_offset);
    return at == MAP_FAILED ? -errno : 0;
}

static int sim_load(const struct enclave_file *file)
{
    const struct enclave_layout *layout = &file->header->layout;
    int err;

    if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
        return refuse(ENOTSUP, "the kernel does not let programs set %gs", "Linux 5.9 or newer is needed.");
    sim_layout = *layout;
    err = map_fixed(layout->user_start, layout->elrange_size - layout->user_start, PROT_NONE);
    if (err)
        return refuse(-err, "the enclave's address range cannot be reserved",
                      "It begins at 64 KiB: see vm.mmap_min_addr and ulimit -v.");
    for (u32 i = 0; i < file->header->region_count; i++) {
        const struct enclave_region *region = &file->regions[i];
        if (region->addr < layout->user_end)
            continue; // user space starts without access: the LibOS opens what programs map
        if (region->addr >= layout->slots_start + layout->slot_stride && region->addr < layout->heap_start)
            continue; // slots other than the first: see below
        err = load_region(file, region);
        if (err)
            return refuse(-err, "the enclave cannot be loaded", "Build it again: occlum build -f.");
    }
    // Pages of slots are written by the LibOS before their first entry; one call for all of them instead of several
    // each.
    u64 others = layout->slots_start + layout->slot_stride;
    if (others < layout->heap_start &&
        mprotect((void *)others, layout->heap_start - others, PROT_READ | PROT_WRITE) != 0)
        return refuse(errno, "no memory for thread slots", "Lower max_num_of_threads.");
    // Simulation has the non-EDMM arithmetic: the whole heap is there, untouched pages cost nothing.
    if (mprotect((void *)layout->heap_start, layout->heap_end - layout->heap_start, PROT_READ | PROT_WRITE) != 0)
        return refuse(errno, "no kernel heap", "Lower kernel_space_heap_size.");
    err = sim_install_handlers();
    return err ? refuse(-err, "signal handlers", "") : 0;
}

// The alternate signal stack, aligned to its size, begins with the host's %fs base (enter.S).
static __thread u8 *alternate_stack;

static int sim_attach_thread(void)
{
    u8 *area = mmap(NULL, 2 * SIM_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return -errno;
    u8 *stack = (u8 *)ALIGN_UP((uintptr_t)area, SIM_STACK_SIZE);
    if (stack > area)
        munmap(area, (size_t)(stack - area));
    munmap(stack + SIM_STACK_SIZE, (size_t)(area + SIM_STACK_SIZE - stack));
    __asm__ volatile("rdfsbase %0" : "=r"(*(u64 *)stack));

    stack_t alternate = { .ss_sp = stack + 64, .ss_size = SIM_STACK_SIZE - 64 };
    if (sigaltstack(&alternate, NULL) != 0)
        return -errno;
    alternate_stack = stack;
    // System calls pass only from addresses above ELRANGE: a program's own `syscall` becomes SIGSYS.
    u64 start = sim_layout.elrange_size;
    if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, start, (1ul << 47) - start, NULL) != 0)
        return refuse(errno, "Syscall User Dispatch", "Linux 5.11 or newer is needed.");
    return 0;
}

static void sim_detach_thread(void)
{
    stack_t off = { .ss_flags = SS_DISABLE };
    sigaltstack(&off, NULL);
    munmap(alternate_stack, SIM_STACK_SIZE);
    alternate_stack = NULL;
}

// True from the second time on that a slot is asked for.
static bool guarded(u64 slot)
{
    static u8 *seen;
    static u64 once;
    if (!__atomic_exchange_n(&once, 1, __ATOMIC_SEQ_CST))
        __atomic_store_n(&seen, calloc(sim_layout.slots_max, 1), __ATOMIC_SEQ_CST);
    u8 *map = __atomic_load_n(&seen, __ATOMIC_SEQ_CST);
    return !map || __atomic_exchange_n(&map[slot], 1, __ATOMIC_SEQ_CST);
}

// The pages on both sides of a slot's stack stay inaccessible once the slot is in use: an overflow stops the enclave.
static void guard_stack(u64 base)
{
    mprotect((void *)(base + ENCLAVE_SLOT_STACK - PAGE_SIZE), PAGE_SIZE, PROT_NONE);
    mprotect((void *)(base + ENCLAVE_SLOT_STACK + sim_layout.stack_size), PAGE_SIZE, PROT_NONE);
}

static struct enclave_exit sim_enter_slot(u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size)
{
    u64 base = sim_layout.slots_start + slot * sim_layout.slot_stride;
    struct sim_entry entry = {
        .tls = base + enclave_slot_tls(sim_layout.stack_size),
        .oentry = sim_layout.entry,
        .tcs = base + ENCLAVE_SLOT_TCS,
        .code = code,
        .arg = arg,
        .arena = arena,
        .arena_size = arena_size,
    };
    if (code == ECALL_THREAD && !guarded(slot))
        guard_stack(base);
    sim_current_tls = entry.tls;
    sim_enter(&entry);
    return (struct enclave_exit){ entry.reason, entry.value };
}

static bool is_user_range(u64 addr, u64 len)
{
    return addr >= sim_layout.user_start && addr <= sim_layout.user_end && len <= sim_layout.user_end - addr;
}

static int sim_mem_protect(u64 addr, u64 len, u32 prot)
{
    static_assert(PROT_READ == 1 && PROT_WRITE == 2 && PROT_EXEC == 4);
    if (!is_user_range(addr, len))
        return -EINVAL;
    return mprotect((void *)addr, len, (int)(prot & 7)) == 0 ? 0 : -errno;
}

static int sim_mem_discard(u64 addr, u64 len)
{
    if (!is_user_range(addr, len))
        return -EINVAL;
    return madvise((void *)addr, len, MADV_DONTNEED) == 0 ? 0 : -errno;
}

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// One call instead of a page fault for each page. Kernels before 5.14 fault the pages in one by one.
static int sim_mem_commit(u64 addr, u64 len)
{
    int err = sim_mem_protect(addr, len, PROT_READ | PROT_WRITE);
    if (!err && madvise((void *)addr, len, MADV_POPULATE_WRITE) != 0 && errno != EINVAL)
        err = -errno;
    return err;
}

// mremap replaces the mapping at addr under the kernel's lock: a thread that faults there meanwhile sees the new one.
static int sim_mem_move(u64 addr, u64 len, u64 from, u32 prot)
{
    int err = is_user_range(addr, len) && is_user_range(from, len) ? sim_mem_protect(from, len, prot) : -EINVAL;
    if (err)
        return err;
    if (mremap((void *)from, len, len, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)addr) == MAP_FAILED)
        return -errno;
    void *hole = mmap((void *)from, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
    return hole == MAP_FAILED ? -errno : 0;
}

// Bits 63 and 62 of a page's word: it is in memory, it is in swap (Documentation/admin-guide/mm/pagemap.rst).
static int sim_mem_contents(u64 addr, u8 *flags, u64 count)
{
    static int pagemap = -1; // shared by all threads; opened twice at worst
    u64 words[512];

    if (!is_user_range(addr, count * PAGE_SIZE))
        return -EINVAL;
    if (pagemap < 0)
        pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (u64 done = 0; done < count;) {
        u64 n = MIN(count - done, ARRAY_SIZE(words));
        off_t at = (off_t)((addr / PAGE_SIZE + done) * sizeof(u64));
        if (pread(pagemap, words, n * sizeof(u64), at) != (ssize_t)(n * sizeof(u64)))
            return errno ? -errno : -EIO;
        for (u64 i = 0; i < n; i++)
            flags[done + i] = words[i] >> 62 != 0;
        done += n;
    }
    return 0;
}

const struct platform_ops platform_sim = {
    .name = "sim",
    .load = sim_load,
    .attach_thread = sim_attach_thread,
    .detach_thread = sim_detach_thread,
    .enter = sim_enter_slot,
    .mem_protect = sim_mem_protect,
    .mem_discard = sim_mem_discard,
    .mem_commit = sim_mem_commit,
    .mem_move = sim_mem_move,
    .mem_contents = sim_mem_contents,
};
