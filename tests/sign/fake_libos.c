// SPDX-License-Identifier: BSD-3-Clause
// Stands in for the LibOS in tests of the signer: text, relocated read-only data, writable data, bss, the layout.
#include "abi/occlum/layout.h"

__attribute__((section(".occlum.layout"), used, aligned(64))) const struct enclave_layout enclave_layout = {
    .magic = ENCLAVE_LAYOUT_MAGIC,
};
static int numbers[4] = { 1, 2, 3, 4 };
static int zeros[5000];
static int *const constant_pointers[] = { &numbers[1], &zeros[7] }; // .data.rel.ro
static int *pointers[] = { &numbers[3], &zeros[9] };
int enclave_entry(int i);

int enclave_entry(int i)
{
    *pointers[i & 1] += *constant_pointers[i & 1];
    pointers[i & 1] = constant_pointers[1] == &zeros[i] ? &numbers[i & 3] : &zeros[i & 7];
    return *pointers[i & 1] + (int)((volatile const struct enclave_layout *)&enclave_layout)->edmm;
}
