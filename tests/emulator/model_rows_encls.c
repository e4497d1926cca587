// SPDX-License-Identifier: BSD-3-Clause
// Error rows of building, removing, debugging and SGX2's supervisor leaves (SDM 38.3), in the SDM's order.
#include "model_rows.h"

#include <string.h>

#define RW (SGX_SECINFO_R | SGX_SECINFO_W)
#define PT SGX_SECINFO_PT
enum { PAGE = 0, INFO, LINE, SECS, SOURCE }; // operands

static struct sgx_secs *secs(void) { return secs_of(&vm.model, P_SECS); }

// The EPC page in RCX of an ENCLS leaf.
#define EPC_PAGE_CAUSES(part)                                           \
    CAUSE("RCX unaligned", TOUCH(PAGE, F_ADDRESS), GP, op.epc += part); \
    CAUSE("RCX outside the EPC", TOUCH(PAGE, F_ADDRESS), PFE(EPC(EPC_PAGES)), op.epc = EPC(EPC_PAGES))
#define SECINFO_RESERVED_CAUSES                                                         \
    CAUSE("SECINFO reserved byte", TOUCH(INFO, F_OTHER), GP, op.info.reserved[55] = 1); \
    CAUSE("SECINFO.FLAGS bit 6", TOUCH(INFO, F_DATA), GP, op.info.flags |= 1 << 6);     \
    CAUSE("SECINFO.FLAGS bit 16", TOUCH(INFO, F_DATA), GP, op.info.flags |= 1 << 16);   \
    CAUSE("SECINFO.FLAGS bit 63", TOUCH(INFO, F_DATA), GP, op.info.flags |= 1ull << 63)

static void prepare_ecreate(void)
{
    machine_init(true);
    memset(&op, 0, sizeof(op));
    op.secs = secs_default();
    op.epc = SECS_ADDRESS;
    op.args.srcpge = (u8 *)&op.secs;
    op.args.secinfo = &op.info;
    op.info.flags = RW | SGX_SECINFO_PENDING; // ignored
}
static struct sgx_result run_ecreate(void) { return sgx_ecreate(&vm.model, &op.args, op.epc); }

#define BAD_XFRM(name, bits) \
    CAUSE("XFRM " name, TOUCH(SOURCE, F_DATA), GP, (vm.model.config.xfrm = UINT64_MAX, op.secs.attributes.xfrm = bits))
#define BAD_SECS(name, change) CAUSE("SECS " name, TOUCH(SOURCE, F_DATA), GP, change)
#define SECS_ATTRIBUTE_CAUSES                                                                    \
    CAUSE("XFRM beyond CPUID", TOUCH(SOURCE, F_DATA), GP, op.secs.attributes.xfrm |= 1 << 9);    \
    BAD_XFRM("without x87", 6);                                                                  \
    BAD_XFRM("without SSE", 5);                                                                  \
    BAD_XFRM("half of MPX", 7 | 1 << 3);                                                         \
    BAD_XFRM("AVX-512 without AVX", 3 | 7 << 5);                                                 \
    BAD_XFRM("part of AVX-512", 7 | 3 << 5);                                                     \
    BAD_XFRM("half of AMX", 7 | 1 << 17);                                                        \
    BAD_XFRM("bit 63", 7 | 1ull << 63);                                                          \
    BAD_SECS("MISCSELECT", op.secs.miscselect = 2);                                              \
    BAD_SECS("ATTRIBUTES.INIT", op.secs.attributes.flags |= SGX_ATTR_INIT);                      \
    BAD_SECS("ATTRIBUTES bit 3", op.secs.attributes.flags |= 8);                                 \
    BAD_SECS("ATTRIBUTES.CET", op.secs.attributes.flags |= SGX_ATTR_CET);                        \
    BAD_SECS("ATTRIBUTES.AEXNOTIFY without it", op.secs.attributes.flags |= SGX_ATTR_AEXNOTIFY); \
    BAD_SECS("ATTRIBUTES.KSS without it", (vm.model.config.kss = false, op.secs.attributes.flags |= SGX_ATTR_KSS))
#define SECS_LAYOUT_CAUSES                                                                                    \
    BAD_SECS("SSAFRAMESIZE 0", op.secs.ssaframesize = 0);                                                     \
    BAD_SECS("base not canonical", op.secs.base = NON_CANONICAL);                                             \
    BAD_SECS("32-bit base", (op.secs.attributes.flags &= ~SGX_ATTR_MODE64BIT, op.secs.base = 1ull << 32));    \
    BAD_SECS("32-bit size",                                                                                   \
             (op.secs.attributes.flags &= ~SGX_ATTR_MODE64BIT, op.secs.base = 0, op.secs.size = 1ull << 31)); \
    BAD_SECS("size at the limit", (op.secs.base = 0, op.secs.size = 1ull << 46));                             \
    BAD_SECS("size of a page", op.secs.size = 4096);                                                          \
    BAD_SECS("size 0", op.secs.size = 0);                                                                     \
    BAD_SECS("size no power of two", op.secs.size = 3 * 4096);                                                \
    BAD_SECS("base not aligned to size", op.secs.base += 4096);                                               \
    BAD_SECS("reserved 1", op.secs.reserved1[0] = 1);                                                         \
    BAD_SECS("reserved 2", op.secs.reserved2[31] = 1);                                                        \
    BAD_SECS("reserved 3", op.secs.reserved3[0] = 1);                                                         \
    BAD_SECS("reserved 4", op.secs.reserved4[3833] = 1);                                                      \
    BAD_SECS("CET field", op.secs.cet[7] = 1);                                                                \
    BAD_SECS("CONFIGID without KSS", op.secs.configid[63] = 1);                                               \
    BAD_SECS("CONFIGSVN without KSS", op.secs.configsvn = 1)

TEST(rows_ecreate)
{
    LEAF ("ECREATE", prepare_ecreate, run_ecreate) {
        EPC_PAGE_CAUSES(8);
        CAUSE("LINADDR", TOUCH(LINE, F_DATA), GP, op.args.linaddr = 4096);
        CAUSE("SECS", TOUCH(SECS, F_DATA), GP, op.args.secs = 4096);
        SECINFO_RESERVED_CAUSES;
        CAUSE("SECINFO of a REG page", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_REG));
        CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(SECS_ADDRESS), vm.epcm[P_SECS].valid = true);
        SECS_ATTRIBUTE_CAUSES;
        SECS_LAYOUT_CAUSES;
    }
}

static void prepare_eadd(void)
{
    rows_created();
    op.epc = EPC(2);
    op.info.flags = PT(SGX_PT_REG) | RW | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR; // the state bits are ignored
    op.args = (struct sgx_page_args){ .linaddr = AT(0), .srcpge = op.page, .secinfo = &op.info, .secs = SECS_ADDRESS };
}
static struct sgx_result run_eadd(void) { return sgx_eadd(&vm.model, &op.args, op.epc); }

// PAGEINFO.SECS of EADD and EAUG
#define SECS_OPERAND_UNALIGNED CAUSE("SECS unaligned", TOUCH(SECS, F_ADDRESS), GP, op.args.secs += 8)
#define SECS_OPERAND_OUTSIDE \
    CAUSE("SECS outside the EPC", TOUCH(SECS, F_ADDRESS), PFE(EPC(EPC_PAGES + 1)), op.args.secs = EPC(EPC_PAGES + 1))
#define SECS_ENTRY_CAUSES                                                                          \
    CAUSE("SECS invalid", TOUCH(SECS, F_VALID), PFE(SECS_ADDRESS), vm.epcm[P_SECS].valid = false); \
    CAUSE("SECS not one", TOUCH(SECS, F_TYPE), PFE(SECS_ADDRESS), vm.epcm[P_SECS].type = SGX_PT_VA)
#define LINADDR_CAUSES                                                               \
    CAUSE("LINADDR below", TOUCH(LINE, F_DATA), GP, op.args.linaddr = AT(0) - 4096); \
    CAUSE("LINADDR above", TOUCH(LINE, F_DATA), GP, op.args.linaddr = AT(ENCLAVE_PAGES))

TEST(rows_eadd)
{
    LEAF ("EADD", prepare_eadd, run_eadd) {
        EPC_PAGE_CAUSES(1);
        CAUSE("LINADDR unaligned", TOUCH(LINE, F_DATA), GP, op.args.linaddr++);
        SECS_OPERAND_UNALIGNED;
        SECS_OPERAND_OUTSIDE;
        SECINFO_RESERVED_CAUSES;
        CAUSE("SECINFO of a SECS", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_SECS) | RW);
        CAUSE("SECINFO of a VA page", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_VA) | RW);
        CAUSE("SECINFO of a TRIM page", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_TRIM) | RW);
        CAUSE("SECINFO of type 9", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(9) | RW);
        CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(EPC(2)), vm.epcm[2].valid = true);
        SECS_ENTRY_CAUSES;
        CAUSE("W without R", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_REG) | SGX_SECINFO_W);
        LINADDR_CAUSES;
        CAUSE("initialised", TOUCH(SECS, F_OTHER), GP, secs()->attributes.flags |= SGX_ATTR_INIT);
    }
}

static struct sgx_tcs *source_tcs(void) { return (struct sgx_tcs *)(void *)op.page; }
static void prepare_eadd_tcs(void)
{
    prepare_eadd();
    op.info.flags = PT(SGX_PT_TCS) | SGX_SECINFO_W;                               // rights are ignored
    source_tcs()->ossa = 8, source_tcs()->ofsbase = 1, source_tcs()->ogsbase = 2; // EENTER's business
    source_tcs()->flags = SGX_TCS_DBGOPTIN;
}

TEST(rows_eadd_tcs)
{
    LEAF ("EADD of a TCS", prepare_eadd_tcs, run_eadd) {
        SECS_OPERAND_OUTSIDE;
        SECINFO_RESERVED_CAUSES;
        CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(EPC(2)), vm.epcm[2].valid = true);
        SECS_ENTRY_CAUSES;
        CAUSE("reserved", TOUCH(SOURCE, F_DATA), GP, source_tcs()->reserved[0] = 1);
        CAUSE("reserved end", TOUCH(SOURCE, F_DATA), GP, source_tcs()->reserved[4007] = 1);
        CAUSE("FLAGS", TOUCH(SOURCE, F_DATA), GP, source_tcs()->flags = 4);
        CAUSE("AEXNOTIFY without it", TOUCH(SOURCE, F_DATA), GP, source_tcs()->flags = SGX_TCS_AEXNOTIFY);
        CAUSE("OCETSSA", TOUCH(SOURCE, F_DATA), GP, source_tcs()->ocetssa = 16);
        CAUSE("PREVSSP", TOUCH(SOURCE, F_DATA), GP, source_tcs()->oprevssp = 8);
        CAUSE("32-bit FS limit", TOUCH(SECS, F_OTHER), GP,
              (secs()->attributes.flags &= ~SGX_ATTR_MODE64BIT, source_tcs()->gslimit = 0xfff));
        CAUSE("32-bit GS limit", TOUCH(SECS, F_OTHER), GP,
              (secs()->attributes.flags &= ~SGX_ATTR_MODE64BIT, source_tcs()->fslimit = 0xfff));
        LINADDR_CAUSES;
    }
}

static void prepare_eextend(void)
{
    rows_created();
    add(2, 0, PT(SGX_PT_REG) | RW, NULL);
    op.rbx = SECS_ADDRESS;
    op.epc = EPC(2) + 256;
}
static struct sgx_result run_eextend(void) { return sgx_eextend(&vm.model, op.rbx, op.epc); }

TEST(rows_eextend)
{
    LEAF ("EEXTEND", prepare_eextend, run_eextend) {
        CAUSE("RBX unaligned", TOUCH(SECS, F_ADDRESS), GP, op.rbx += 256);
        CAUSE("RBX outside the EPC", TOUCH(SECS, F_ADDRESS), PFE(EPC(EPC_PAGES + 1)), op.rbx = EPC(EPC_PAGES + 1));
        EPC_PAGE_CAUSES(128);
        CAUSE("invalid", TOUCH(PAGE, F_VALID), PFE(EPC(2) + 256), vm.epcm[2].valid = false);
        CAUSE("a SECS", TOUCH(PAGE, F_TYPE), PFE(EPC(2) + 256), vm.epcm[2].type = SGX_PT_SECS);
        CAUSE("a VA page", TOUCH(PAGE, F_TYPE), PFE(EPC(2) + 256), vm.epcm[2].type = SGX_PT_VA);
        CAUSE("a TRIM page", TOUCH(PAGE, F_TYPE), PFE(EPC(2) + 256), vm.epcm[2].type = SGX_PT_TRIM);
        CAUSE("RBX not its SECS", TOUCH(SECS, F_ADDRESS), GP, op.rbx = EPC(3));
        CAUSE("initialised", TOUCH(SECS, F_OTHER), GP, secs()->attributes.flags |= SGX_ATTR_INIT);
    }
}

static void prepare_einit(void)
{
    static struct sgx_sigstruct right;
    static u8 hash[32];

    rows_created();
    if (!right.exponent) {
        sign(&right);
        memcpy(hash, vm.model.lepubkeyhash, sizeof(hash));
    }
    memcpy(vm.model.lepubkeyhash, hash, sizeof(hash));
    op.sig = right;
    op.epc = SECS_ADDRESS;
}
static struct sgx_result run_einit(void)
{
    if (op.resign)
        resign(&op.sig);
    if (op.spoil)
        *op.spoil ^= 1;
    return sgx_einit(&vm.model, &op.sig, op.epc);
}

enum { FORM = 1, SIGNATURE, FIELD, LAUNCH }; // operands of EINIT besides PAGE
#define BAD_FORM(name, change) CAUSE(name, TOUCH(FORM, F_DATA), ERR(SGX_INVALID_SIG_STRUCT), (op.resign = true, change))
#define BAD_FIELD(name, field, error, change) CAUSE(name, TOUCH(FIELD, field), ERR(error), (op.resign = true, change))
#define UNSIGNED(name, byte)                                          \
    CAUSE(name, TOUCH(SIGNATURE, F_DATA), ERR(SGX_INVALID_SIGNATURE), \
          op.spoil = (u8 *)&op.sig + offsetof(struct sgx_sigstruct, byte))

TEST(rows_einit)
{
    LEAF ("EINIT", prepare_einit, run_einit) {
        EPC_PAGE_CAUSES(1);
        BAD_FORM("HEADER", op.sig.header[15] = 1);
        BAD_FORM("HEADER2", op.sig.header2[15] = 1);
        BAD_FORM("VENDOR", op.sig.vendor = 1);
        BAD_FORM("EXPONENT", op.sig.exponent = 65537);
        BAD_FORM("reserved 1", op.sig.reserved1[0] = 1);
        BAD_FORM("reserved 2", op.sig.reserved2[1] = 1);
        BAD_FORM("reserved 3", op.sig.reserved3[15] = 1);
        BAD_FORM("reserved 4", op.sig.reserved4[11] = 1);
        BAD_FORM("CET_ATTRIBUTES", op.sig.cet_attributes = 1);
        BAD_FORM("CET_ATTRIBUTES_MASK", op.sig.cet_attributes_mask = 1);
        UNSIGNED("SIGNATURE", signature);
        UNSIGNED("Q1", q1);
        UNSIGNED("Q2", q2);
        UNSIGNED("MODULUS", modulus);
        UNSIGNED("DATE", date);
        UNSIGNED("SWDEFINED", swdefined);
        UNSIGNED("ISVSVN", isvsvn);
        CAUSE("invalid", TOUCH(PAGE, F_VALID), PFE(SECS_ADDRESS), vm.epcm[P_SECS].valid = false);
        CAUSE("not a SECS", TOUCH(PAGE, F_TYPE), PFE(SECS_ADDRESS), vm.epcm[P_SECS].type = SGX_PT_VA);
        BAD_FIELD("ISVFAMILYID without KSS", F_OTHER, SGX_INVALID_SIG_STRUCT, op.sig.isvfamilyid[15] = 1);
        CAUSE("initialised", TOUCH(PAGE, F_OTHER), GP, secs()->attributes.flags |= SGX_ATTR_INIT);
        BAD_FIELD("ENCLAVEHASH", F_DATA, SGX_INVALID_MEASUREMENT, op.sig.enclavehash[31] ^= 1);
        CAUSE("EINITTOKEN_KEY of another signer", TOUCH(LAUNCH, F_DATA), ERR(SGX_INVALID_ATTRIBUTE),
              (vm.model.lepubkeyhash[31] ^= 1, secs()->attributes.flags |= SGX_ATTR_EINITTOKEN_KEY,
               op.sig.attributemask.flags &= ~SGX_ATTR_EINITTOKEN_KEY, op.resign = true));
        BAD_FIELD("ATTRIBUTES", F_RIGHT, SGX_INVALID_ATTRIBUTE, op.sig.attributes.flags ^= SGX_ATTR_DEBUG);
        BAD_FIELD("XFRM", F_RIGHT, SGX_INVALID_ATTRIBUTE, op.sig.attributes.xfrm = 3);
        BAD_FIELD("MISCSELECT", F_TYPE, SGX_INVALID_ATTRIBUTE, op.sig.miscselect ^= 1);
        CAUSE("another signer", TOUCH(LAUNCH, F_DATA), ERR(SGX_INVALID_EINITTOKEN), vm.model.lepubkeyhash[0] ^= 1);
    }
}

static void prepare_eremove(void)
{
    rows_built();
    op.epc = EPC(P_DATA);
}
static struct sgx_result run_eremove(void) { return sgx_eremove(&vm.model, op.epc); }

TEST(rows_eremove)
{
    LEAF ("EREMOVE", prepare_eremove, run_eremove) {
        EPC_PAGE_CAUSES(8);
        CAUSE("SECS with children", TOUCH(PAGE, F_ADDRESS), ERR(SGX_CHILD_PRESENT), op.epc = SECS_ADDRESS);
        CAUSE("REG, thread inside", TOUCH(INFO, F_DATA), ERR(SGX_ENCLAVE_ACT), enter(0));
        CAUSE("PENDING, thread inside", TOUCH(INFO, F_DATA), ERR(SGX_ENCLAVE_ACT),
              (enter(0), vm.epcm[P_DATA].pending = true));
        // Not yet accepted, even though no thread can hold a translation.
        CAUSE("TRIM, thread inside", TOUCH(INFO, F_DATA), ERR(SGX_ENCLAVE_ACT),
              (modt(P_DATA, PT(SGX_PT_TRIM)), sgx_etrack(&vm.model, SECS_ADDRESS), enter(0)));
        CAUSE("TCS, thread inside", TOUCH(INFO, F_DATA) | TOUCH(PAGE, F_ADDRESS), ERR(SGX_ENCLAVE_ACT),
              (enter(0), op.epc = EPC(P_TCS)));
    }
}

static void prepare_debug(void)
{
    rows_built();
    op.epc = EPC(P_DATA) + 16;
}
static struct sgx_result run_edbgrd(void) { return sgx_edbgrd(&vm.model, op.epc, &op.rbx); }
static struct sgx_result run_edbgwr(void) { return sgx_edbgwr(&vm.model, op.epc, 7); }

// The page as a TCS, and a field of it.
static void at_tcs(u64 offset)
{
    vm.epcm[P_DATA].type = SGX_PT_TCS;
    op.epc = EPC(P_DATA) + offset;
}
#define TCS_TOUCHES (TOUCH(PAGE, F_ADDRESS) | TOUCH(PAGE, F_TYPE) | TOUCH(PAGE, F_VALID))
#define DEBUG_TARGET PFE(EPC(P_DATA) + 16)
#define DEBUG_CAUSES                                                                        \
    EPC_PAGE_CAUSES(4);                                                                     \
    CAUSE("invalid", TOUCH(PAGE, F_VALID), DEBUG_TARGET, vm.epcm[P_DATA].valid = false);    \
    CAUSE("a SECS", TOUCH(PAGE, F_TYPE), DEBUG_TARGET, vm.epcm[P_DATA].type = SGX_PT_SECS); \
    CAUSE("TRIM", TOUCH(PAGE, F_TYPE), DEBUG_TARGET, vm.epcm[P_DATA].type = SGX_PT_TRIM)
#define DEBUG_STATE_CAUSES                                                                                  \
    CAUSE("PENDING", TOUCH(PAGE, F_PENDING), ERR(SGX_PAGE_NOT_DEBUGGABLE), vm.epcm[P_DATA].pending = true); \
    CAUSE("MODIFIED", TOUCH(PAGE, F_MODIFIED), ERR(SGX_PAGE_NOT_DEBUGGABLE), vm.epcm[P_DATA].modified = true)
#define DEBUG_OWNER_CAUSE \
    CAUSE("not a debug enclave", TOUCH(SECS, F_DATA), GP, secs()->attributes.flags &= ~SGX_ATTR_DEBUG)

TEST(rows_edbgrd)
{
    LEAF ("EDBGRD", prepare_debug, run_edbgrd) {
        DEBUG_CAUSES;
        DEBUG_STATE_CAUSES;
        CAUSE("beyond the TCS", TCS_TOUCHES, GP, at_tcs(72));
        DEBUG_OWNER_CAUSE;
    }
}

TEST(rows_edbgwr)
{
    LEAF ("EDBGWR", prepare_debug, run_edbgwr) {
        DEBUG_CAUSES;
        CAUSE("a VA page", TOUCH(PAGE, F_TYPE), DEBUG_TARGET, vm.epcm[P_DATA].type = SGX_PT_VA);
        DEBUG_STATE_CAUSES;
        CAUSE("TCS.STATE", TCS_TOUCHES, GP, at_tcs(0));
        CAUSE("TCS.OSSA", TCS_TOUCHES, GP, at_tcs(16));
        DEBUG_OWNER_CAUSE;
    }
}

TEST(edbgrd_of_a_va_page_tells_only_use)
{
    rows_built();
    u64 value = 5;
    CHECK(IS_OK(sgx_edbgrd(&vm.model, EPC(P_VA) + 8, &value)));
    CHECK_EQ(value, 0);
    secs()->attributes.flags &= ~SGX_ATTR_DEBUG; // belongs to no enclave
    vm.pages[P_VA][8] = 7;
    CHECK(IS_OK(sgx_edbgrd(&vm.model, EPC(P_VA) + 8, &value)));
    CHECK_EQ(value, 0);
    vm.pages[P_VA][8] = 8;
    CHECK(IS_OK(sgx_edbgrd(&vm.model, EPC(P_VA) + 8, &value)));
    CHECK_EQ(value, -1);
    secs()->attributes.flags |= SGX_ATTR_DEBUG;
    CHECK(IS_OK(sgx_edbgrd(&vm.model, EPC(P_TCS) + 64, &value)));
}

static void prepare_eaug(void)
{
    rows_built();
    op.epc = EPC(P_FREE);
    op.args = (struct sgx_page_args){ .linaddr = AT(L_FREE), .secs = SECS_ADDRESS };
}
static struct sgx_result run_eaug(void) { return sgx_eaug(&vm.model, &op.args, op.epc); }

TEST(rows_eaug)
{
    LEAF ("EAUG", prepare_eaug, run_eaug) {
        CAUSE("no SGX2", TOUCH(INFO, F_OTHER), GP, vm.model.config.sgx2 = false);
        EPC_PAGE_CAUSES(8);
        SECS_OPERAND_UNALIGNED;
        CAUSE("LINADDR unaligned", TOUCH(LINE, F_DATA), GP, op.args.linaddr += 8);
        CAUSE("SRCPGE", TOUCH(SOURCE, F_DATA), GP, op.args.srcpge = op.page);
        SECS_OPERAND_OUTSIDE;
        CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(EPC(P_FREE)), vm.epcm[P_FREE].valid = true);
        CAUSE("SECINFO", TOUCH(INFO, F_DATA), GP, (op.info.flags = PT(SGX_PT_REG) | RW, op.args.secinfo = &op.info));
        SECS_ENTRY_CAUSES;
        CAUSE("not initialised", TOUCH(SECS, F_OTHER), GP, secs()->attributes.flags &= ~SGX_ATTR_INIT);
        LINADDR_CAUSES;
    }
}

static void prepare_emod(void)
{
    rows_built();
    op.epc = EPC(P_DATA);
}
static void prepare_emodpr(void)
{
    prepare_emod();
    op.info.flags = SGX_SECINFO_R | PT(SGX_PT_TRIM); // the type is ignored
}
static void prepare_emodt(void)
{
    prepare_emod();
    op.info.flags = PT(SGX_PT_TRIM) | RW; // the rights are ignored
}
static struct sgx_result run_emodpr(void) { return sgx_emodpr(&vm.model, &op.info, op.epc); }
static struct sgx_result run_emodt(void) { return sgx_emodt(&vm.model, &op.info, op.epc); }

#define EMOD_INVALID CAUSE("invalid", TOUCH(PAGE, F_VALID), PFE(EPC(P_DATA)), vm.epcm[P_DATA].valid = false)
#define EMOD_STATE_CAUSES                                                                                   \
    CAUSE("PENDING", TOUCH(PAGE, F_PENDING), ERR(SGX_PAGE_NOT_MODIFIABLE), vm.epcm[P_DATA].pending = true); \
    CAUSE("MODIFIED", TOUCH(PAGE, F_MODIFIED), ERR(SGX_PAGE_NOT_MODIFIABLE), vm.epcm[P_DATA].modified = true)
#define EMOD_TYPE(t) CAUSE("type " #t, TOUCH(PAGE, F_TYPE), PFE(EPC(P_DATA)), vm.epcm[P_DATA].type = t)
#define EMOD_BEFORE CAUSE("no SGX2", TOUCH(SECS, F_DATA), GP, vm.model.config.sgx2 = false)
#define EMOD_NOT_INIT CAUSE("not initialised", TOUCH(SECS, F_OTHER), GP, secs()->attributes.flags &= ~SGX_ATTR_INIT)

TEST(rows_emodpr)
{
    LEAF ("EMODPR", prepare_emodpr, run_emodpr) {
        EMOD_BEFORE;
        EPC_PAGE_CAUSES(8);
        SECINFO_RESERVED_CAUSES;
        CAUSE("W without R", TOUCH(INFO, F_DATA), GP, op.info.flags = SGX_SECINFO_W);
        EMOD_INVALID;
        EMOD_STATE_CAUSES;
        EMOD_TYPE(SGX_PT_SECS);
        EMOD_TYPE(SGX_PT_TCS);
        EMOD_TYPE(SGX_PT_VA);
        EMOD_TYPE(SGX_PT_TRIM);
        EMOD_NOT_INIT;
    }
}

TEST(rows_emodt)
{
    LEAF ("EMODT", prepare_emodt, run_emodt) {
        EMOD_BEFORE;
        EPC_PAGE_CAUSES(8);
        SECINFO_RESERVED_CAUSES;
        CAUSE("to REG", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_REG));
        CAUSE("to SECS", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_SECS));
        CAUSE("to VA", TOUCH(INFO, F_DATA), GP, op.info.flags = PT(SGX_PT_VA));
        EMOD_INVALID;
        EMOD_TYPE(SGX_PT_SECS);
        EMOD_TYPE(SGX_PT_VA);
        EMOD_TYPE(SGX_PT_TRIM);
        CAUSE("TCS to TCS", TOUCH(PAGE, F_TYPE) | TOUCH(INFO, F_DATA), PFE(EPC(P_DATA)),
              (vm.epcm[P_DATA].type = SGX_PT_TCS, op.info.flags = PT(SGX_PT_TCS)));
        EMOD_STATE_CAUSES;
        EMOD_NOT_INIT;
    }
}
