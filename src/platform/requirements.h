// SPDX-License-Identifier: BSD-3-Clause
// What occlum needs of a machine, one line each: what is there, and what helps where something lacks. Facts are
// gathered in one place and judged in another, so that the judgements can be tested for machines that are not at hand.
#pragma once

#include "abi/occlum/layout.h"
#include "platform/sgx/machine.h"

#define FACT_UNKNOWN (~0ull) // or without limit

// Sizes in bytes. An error is 0 or an errno.
struct machine_facts {
    struct sgx_machine sgx;
    bool fsgsbase;           // AT_HWCAP2 bit 1: programs may use the instructions on bases
    int set_base_error;      // of arch_prctl(2) with ARCH_GET_GS
    int user_dispatch_error; // of prctl(2) with PR_SET_SYSCALL_USER_DISPATCH
    int filter_error;        // of seccomp(2): are filters there, with SECCOMP_RET_TRAP and _TRACE?
    int trace_error;         // of tracing a child, as the emulator does it
    int low_map_error;       // of mapping the first page above 64 KiB
    int range_error;         // of reserving all addresses of the enclave
    u64 lowest_address;      // vm.mmap_min_addr, where that mapping fails
    u64 address_space;       // RLIMIT_AS; RLIM_INFINITY is FACT_UNKNOWN
    u64 data_size;           // RLIMIT_DATA, likewise
    u64 commit_room;         // what may still be committed where vm.overcommit_memory is 2; else FACT_UNKNOWN
    unsigned cpus_usable, cpus_online;
    bool proc;   // /proc is mounted
    bool traced; // this process is: then tracing another cannot be tried
    bool rdrand; // CPUID leaf 1 ECX[30]
};

// The process that traces this one (sgx2emu, a debugger), or 0.
int machine_tracer(void);

// Looks at the machine, with regard to an enclave of that layout (NULL: a new instance's). Never fails: what cannot be
// found out is unknown or absent. Makes a child and waits for it.
void machine_facts_look(const struct enclave_layout *layout, struct machine_facts *ret_facts);
// The same in some 20 us: what takes a child to try (filters, tracing) is taken to be there.
void machine_facts_glance(const struct enclave_layout *layout, struct machine_facts *ret_facts);

// Who needs it.
enum { FOR_SIMULATION = 1, FOR_EMULATOR = 2, FOR_SGX = 4, FOR_EDMM = 8 };

struct requirement {
    const char *key;  // for programs
    const char *name; // for people
    unsigned of;      // FOR_...: without it that does not work
    bool met;
    char found[160];
    char cure[256]; // what helps; "" where it is met
};
enum { REQUIREMENTS = 12 };

// One entry for each requirement, in an order that stays. layout: of the enclave that is to run, or NULL where none is
// built (then sizes are judged as those of a new instance).
void requirements_judge(const struct machine_facts *facts, const struct enclave_layout *layout,
                        struct requirement ret_list[REQUIREMENTS]);
// The first of the list that is not met and that one of `needed` (FOR_...) needs, or NULL.
const struct requirement *requirements_lacking(const struct requirement list[REQUIREMENTS], unsigned needed);
