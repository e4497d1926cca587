// SPDX-License-Identifier: BSD-3-Clause
// Entering and leaving. %gs is the slot's from the first entry on. %fs is the host's until the enclave sets the
// program's, stays the program's during host calls, and is the host's again when the thread leaves the slot.
#include <errno.h>
#include <sys/mman.h>

#include "abi/occlum/entry.h"
#include "platform/raw.h"
#include "platform/sim/bases.h"
#include "platform/sim/sim.h"

u8 *sim_guarded;

// The pages on both sides of a slot's stack stay inaccessible once the slot is in use: an overflow stops the enclave.
static void guard_stack(u64 slot, u64 base)
{
    if (__atomic_exchange_n(&sim_guarded[slot], 1, __ATOMIC_SEQ_CST))
        return;
    RAW(SYS_mprotect, base + ENCLAVE_SLOT_STACK - PAGE_SIZE, PAGE_SIZE, PROT_NONE);
    RAW(SYS_mprotect, base + ENCLAVE_SLOT_STACK + sim_layout.stack_size, PAGE_SIZE, PROT_NONE);
}

static void use_slot(struct sim_thread *thread, u64 tls)
{
    thread->tls = tls;
    bases_set_gs(tls);
}

static void leave_slot(struct sim_thread *thread)
{
    thread->program_fs = thread->host_fs;
    bases_set_fs(thread->host_fs);
}

struct enclave_exit sim_enter_slot(void *context, u64 slot, u64 code, u64 arg, u64 arena, u64 arena_size)
{
    struct sim_thread *thread = context;
    u64 base = sim_layout.slots_start + slot * sim_layout.slot_stride;
    u64 tls = base + enclave_slot_tls(sim_layout.stack_size);
    struct sim_entry entry = {
        .oentry = sim_layout.entry,
        .tcs = base + ENCLAVE_SLOT_TCS,
        .code = code,
        .arg = arg,
        .arena = arena,
        .arena_size = arena_size,
    };
    if (code == ECALL_THREAD)
        guard_stack(slot, base);
    if (thread->tls != tls)
        use_slot(thread, tls);
    sim_enter(&entry);
    if (entry.reason != EXIT_OCALL)
        leave_slot(thread);
    return (struct enclave_exit){ entry.reason, entry.value };
}

u64 sim_libc_begin(void *context)
{
    struct sim_thread *thread = context;
    u64 program_fs = bases_get_fs(thread->program_fs);
    if (program_fs != thread->host_fs)
        bases_set_fs(thread->host_fs);
    return program_fs;
}

void sim_libc_end(void *context, u64 program_fs)
{
    struct sim_thread *thread = context;
    if (program_fs != thread->host_fs)
        bases_set_fs(program_fs);
}

int sim_set_fs(void *context, u64 base)
{
    struct sim_thread *thread = context;
    if (base >= sim_layout.elrange_size)
        return -EPERM;
    thread->program_fs = base;
    return bases_set_fs(base);
}
