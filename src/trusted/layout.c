// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/layout.h"

// Volatile to the compiler in effect: the signer writes it after linking.
__attribute__((section(".occlum.layout"), used, aligned(64))) const struct enclave_layout enclave_layout = {
    .magic = ENCLAVE_LAYOUT_MAGIC,
};
u8 enclave_simulated, enclave_dead;
u32 enclave_started;
