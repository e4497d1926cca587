// SPDX-License-Identifier: BSD-3-Clause
// Architectural SGX structures and constants. Source: Intel SDM volume 3D, chapters 35 to 38 (table or
// section named at each). Everything here has the layout the CPU has.
#pragma once

#include "base/types.h"

// 36.18 page types, SECINFO.FLAGS.PAGE_TYPE
enum sgx_page_type { SGX_PT_SECS = 0, SGX_PT_TCS = 1, SGX_PT_REG = 2, SGX_PT_VA = 3, SGX_PT_TRIM = 4 };

// 35.12 SECINFO.FLAGS
#define SGX_SECINFO_R (1ull << 0)
#define SGX_SECINFO_W (1ull << 1)
#define SGX_SECINFO_X (1ull << 2)
#define SGX_SECINFO_PENDING (1ull << 3)
#define SGX_SECINFO_MODIFIED (1ull << 4)
#define SGX_SECINFO_PR (1ull << 5)
#define SGX_SECINFO_PT_SHIFT 8
#define SGX_SECINFO_PT(type) ((u64)(type) << SGX_SECINFO_PT_SHIFT)
#define SGX_SECINFO_PT_MASK SGX_SECINFO_PT(0xff)

struct sgx_secinfo {
    u64 flags;
    u8 reserved[56];
} __attribute__((aligned(64)));
static_assert(sizeof(struct sgx_secinfo) == 64);

// 35.11 PAGEINFO
struct sgx_pageinfo {
    u64 linaddr, srcpge, secinfo, secs;
} __attribute__((aligned(32)));
static_assert(sizeof(struct sgx_pageinfo) == 32);

// 35.7.1 ATTRIBUTES
#define SGX_ATTR_INIT (1ull << 0)
#define SGX_ATTR_DEBUG (1ull << 1)
#define SGX_ATTR_MODE64BIT (1ull << 2)
#define SGX_ATTR_PROVISIONKEY (1ull << 4)
#define SGX_ATTR_EINITTOKEN_KEY (1ull << 5)
#define SGX_ATTR_CET (1ull << 6)
#define SGX_ATTR_KSS (1ull << 7)
#define SGX_ATTR_AEXNOTIFY (1ull << 10)

struct sgx_attributes {
    u64 flags, xfrm;
};

#define SGX_MISC_EXINFO (1u << 0)

// 35.7 SECS: one page
struct sgx_secs {
    u64 size;
    u64 base;
    u32 ssaframesize; // pages
    u32 miscselect;
    u8 reserved1[16];
    u8 cet[8]; // CET_LEG_BITMAP_OFFSET and CET_ATTRIBUTES where CET is used; 0 otherwise
    struct sgx_attributes attributes;
    u8 mrenclave[32];
    u8 reserved2[32];
    u8 mrsigner[32];
    u8 reserved3[32];
    u8 configid[64];
    u16 isvprodid, isvsvn, configsvn;
    u8 reserved4[3834];
} __attribute__((aligned(4096)));
static_assert(sizeof(struct sgx_secs) == 4096);
static_assert(offsetof(struct sgx_secs, attributes) == 48);
static_assert(offsetof(struct sgx_secs, mrenclave) == 64);
static_assert(offsetof(struct sgx_secs, mrsigner) == 128);
static_assert(offsetof(struct sgx_secs, configid) == 192);
static_assert(offsetof(struct sgx_secs, isvprodid) == 256);

// 35.8 TCS: one page
#define SGX_TCS_DBGOPTIN (1ull << 0)
#define SGX_TCS_AEXNOTIFY (1ull << 1)

struct sgx_tcs {
    u64 stage; // "STATE": 0 idle, 1 in use (not accessible to software)
    u64 flags;
    u64 ossa; // offsets from the enclave's base
    u32 cssa;
    u32 nssa;
    u64 oentry;
    u64 aep; // not accessible to software
    u64 ofsbase;
    u64 ogsbase;
    u32 fslimit;
    u32 gslimit;
    u64 ocetssa;
    u64 oprevssp;
    u8 reserved[4008];
} __attribute__((aligned(4096)));
static_assert(sizeof(struct sgx_tcs) == 4096);
static_assert(offsetof(struct sgx_tcs, ofsbase) == 48);
static_assert(offsetof(struct sgx_tcs, fslimit) == 64);

// 35.9 SSA frame: XSAVE area at its start; MISC and GPRSGX at its end
#define SGX_EXITINFO_VALID (1u << 31)
#define SGX_EXITINFO_VECTOR(info) ((info)&0xff)
// Exception vectors (SDM 3A table 6-1).
enum { VECTOR_DB = 1, VECTOR_BP = 3, VECTOR_UD = 6, VECTOR_GP = 13, VECTOR_PF = 14 };
#define SGX_EXITINFO_TYPE(info) (((info) >> 8) & 7)
enum { SGX_EXIT_HW = 3, SGX_EXIT_SW = 6 };

struct sgx_gprsgx {
    u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
    u64 r8, r9, r10, r11, r12, r13, r14, r15;
    u64 rflags, rip, ursp, urbp;
    u32 exitinfo;
    u8 reserved[3];
    u8 aexnotify;
    u64 fsbase, gsbase;
};
static_assert(sizeof(struct sgx_gprsgx) == 184);
static_assert(offsetof(struct sgx_gprsgx, rip) == 136);
static_assert(offsetof(struct sgx_gprsgx, exitinfo) == 160);

// 35.9.2.1 EXINFO, below GPRSGX when MISCSELECT[0] is set
struct sgx_exinfo {
    u64 maddr;
    u32 errcd;
    u32 reserved;
};
static_assert(sizeof(struct sgx_exinfo) == 16);

// 35.13 SIGSTRUCT
struct sgx_sigstruct {
    u8 header[16];
    u32 vendor;
    u32 date; // BCD yyyymmdd
    u8 header2[16];
    u32 swdefined;
    u8 reserved1[84];
    u8 modulus[384]; // little-endian
    u32 exponent;    // 3
    u8 signature[384];
    u32 miscselect;
    u32 miscmask;
    u8 cet_attributes, cet_attributes_mask;
    u8 reserved2[2];
    u8 isvfamilyid[16];
    struct sgx_attributes attributes;
    struct sgx_attributes attributemask;
    u8 enclavehash[32];
    u8 reserved3[16];
    u8 isvextprodid[16];
    u16 isvprodid;
    u16 isvsvn;
    u8 reserved4[12];
    u8 q1[384];
    u8 q2[384];
} __packed;
static_assert(sizeof(struct sgx_sigstruct) == 1808);
static_assert(offsetof(struct sgx_sigstruct, modulus) == 128);
static_assert(offsetof(struct sgx_sigstruct, signature) == 516);
static_assert(offsetof(struct sgx_sigstruct, miscselect) == 900);
static_assert(offsetof(struct sgx_sigstruct, attributes) == 928);
static_assert(offsetof(struct sgx_sigstruct, enclavehash) == 960);
static_assert(offsetof(struct sgx_sigstruct, isvprodid) == 1024);
static_assert(offsetof(struct sgx_sigstruct, q1) == 1040);

#define SGX_SIGSTRUCT_HEADER "\x06\x00\x00\x00\xe1\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"
#define SGX_SIGSTRUCT_HEADER2 "\x01\x01\x00\x00\x60\x00\x00\x00\x60\x00\x00\x00\x01\x00\x00\x00"

// ENCLU leaves (38.4), in EAX
enum {
    ENCLU_EREPORT = 0,
    ENCLU_EGETKEY = 1,
    ENCLU_EENTER = 2,
    ENCLU_ERESUME = 3,
    ENCLU_EEXIT = 4,
    ENCLU_EACCEPT = 5,
    ENCLU_EMODPE = 6,
    ENCLU_EACCEPTCOPY = 7,
    ENCLU_EVERIFYREPORT2 = 8,
    ENCLU_EDECCSSA = 9,
};

// ENCLS leaves (38.3)
enum {
    ENCLS_ECREATE = 0,
    ENCLS_EADD = 1,
    ENCLS_EINIT = 2,
    ENCLS_EREMOVE = 3,
    ENCLS_EDBGRD = 4,
    ENCLS_EDBGWR = 5,
    ENCLS_EEXTEND = 6,
    ENCLS_ELDB = 7,
    ENCLS_ELDU = 8,
    ENCLS_EBLOCK = 9,
    ENCLS_EPA = 10,
    ENCLS_EWB = 11,
    ENCLS_ETRACK = 12,
    ENCLS_EAUG = 13,
    ENCLS_EMODPR = 14,
    ENCLS_EMODT = 15,
};

// 38.1.3 error codes in RAX
enum sgx_error {
    SGX_SUCCESS = 0,
    SGX_INVALID_SIG_STRUCT = 1,
    SGX_INVALID_ATTRIBUTE = 2,
    SGX_BLKSTATE = 3,
    SGX_INVALID_MEASUREMENT = 4,
    SGX_NOTBLOCKABLE = 5,
    SGX_PG_INVLD = 6,
    SGX_EPC_PAGE_CONFLICT = 7,
    SGX_INVALID_SIGNATURE = 8,
    SGX_MAC_COMPARE_FAIL = 9,
    SGX_PAGE_NOT_BLOCKED = 10,
    SGX_NOT_TRACKED = 11,
    SGX_VA_SLOT_OCCUPIED = 12,
    SGX_CHILD_PRESENT = 13,
    SGX_ENCLAVE_ACT = 14,
    SGX_ENTRYEPOCH_LOCKED = 15,
    SGX_INVALID_EINITTOKEN = 16,
    SGX_PREV_TRK_INCMPL = 17,
    SGX_PG_IS_SECS = 18,
    SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
    SGX_PAGE_NOT_MODIFIABLE = 20,
    SGX_PAGE_NOT_DEBUGGABLE = 21,
    SGX_INVALID_COUNTER = 25,
    SGX_PG_NONEPC = 26,
    SGX_INVALID_CPUSVN = 32,
    SGX_INVALID_ISVSVN = 64,
    SGX_UNMASKED_EVENT = 128,
    SGX_INVALID_KEYNAME = 256,
};

// 35.15 REPORT, TARGETINFO; 35.17 KEYREQUEST
struct sgx_report_body {
    u8 cpusvn[16];
    u32 miscselect;
    u8 cet_attributes;
    u8 reserved1[11];
    u8 isvextprodid[16];
    struct sgx_attributes attributes;
    u8 mrenclave[32];
    u8 reserved2[32];
    u8 mrsigner[32];
    u8 reserved3[32];
    u8 configid[64];
    u16 isvprodid, isvsvn, configsvn;
    u8 reserved4[42];
    u8 isvfamilyid[16];
    u8 reportdata[64];
};
static_assert(sizeof(struct sgx_report_body) == 384);

struct sgx_report {
    struct sgx_report_body body;
    u8 keyid[32];
    u8 mac[16];
};
static_assert(sizeof(struct sgx_report) == 432);

struct sgx_targetinfo {
    u8 measurement[32];
    struct sgx_attributes attributes;
    u8 cet_attributes;
    u8 reserved1;
    u16 configsvn;
    u32 miscselect;
    u8 reserved2[8];
    u8 configid[64];
    u8 reserved3[384];
} __attribute__((aligned(512)));
static_assert(sizeof(struct sgx_targetinfo) == 512);

enum {
    SGX_KEYSELECT_EINITTOKEN = 0,
    SGX_KEYSELECT_PROVISION = 1,
    SGX_KEYSELECT_PROVISION_SEAL = 2,
    SGX_KEYSELECT_REPORT = 3,
    SGX_KEYSELECT_SEAL = 4,
};
#define SGX_KEYPOLICY_MRENCLAVE (1u << 0)
#define SGX_KEYPOLICY_MRSIGNER (1u << 1)
#define SGX_KEYPOLICY_NOISVPRODID (1u << 2)
#define SGX_KEYPOLICY_CONFIGID (1u << 3)
#define SGX_KEYPOLICY_ISVFAMILYID (1u << 4)
#define SGX_KEYPOLICY_ISVEXTPRODID (1u << 5)

struct sgx_keyrequest {
    u16 keyname, keypolicy, isvsvn;
    u8 cet_attributes_mask;
    u8 reserved1;
    u8 cpusvn[16];
    struct sgx_attributes attributemask;
    u8 keyid[32];
    u32 miscmask;
    u16 configsvn;
    u8 reserved2[434];
} __attribute__((aligned(512)));
static_assert(sizeof(struct sgx_keyrequest) == 512);
