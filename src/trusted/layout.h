// SPDX-License-Identifier: BSD-3-Clause
// The measured facts the signer put into the enclave.
#pragma once

#include "abi/occlum/config.h"
#include "abi/occlum/layout.h"

extern const struct enclave_layout enclave_layout;
extern u8 enclave_simulated; // 1 in simulation: leaving is a jump, there is no ENCLU
extern u8 enclave_dead;      // 1 after an abort: no entry is let in any more
extern u32 enclave_started;  // bit 0: the one ECALL_START was made (entry.S)

static inline const struct occlum_config *enclave_config(void)
{
    return (const struct occlum_config *)enclave_layout.config_start;
}

static inline bool addr_in_enclave(u64 addr) { return addr < enclave_layout.elrange_size; }
// True if the whole range lies in the programs' address space.
static inline bool range_is_user(u64 addr, u64 len)
{
    return addr >= enclave_layout.user_start && addr <= enclave_layout.user_end &&
           len <= enclave_layout.user_end - addr;
}
