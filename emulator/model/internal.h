// SPDX-License-Identifier: BSD-3-Clause
// Shared by the leaves: outcomes, EPC look-ups, the hidden part of the SECS.
#pragma once

#include "crypto/sha256.h"
#include "model.h"

// What the CPU keeps in the reserved part of the SECS page. It is evicted and loaded with the page.
#define SECS_PRIVATE_OFFSET 2048
struct secs_private {
    u64 eid;
    u64 children;
    u64 epoch;     // starts at 1; ETRACK adds one
    u32 inside[2]; // threads inside that entered in epoch e, at [e & 1]
    struct sha256 measurement;
    u8 isvfamilyid[16], isvextprodid[16];
};
static_assert(SECS_PRIVATE_OFFSET + sizeof(struct secs_private) <= sizeof(struct sgx_secs));

#define SECINFO_FLAGS_ALL                                                                                          \
    (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X | SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR | \
     SGX_SECINFO_PT_MASK)
#define SECINFO_RWX (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X)
#define TRY(expression)                         \
    do {                                        \
        struct sgx_result try_r = (expression); \
        if (try_r.vector)                       \
            return try_r;                       \
    } while (0)

static inline struct sgx_result success(void) { return (struct sgx_result){ 0 }; }
static inline struct sgx_result error(enum sgx_error code) { return (struct sgx_result){ .zf = true, .rax = code }; }
static inline struct sgx_result gp(void) { return (struct sgx_result){ .vector = SGX_GP }; }
static inline struct sgx_result pf(u64 address, u32 code)
{
    return (struct sgx_result){ .vector = SGX_PF, .address = address, .fault_code = code };
}
// #PF of an ENCLS operand: a supervisor access that the EPCM denies.
static inline struct sgx_result pf_epc(u64 epc) { return pf(epc, SGX_PFEC_P | SGX_PFEC_SGX); }
// #PF of an ENCLU operand whose EPCM entry is not as the leaf needs it. CR2's low bits are cleared in enclave mode.
static inline struct sgx_result pf_enclu(u64 linaddr)
{
    return pf(ALIGN_DOWN(linaddr, PAGE_SIZE), SGX_PFEC_P | SGX_PFEC_U | SGX_PFEC_SGX);
}

static inline bool page_in_epc(const struct sgx_model *m, u64 epc) { return epc / PAGE_SIZE < m->pages; }
static inline u32 page_index(u64 epc) { return (u32)(epc / PAGE_SIZE); }
static inline u8 *page_data(struct sgx_model *m, u32 index) { return m->ops.page(m->front, index, &m->epcm[index]); }
static inline struct sgx_secs *secs_of(struct sgx_model *m, u32 secs)
{
    return (struct sgx_secs *)(void *)page_data(m, secs);
}
static inline struct secs_private *secs_private_of(struct sgx_model *m, u32 secs)
{
    return (struct secs_private *)(void *)(page_data(m, secs) + SECS_PRIVATE_OFFSET);
}
static inline bool page_type_is(u64 flags, u32 type) { return (flags & SGX_SECINFO_PT_MASK) == SGX_SECINFO_PT(type); }
// Pages that belong to an enclave and count as its SECS's children.
static inline bool is_child_type(u32 type) { return type == SGX_PT_REG || type == SGX_PT_TCS || type == SGX_PT_TRIM; }
static inline bool is_canonical(u64 address) { return (u64)((s64)(address << 16) >> 16) == address; }
static inline bool in_elrange(u64 base, u64 size, u64 address, u64 length)
{
    return address >= base && address - base < size && length <= size - (address - base);
}

bool all_zero(const void *data, size_t size);
bool secinfo_reserved_clear(const struct sgx_secinfo *secinfo);
u64 epcm_flags(const struct sgx_epcm *e);
// #GP if not page-aligned, #PF if not in the EPC.
struct sgx_result check_epc_page(const struct sgx_model *m, u64 epc);
// As above, and #PF if no valid SECS lies there.
struct sgx_result check_secs(const struct sgx_model *m, u64 secs);
// A TCS's reserved fields and FLAGS bits are zero and its limits fit the enclave's mode (SDM 35.8): EADD, EACCEPT.
bool tcs_reserved_clear(const struct sgx_model *m, const struct sgx_tcs *tcs);
bool tcs_limits_valid(const struct sgx_secs *secs, const struct sgx_tcs *tcs);
u64 tcs_flags_defined(const struct sgx_model *m);
bool attributes_supported(const struct sgx_model *m, const struct sgx_attributes *a);
u32 supported_miscselect(const struct sgx_model *m);
void measure(struct secs_private *private, const char tag[8], u64 a, const void *rest, size_t rest_size);
// True when no thread can hold a translation of the page from before its last EBLOCK, EMODPR or EMODT (SDM 36.5.1).
bool is_tracked(struct sgx_model *m, u32 page);
struct sgx_result note_encls(struct sgx_model *m, u32 leaf, u64 epc, struct sgx_result result);

// ENCLU operands, in the steps the SDM takes, because leaves order them differently.
// 1. Alignment and ELRANGE: false is #GP.
static inline bool operand_placed(const struct sgx_cpu *cpu, u64 linaddr, u64 align, u64 size)
{
    return IS_ALIGNED(linaddr, align) && in_elrange(cpu->base, cpu->size, linaddr, size);
}
// 2. Page tables for `access`, and that the address resolves within the EPC: #PF.
struct sgx_result operand_walk(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, enum sgx_access access,
                               u32 *ret_page);
// 3. The EPCM permits the running enclave this access to the page at this address: #PF.
struct sgx_result operand_check(const struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, u32 page,
                                enum sgx_access access);
// All three, for an operand within one page.
struct sgx_result enclu_operand(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, u64 align, u64 size,
                                enum sgx_access access, u8 **ret_data);
// The EPCM entry belongs to secs, at that linear address, is valid, of an enclave's type and not BLOCKED.
bool page_belongs(const struct sgx_epcm *e, u32 secs, u64 linaddr);

struct sgx_result leaf_eenter(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_eresume(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_eexit(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_eaccept(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_eacceptcopy(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_emodpe(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_ereport(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_egetkey(struct sgx_model *m, struct sgx_cpu *cpu);
struct sgx_result leaf_edeccssa(struct sgx_model *m, struct sgx_cpu *cpu);

// SSA frames (ssa.c). Finds frame n of a TCS; its XSAVE and GPR pages must be mapped and REG, readable and writable:
// #PF.
struct sgx_result ssa_find(struct sgx_model *m, const struct sgx_cpu *cpu, const struct sgx_secs *secs, u32 secs_page,
                           const struct sgx_tcs *tcs, u32 n, struct sgx_ssa_frame *ret_frame);
// Offsets are from the frame's start; the range must lie in its XSAVE pages or its last page.
void ssa_read(struct sgx_model *m, const struct sgx_ssa_frame *frame, u64 offset, void *data, u64 size);
void ssa_write(struct sgx_model *m, const struct sgx_ssa_frame *frame, u64 offset, const void *data, u64 size);
void ssa_save_xsave(struct sgx_model *m, const struct sgx_cpu *cpu, u64 xfrm);
// XRSTOR's demands on the image (SDM volume 1, 13.8.1; 38.4 ERESUME): a breach is #GP.
bool ssa_xsave_valid(struct sgx_model *m, u64 xfrm, const struct sgx_ssa_frame *frame);
void ssa_load_xsave(struct sgx_model *m, struct sgx_cpu *cpu, u64 xfrm, const struct sgx_ssa_frame *frame);
// The synthetic state of an exit (SDM 37.3): components in XFRM are initialised, others stay the application's.
void xsave_reset(const struct sgx_model *m, struct sgx_cpu *cpu, u64 xfrm);
u64 xsave_bytes(const struct sgx_model *m, u64 xfrm);
static inline u64 ssa_gpr_offset(const struct sgx_ssa_frame *f)
{
    return (u64)f->frame_pages * PAGE_SIZE - sizeof(struct sgx_gprsgx);
}
static inline u64 ssa_exinfo_offset(const struct sgx_ssa_frame *f)
{
    return ssa_gpr_offset(f) - sizeof(struct sgx_exinfo);
}

// Keys (keys.c). The input of every derivation; README.md documents it.
struct key_dependencies {
    char vendor[16]; // "SGX2EMU KEYS v1": no hardware derivation begins so
    u16 keyname, keypolicy, isvprodid, isvsvn, configsvn, zero;
    u32 miscselect, miscmask;
    u8 cpusvn[16], owner_epoch[16];
    struct sgx_attributes attributes, attributemask;
    u8 mrenclave[32], mrsigner[32], keyid[32], configid[64];
    u8 isvfamilyid[16], isvextprodid[16];
};
int derive_key(const struct sgx_model *m, const struct key_dependencies *d, u8 ret_key[16]);
int derive_report_key(const struct sgx_model *m, const struct sgx_targetinfo *target, const u8 keyid[32],
                      u8 ret_key[16]);
