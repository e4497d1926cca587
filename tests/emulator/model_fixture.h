// SPDX-License-Identifier: BSD-3-Clause
// A small machine for the model's tests: 48 EPC pages, one flat page table, one enclave.
#pragma once

#include "model/model.h"
#include "test.h"

enum { EPC_PAGES = 48, ENCLAVE_PAGES = 16, XSAVE_SIZE = 832 };

// EPC pages of the standard enclave
enum { P_SECS = 1, P_TCS, P_SSA0, P_SSA1, P_DATA, P_CODE, P_INFO, P_FREE, P_VA = 20 };
// and their places in ELRANGE, in pages
enum { L_TCS, L_SSA, L_DATA = 3, L_CODE, L_INFO, L_FREE };

struct machine {
    struct sgx_model model;
    struct sgx_epcm epcm[EPC_PAGES];
    u8 pages[EPC_PAGES][4096] __attribute__((aligned(4096)));
    struct sgx_pte ptes[2 * ENCLAVE_PAGES]; // a second enclave may lie behind the first
    u64 base;
    struct sgx_cpu cpu[2];
    u8 xsave[2][XSAVE_SIZE] __attribute__((aligned(64)));
    u32 events;
    struct sgx_event last_event;
};

extern struct machine vm;

#define EPC(page) ((u64)(page)*4096)
#define LIN(page) (vm.base + (u64)(page)*4096)
#define SECS_ADDRESS EPC(P_SECS)
#define CODE_PFX (SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX)

void machine_init(bool sgx2);
struct sgx_secs secs_default(void);
void map(u32 place, u32 page);
struct sgx_result create(const struct sgx_secs *secs);
struct sgx_result add(u32 page, u32 place, u64 flags, const void *data);
// Signs for what is measured so far, with the SECS's attributes. The fixture's key is the launch key.
void sign(struct sgx_sigstruct *sig);
void resign(struct sgx_sigstruct *sig);
// ECREATE, the standard pages (TCS with two SSA frames, data RW, code RX, info RW), EINIT.
void build(u64 extra_attributes);
struct sgx_result enter(u32 cpu);
struct sgx_result resume(u32 cpu);
struct sgx_result leave(u32 cpu);
struct sgx_result enclu(u32 cpu, u64 leaf, u64 rbx, u64 rcx, u64 rdx);
// Puts a SECINFO into the info page; returns its linear address.
u64 secinfo_at(u64 flags);
struct sgx_result modpr(u32 page, u64 flags);
struct sgx_result modt(u32 page, u64 flags);
struct sgx_result aug(u32 page, u32 place);

// clang-format off: it takes "a.b && c" in a macro for a reference
#define IS_OK(r)                      \
    ({                                \
        struct sgx_result is_r = (r); \
        !is_r.vector && !is_r.zf;     \
    })
#define IS_GP(r)                      \
    ({                                \
        struct sgx_result is_r = (r); \
        is_r.vector == SGX_GP;        \
    })
#define IS_PF(r, at, code)                                                         \
    ({                                                                             \
        struct sgx_result is_r = (r);                                              \
        is_r.vector == SGX_PF &&is_r.address == (at) && is_r.fault_code == (code); \
    })
#define IS_PF_EPC(r, at) IS_PF(r, at, SGX_PFEC_P | SGX_PFEC_SGX)
#define IS_TOLD(r, code)                                           \
    ({                                                             \
        struct sgx_result is_r = (r);                              \
        !is_r.vector && !is_r.zf && is_r.cf && is_r.rax == (code); \
    })
#define IS_ERROR(r, code)                            \
    ({                                               \
        struct sgx_result is_r = (r);                \
        !is_r.vector &&is_r.zf &&is_r.rax == (code); \
    })
// clang-format on
