// SPDX-License-Identifier: BSD-3-Clause
// First C code of an entry.
#include "abi/occlum/entry.h"
#include "trusted/cpu.h"
#include "trusted/emm.h"
#include "trusted/exit.h"
#include "trusted/hooks.h"
#include "trusted/hostmem.h"
#include "trusted/layout.h"
#include "trusted/random.h"
#include "trusted/tls.h"

_Noreturn void enclave_main(u64 code, u64 arg, u64 arena, u64 arena_size);

struct tls *tls_of_slot(u64 slot)
{
    return (struct tls *)(enclave_layout.slots_start + slot * enclave_layout.slot_stride +
                          enclave_slot_tls(enclave_layout.stack_size));
}

__attribute__((no_stack_protector)) void enclave_main(u64 code, u64 arg, u64 arena, u64 arena_size)
{
    struct tls *tls = tls_self();

    tls->canary = random_u64() & ~0xfful;
    tls->arena = arena;
    tls->arena_size = MIN(arena_size, OCALL_ARENA_SIZE);
    if (!IS_ALIGNED(arena, 8) || tls->arena_size < PAGE_SIZE || !hostmem_outside(arena, tls->arena_size))
        enclave_abort(ABORT_HOST_POINTER);
    if (code == ECALL_START) {
        enclave_simulated = enclave_layout.mode == ENCLAVE_MODE_SIM;
        cpu_init();
        emm_init();
        hooks->boot((const struct host_start_args __host *)arg);
    }
    hooks->run(tls);
    __builtin_unreachable();
}
