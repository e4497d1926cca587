// SPDX-License-Identifier: BSD-3-Clause
// Simulation: the signed enclave in plain memory of this process, at the same addresses as on hardware. Nothing is
// protected; everything else is the same code.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/occlum/entry.h"
#include "platform/sim/bases.h"
#include "platform/sim/dispatch.h"
#include "platform/sim/sim.h"

struct enclave_layout sim_layout;

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

static int copy_region(const struct enclave_file *file, const struct enclave_region *region, int prot)
{
    u8 *to = (u8 *)region->addr;

    if (mprotect(to, region->size, PROT_READ | PROT_WRITE) != 0)
        return -errno;
    for (u64 done = 0; done < region->size;) {
        ssize_t n = pread(file->fd, to + done, region->size - done, (off_t)(region->file_offset + done));
        if (n <= 0)
            return n ? -errno : -EIO;
        done += (u64)n;
    }
    return mprotect(to, region->size, prot) == 0 ? 0 : -errno;
}

// Pages with contents are mapped from the file, copy on write: only what is touched costs memory.
static int load_region(const struct enclave_file *file, const struct enclave_region *region)
{
    int prot = page_prot(region->secinfo_flags);

    if (region->flags & ENCLAVE_REGION_ZERO)
        return mprotect((void *)region->addr, region->size, prot) == 0 ? 0 : -errno;
    void *at =
        mmap((void *)region->addr, region->size, prot, MAP_PRIVATE | MAP_FIXED, file->fd, (off_t)region->file_offset);
    if (at == MAP_FAILED && errno == EPERM && prot & PROT_EXEC) // the instance lies on a noexec mount
        return copy_region(file, region, prot);
    return at == MAP_FAILED ? -errno : 0;
}

static int install_handlers(void)
{
    const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, platform_interrupt_signal() };
    struct sigaction action = { .sa_sigaction = sim_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        if (sigaction(signals[i], &action, NULL) != 0)
            return -errno;
    return 0;
}

static int sim_load(const struct enclave_file *file)
{
    const struct enclave_layout *layout = &file->header->layout;
    int err;

    bases_init();
    sim_layout = *layout;
    sim_guarded = calloc(layout->slots_max, 1);
    if (!sim_guarded)
        return refuse(ENOMEM, "thread slots", "Lower max_num_of_threads.");
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
    err = install_handlers();
    return err ? refuse(-err, "signal handlers", "") : 0;
}

static int sim_attach_thread(void **ret_thread)
{
    u8 *area = mmap(NULL, 2 * SIM_STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        return -errno;
    u8 *stack = (u8 *)ALIGN_UP((uintptr_t)area, SIM_STACK_SIZE);
    if (stack > area)
        munmap(area, (size_t)(stack - area));
    munmap(stack + SIM_STACK_SIZE, (size_t)(area + SIM_STACK_SIZE - stack));
    struct sim_thread *thread = (struct sim_thread *)stack;
    thread->host_fs = thread->program_fs = bases_libc_fs();

    const size_t head = ALIGN_UP(sizeof(*thread), 64);
    stack_t alternate = { .ss_sp = stack + head, .ss_size = SIM_STACK_SIZE - head };
    if (sigaltstack(&alternate, NULL) != 0)
        return -errno;
    int err = sim_catch_syscalls(sim_layout.elrange_size);
    if (err)
        return refuse(-err, "the program's own system calls cannot be kept from the host",
                      "Linux 5.11 or newer (Syscall User Dispatch), or seccomp filters, are needed.");
    *ret_thread = thread;
    return 0;
}

const struct platform_ops platform_sim = {
    .name = "sim",
    .load = sim_load,
    .attach_thread = sim_attach_thread,
    .enter = sim_enter_slot,
    .libc_begin = sim_libc_begin,
    .libc_end = sim_libc_end,
    .set_fs = sim_set_fs,
    .mem_protect = sim_mem_protect,
    .mem_discard = sim_mem_discard,
    .mem_commit = sim_mem_commit,
    .mem_move = sim_mem_move,
    .mem_contents = sim_mem_contents,
};
