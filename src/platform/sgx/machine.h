// SPDX-License-Identifier: BSD-3-Clause
// What this machine offers, and whether an enclave can run on it (the guide's Note 4).
#pragma once

#include "base/types.h"

struct sgx_machine {
    bool cpu_sgx1, cpu_sgx2; // CPUID leaf 7 EBX[2], leaf 12H EAX[0] and EAX[1]
    int device_error;        // of opening /dev/sgx_enclave: 0, ENOENT, EACCES ...
    bool driver_sgx2;        // the driver knows the SGX2 requests (Linux 6.0)
    bool vdso_entry;         // the kernel's vDSO has the enclave entry
    char kernel[65];         // release
    char device_group[33];   // group that may use the device, where that is what is missing; else ""
};

// Looks at the CPU, the kernel and the device. Never fails: what cannot be found is absent.
void sgx_machine_detect(struct sgx_machine *ret_machine);

// Is the kernel's release at least major.minor? One that cannot be read is taken to be.
bool sgx_kernel_is(const char *release, long major, long minor);

enum sgx_verdict {
    SGX_RUNS,              // as built
    SGX_RUNS_WITHOUT_EDMM, // built without EDMM, and the machine has it
    SGX_NO_SGX,            // refused: there is no SGX here
    SGX_NO_ACCESS,         // refused: there is, and this user may not use it
    SGX_NO_EDMM,           // refused: built with EDMM, and the machine lacks it
};

// Decides from the facts alone. text (of size bytes) is what to tell the user: the reason and the cure, without a line
// end; empty for SGX_RUNS.
enum sgx_verdict sgx_machine_decide(const struct sgx_machine *machine, bool built_with_edmm, char *text, size_t size);
