// SPDX-License-Identifier: BSD-3-Clause
// The software model of SGX1 and SGX2: EPC, EPCM, ENCLS, ENCLU, AEX. A pure library: no system calls, no
// allocation, no globals. The front end gives memory and page contents and plays the operating system.
// Not thread-safe: the caller serialises all calls on one model, so a leaf never meets SGX_EPC_PAGE_CONFLICT.
// "SDM n" is a section of Intel SDM volume 3D; the leaves are in 38.3 (ENCLS) and 38.4 (ENCLU).
//
// An EPC address (`epc`) is a byte offset into the EPC: page index * 4096 + offset.
#pragma once

#include "abi/sgx/arch.h"

struct sgx_model;
struct sgx_cpu;

#define SGX_NO_PAGE UINT32_MAX

// One EPCM entry (SDM 35.19). tracked_epoch: the enclave's epoch when EBLOCK, EMODPR or EMODT last touched it.
struct sgx_epcm {
    bool valid, r, w, x, pending, modified, pr, blocked;
    u8 type;     // enum sgx_page_type
    u32 secs;    // EPC index of the owner's SECS; SGX_NO_PAGE for SECS and VA pages
    u64 linaddr; // 0 for SECS and VA pages
    u64 tracked_epoch;
};

enum sgx_vector { SGX_NO_FAULT = 0, SGX_DB = 1, SGX_BP = 3, SGX_UD = 6, SGX_GP = 13, SGX_PF = 14 };

#define SGX_PFEC_P (1u << 0)
#define SGX_PFEC_W (1u << 1)
#define SGX_PFEC_U (1u << 2)
#define SGX_PFEC_I (1u << 4)
#define SGX_PFEC_SGX (1u << 15)

// Outcome of a leaf: a fault (vector != 0; no architectural effect), or the value for RAX with ZF and CF.
struct sgx_result {
    u8 vector;      // enum sgx_vector
    bool zf, cf;    // as the leaf sets RFLAGS
    u32 fault_code; // of #PF
    u64 address;    // CR2 of #PF; ENCLS: the EPC address
    u64 rax;        // enum sgx_error
};

enum sgx_access { SGX_READ, SGX_WRITE, SGX_EXEC };

// What the page tables say of a linear address. Rights are those of user mode.
struct sgx_pte {
    bool present, writable, executable;
    bool is_epc;
    u32 page; // EPC index, if is_epc
};

enum sgx_event_kind { SGX_EVENT_ENCLS, SGX_EVENT_ENCLU, SGX_EVENT_AEX };
struct sgx_event {
    enum sgx_event_kind kind;
    u32 leaf;    // or the vector of an AEX
    u64 address; // EPC address (ENCLS) or RIP of the instruction (ENCLU, AEX)
    struct sgx_result result;
    const struct sgx_cpu *cpu; // NULL for ENCLS
};

struct sgx_ops {
    // The 4096 bytes of a valid EPC page, page-aligned, never NULL. The entry already tells owner and address.
    u8 *(*page)(void *front, u32 index, const struct sgx_epcm *epcm);
    // Page walk for `cpu`, without side effects.
    void (*walk)(void *front, const struct sgx_cpu *cpu, u64 linaddr, struct sgx_pte *ret_pte);
    // After each leaf and AEX; may be NULL.
    void (*event)(void *front, const struct sgx_event *event);
};

struct sgx_xsave_component {
    u32 offset, size; // standard format, CPUID.0DH.n EBX and EAX
};

struct sgx_config {
    bool sgx2;                            // SGX2 leaves and EXINFO
    bool kss;                             // key separation and sharing
    bool aex_notify;                      // EDECCSSA and ATTRIBUTES.AEXNOTIFY (the notification itself is not modelled)
    u64 epc_base;                         // physical address that CPUID.12H.2 tells
    u64 xfrm;                             // supported XFRM bits: contains 3
    struct sgx_xsave_component xsave[64]; // 2..63 used
    u8 fuse[32];                          // secret all keys derive from
    u8 paging_key[16];                    // new at each start, as at each reset of a CPU
    u8 security_version;                  // last byte of CPUSVN
};

struct sgx_counters {
    u64 encls[16], enclu[16];
    u64 encls_failed[16], enclu_failed[16]; // with a fault or an error code
    u64 aex[33];                            // by vector; [32]: interrupts
    u64 writable_code;                      // times a page became writable and executable after EINIT
};

struct sgx_model {
    struct sgx_config config;
    struct sgx_ops ops;
    void *front;
    struct sgx_epcm *epcm;
    u32 pages;
    u64 next_eid, next_version;
    u8 root_key[16]; // from the fuses
    u8 cpusvn[16];
    u8 lepubkeyhash[32]; // IA32_SGXLEPUBKEYHASH0..3; the front end writes it as the kernel does
    u8 owner_epoch[16];
    u8 report_keyid[32]; // CR_REPORT_KEYID
    struct sgx_counters count;
};

struct sgx_gpr {
    u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rflags, rip;
};

// An SSA frame as EENTER and ERESUME found it (CR_XSAVE_PAGE_n, CR_GPR_PA): the CPU keeps physical addresses.
#define SGX_SSA_XSAVE_PAGES 8
struct sgx_ssa_frame {
    u64 linaddr;
    u32 frame_pages;                // SSAFRAMESIZE
    u32 xsave[SGX_SSA_XSAVE_PAGES]; // EPC indices of the pages with the XSAVE area
    u32 last;                       // of the page with GPRSGX and MISC
};

// One logical processor. RIP is that of the ENCLU instruction (3 bytes) when a leaf is executed.
struct sgx_cpu {
    struct sgx_gpr gpr;
    u64 fs_base, gs_base;
    u64 xcr0;
    u8 *xsave; // XSAVE image in standard format, 64-aligned
    u32 xsave_size;
    // CR_* of SDM 35.5, valid while in_enclave
    bool in_enclave, debug_optin;
    u32 secs; // CR_ACTIVE_SECS
    u32 tcs;  // CR_TCS_PA as an EPC index
    u64 tcs_linaddr, base, size;
    u64 epoch; // of the enclave at entry
    u64 save_fs, save_gs, save_xcr0;
    bool save_tf;
    struct sgx_ssa_frame ssa;
};

// epcm: `pages` entries given by the caller. 0, -EINVAL (config) or -EIO (crypto).
__nodiscard int sgx_model_init(struct sgx_model *m, const struct sgx_config *config, const struct sgx_ops *ops,
                               void *front, struct sgx_epcm *epcm, u32 pages);

// Fixes leaf 7.0, 0x12.0, 0x12.1, 0x12.2+ in regs (EAX EBX ECX EDX as the host gave them) and raises leaf 0's EAX.
void sgx_cpuid(const struct sgx_model *m, u32 leaf, u32 subleaf, u32 regs[4]);

// PAGEINFO with its pointers resolved by the front end. srcpge: 4096 bytes; pcmd instead of secinfo for paging.
struct sgx_pcmd {
    struct sgx_secinfo secinfo;
    u64 enclaveid;
    u8 reserved[40];
    u8 mac[16];
};
static_assert(sizeof(struct sgx_pcmd) == 128);

struct sgx_page_args {
    u64 linaddr;
    u8 *srcpge;
    const struct sgx_secinfo *secinfo;
    struct sgx_pcmd *pcmd;
    u64 secs;    // EPC address; 0 or SGX_NO_SECS where the leaf wants none
    bool zeroed; // EADD, EAUG: the front end's page holds zeros already, which are not written once more
};
#define SGX_NO_SECS UINT64_MAX

struct sgx_result sgx_ecreate(struct sgx_model *m, const struct sgx_page_args *args, u64 epc);
struct sgx_result sgx_eadd(struct sgx_model *m, const struct sgx_page_args *args, u64 epc);
struct sgx_result sgx_eextend(struct sgx_model *m, u64 secs, u64 epc);
struct sgx_result sgx_einit(struct sgx_model *m, const struct sgx_sigstruct *sig, u64 secs);
struct sgx_result sgx_eremove(struct sgx_model *m, u64 epc);
struct sgx_result sgx_eaug(struct sgx_model *m, const struct sgx_page_args *args, u64 epc);
struct sgx_result sgx_emodpr(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc);
struct sgx_result sgx_emodt(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc);
struct sgx_result sgx_eblock(struct sgx_model *m, u64 epc);
struct sgx_result sgx_etrack(struct sgx_model *m, u64 secs);
struct sgx_result sgx_epa(struct sgx_model *m, u64 rbx, u64 epc);
// args->linaddr, ->srcpge and ->pcmd are written. A slot in use is overwritten and reported by CF.
struct sgx_result sgx_ewb(struct sgx_model *m, struct sgx_page_args *args, u64 epc, u64 va_slot);
// blocked: ELDB, else ELDU.
struct sgx_result sgx_eld(struct sgx_model *m, const struct sgx_page_args *args, u64 epc, u64 va_slot, bool blocked);
struct sgx_result sgx_edbgrd(struct sgx_model *m, u64 epc, u64 *ret_value);
struct sgx_result sgx_edbgwr(struct sgx_model *m, u64 epc, u64 value);

// Executes the ENCLU leaf in EAX. On success registers, RIP and RFLAGS are those after it. On a fault nothing has
// changed: the caller delivers it, through sgx_aex() if cpu->in_enclave.
struct sgx_result sgx_enclu(struct sgx_model *m, struct sgx_cpu *cpu);

#define SGX_AEX_INTERRUPT 32
// Asynchronous exit (SDM 37.4). vector: of the exception, or SGX_AEX_INTERRUPT. code, address: of #PF and #GP.
void sgx_aex(struct sgx_model *m, struct sgx_cpu *cpu, u32 vector, u32 code, u64 address);
// The logical processor vanishes (its thread was killed inside): an AEX without a saved state, so that the epoch ends.
void sgx_abandon(struct sgx_model *m, struct sgx_cpu *cpu);

// An access of `cpu` to linaddr as the CPU checks it in enclave mode (SDM 35.3, 35.5): page tables, then EPCM. Success
// with cf set: an EPC page seen from outside its ELRANGE, with abort-page semantics (reads give ones, writes are
// dropped).
struct sgx_result sgx_check_access(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, enum sgx_access access);
// What the EPCM alone permits software of the owner to do with a page: bits 1 << enum sgx_access.
u32 sgx_epcm_rights(const struct sgx_epcm *epcm);
// Threads inside the enclave whose SECS is at `secs`, by epoch: of this and all earlier ones.
u32 sgx_threads_inside(struct sgx_model *m, u32 secs);
// EPC pages an enclave's SECS counts as children.
u64 sgx_child_count(struct sgx_model *m, u32 secs);
// Enclave's SSA frame size in bytes for XFRM and MISCSELECT (SDM 35.9), at least: what ECREATE demands of SSAFRAMESIZE.
u64 sgx_ssa_frame_bytes(const struct sgx_model *m, u64 xfrm, u32 miscselect);
