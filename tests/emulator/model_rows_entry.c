// SPDX-License-Identifier: BSD-3-Clause
// Error rows of EENTER, ERESUME, EEXIT, EDECCSSA (SDM 38.4), in the SDM's order.
#include "model_rows.h"

#include <string.h>

enum { TCS = 0, AEP, SSA, SECS, FRAME }; // operands

static struct sgx_tcs *tcs(void) { return (struct sgx_tcs *)(void *)vm.pages[P_TCS]; }
static struct sgx_gprsgx *saved(void) { return (struct sgx_gprsgx *)(void *)(vm.pages[P_SSA0] + 4096 - 184); }
static struct sgx_secs *secs(void) { return secs_of(&vm.model, P_SECS); }

static void prepare_eenter(void)
{
    rows_built();
    op.rbx = AT(L_TCS);
    op.rcx = 0x5000;
    vm.cpu[0].gpr.rip = 0x4000;
}
static void prepare_eresume(void)
{
    prepare_eenter();
    enter(0);
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    vm.cpu[0].gpr.rip = 0x4000;
}
static struct sgx_result run_eenter(void) { return enclu(0, ENCLU_EENTER, op.rbx, op.rcx, 0); }
static struct sgx_result run_eresume(void) { return enclu(0, ENCLU_ERESUME, op.rbx, op.rcx, 0); }

#define TCS_PF PFU(AT(L_TCS), CODE_PFX)
#define TCS_FIELD(name, change) CAUSE("TCS." name, TOUCH(TCS, F_DATA), GP, change)
// What EENTER and ERESUME check before they look at CSSA.
#define TCS_CAUSES                                                                                     \
    CAUSE("inside an enclave", TOUCH(SECS, F_ADDRESS), GP, vm.cpu[0].in_enclave = true);               \
    CAUSE("RBX unaligned", TOUCH(TCS, F_ADDRESS), GP, op.rbx += 8);                                    \
    WALK_CAUSES(TCS, L_TCS, 0);                                                                        \
    CAUSE("AEP not canonical", TOUCH(AEP, F_ADDRESS), GP, op.rcx = NON_CANONICAL);                     \
    CAUSE("TCS invalid", TOUCH(TCS, F_VALID), TCS_PF, vm.epcm[P_TCS].valid = false);                   \
    CAUSE("TCS blocked", TOUCH(TCS, F_BLOCKED), TCS_PF, vm.epcm[P_TCS].blocked = true);                \
    CAUSE("TCS elsewhere", TOUCH(TCS, F_PLACE), TCS_PF, vm.epcm[P_TCS].linaddr += 4096);               \
    CAUSE("a REG page", TOUCH(TCS, F_TYPE), TCS_PF, vm.epcm[P_TCS].type = SGX_PT_REG);                 \
    CAUSE("a TRIM page", TOUCH(TCS, F_TYPE), TCS_PF, vm.epcm[P_TCS].type = SGX_PT_TRIM);               \
    CAUSE("TCS pending", TOUCH(TCS, F_PENDING), TCS_PF, vm.epcm[P_TCS].pending = true);                \
    CAUSE("TCS modified", TOUCH(TCS, F_MODIFIED), TCS_PF, vm.epcm[P_TCS].modified = true);             \
    TCS_FIELD("OSSA unaligned", tcs()->ossa += 8);                                                     \
    TCS_FIELD("OFSBASE unaligned", tcs()->ofsbase += 8);                                               \
    TCS_FIELD("OGSBASE unaligned", tcs()->ogsbase += 8);                                               \
    TCS_FIELD("FLAGS", tcs()->flags = 4);                                                              \
    TCS_FIELD("FLAGS.AEXNOTIFY without it", tcs()->flags = SGX_TCS_AEXNOTIFY);                         \
    TCS_FIELD("FLAGS.AEXNOTIFY that the enclave does not want",                                        \
              (vm.model.config.aex_notify = true, tcs()->flags = SGX_TCS_AEXNOTIFY));                  \
    CAUSE("not initialised", TOUCH(SECS, F_DATA), GP, secs()->attributes.flags &= ~SGX_ATTR_INIT);     \
    CAUSE("32-bit enclave", TOUCH(SECS, F_DATA), GP, secs()->attributes.flags &= ~SGX_ATTR_MODE64BIT); \
    CAUSE("XCR0", TOUCH(SECS, F_OTHER), GP, vm.cpu[0].xcr0 = 3)

#define SSA_PF(code) PFU(AT(L_SSA), code)
#define SSA_WRITE (SGX_PFEC_U | SGX_PFEC_W)
#define SSA_STATE(name, field, change) CAUSE("SSA " name, TOUCH(SSA, field), SSA_PF(CODE_PFX | SGX_PFEC_W), change)
#define SSA_CAUSES                                                                                              \
    CAUSE("SSA absent", TOUCH(SSA, F_PTE), SSA_PF(SSA_WRITE), vm.ptes[L_SSA].present = false);                  \
    CAUSE("SSA read-only", TOUCH(SSA, F_PTE), SSA_PF(SSA_WRITE | SGX_PFEC_P), vm.ptes[L_SSA].writable = false); \
    CAUSE("SSA not EPC", TOUCH(SSA, F_PTE), SSA_PF(CODE_PFX | SGX_PFEC_W), vm.ptes[L_SSA].is_epc = false);      \
    SSA_STATE("invalid", F_VALID, vm.epcm[P_SSA0].valid = false);                                               \
    SSA_STATE("blocked", F_BLOCKED, vm.epcm[P_SSA0].blocked = true);                                            \
    SSA_STATE("pending", F_PENDING, vm.epcm[P_SSA0].pending = true);                                            \
    SSA_STATE("modified", F_MODIFIED, vm.epcm[P_SSA0].modified = true);                                         \
    SSA_STATE("elsewhere", F_PLACE, vm.epcm[P_SSA0].linaddr += 4096);                                           \
    SSA_STATE("not REG", F_TYPE, vm.epcm[P_SSA0].type = SGX_PT_TCS);                                            \
    SSA_STATE("of another enclave", F_OWNER, vm.epcm[P_SSA0].secs = 9);                                         \
    SSA_STATE("not readable", F_RIGHT, vm.epcm[P_SSA0].r = false);                                              \
    SSA_STATE("not writable", F_OTHER, vm.epcm[P_SSA0].w = false)

TEST(rows_eenter)
{
    LEAF ("EENTER", prepare_eenter, run_eenter) {
        TCS_CAUSES;
        TCS_FIELD("OFSBASE not canonical", tcs()->ofsbase = NON_CANONICAL);
        TCS_FIELD("OGSBASE not canonical", tcs()->ogsbase = NON_CANONICAL);
        TCS_FIELD("no free frame", tcs()->cssa = tcs()->nssa);
        SSA_CAUSES;
        TCS_FIELD("OENTRY not canonical", tcs()->oentry = NON_CANONICAL);
        TCS_FIELD("busy", tcs()->stage = 1);
    }
}

TEST(rows_eresume)
{
    LEAF ("ERESUME", prepare_eresume, run_eresume) {
        TCS_CAUSES;
        TCS_FIELD("no frame", tcs()->cssa = 0);
        SSA_CAUSES;
        CAUSE("RIP not canonical", TOUCH(FRAME, F_DATA), GP, saved()->rip = NON_CANONICAL);
        CAUSE("FSBASE not canonical", TOUCH(FRAME, F_DATA), GP, saved()->fsbase = NON_CANONICAL);
        CAUSE("GSBASE not canonical", TOUCH(FRAME, F_DATA), GP, saved()->gsbase = NON_CANONICAL);
        TCS_FIELD("busy", tcs()->stage = 1);
        CAUSE("XSTATE_BV", TOUCH(FRAME, F_DATA), GP, vm.pages[P_SSA0][513] = 1);
        CAUSE("XSAVE byte 520", TOUCH(FRAME, F_DATA), GP, vm.pages[P_SSA0][520] = 1);
        CAUSE("XSAVE byte 535", TOUCH(FRAME, F_DATA), GP, vm.pages[P_SSA0][535] = 1);
        CAUSE("MXCSR", TOUCH(FRAME, F_DATA), GP, vm.pages[P_SSA0][26] = 1);
    }
}

static void prepare_inside(void)
{
    rows_built();
    enter(0);
    op.rbx = 0x4003;
}
static struct sgx_result run_eexit(void) { return enclu(0, ENCLU_EEXIT, op.rbx, 0, 0); }

TEST(rows_eexit)
{
    LEAF ("EEXIT", prepare_inside, run_eexit) {
        CAUSE("outside", TOUCH(SECS, F_DATA), GP, leave(0));
        CAUSE("RBX not canonical", TOUCH(TCS, F_ADDRESS), GP, op.rbx = NON_CANONICAL);
    }
}

static void prepare_edeccssa(void)
{
    rows_built();
    vm.model.config.aex_notify = true;
    enter(0);
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    enter(0);
}
static struct sgx_result run_edeccssa(void) { return enclu(0, ENCLU_EDECCSSA, 0, 0, 0); }

TEST(rows_edeccssa)
{
    LEAF ("EDECCSSA", prepare_edeccssa, run_edeccssa) {
        CAUSE("not enumerated", TOUCH(SECS, F_DATA), GP, vm.model.config.aex_notify = false);
        CAUSE("outside", TOUCH(SECS, F_OTHER), GP, leave(0));
        CAUSE("no frame", TOUCH(TCS, F_DATA), GP, tcs()->cssa = 0);
        SSA_CAUSES;
    }
}

static void prepare_leaf(void)
{
    rows_built();
    op.rbx = ENCLU_EENTER;
    op.rcx = 0x5000;
}
static struct sgx_result run_leaf(void) { return enclu(0, op.rbx, AT(L_TCS), op.rcx, 0); }

// SDM 38.2: an undefined leaf, and one that belongs to the other side, is #GP(0).
TEST(rows_enclu)
{
    LEAF ("ENCLU", prepare_leaf, run_leaf) {
        CAUSE("EVERIFYREPORT2 outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EVERIFYREPORT2);
        CAUSE("EVERIFYREPORT2 inside", TOUCH(TCS, F_DATA), GP, (enter(0), op.rbx = ENCLU_EVERIFYREPORT2));
        CAUSE("leaf 10", TOUCH(TCS, F_DATA), GP, op.rbx = 10);
        CAUSE("leaf 10 inside", TOUCH(TCS, F_DATA), GP, (enter(0), op.rbx = 10));
        CAUSE("leaf 2^32 - 1", TOUCH(TCS, F_DATA), GP, op.rbx = UINT32_MAX);
        CAUSE("EREPORT outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EREPORT);
        CAUSE("EGETKEY outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EGETKEY);
        CAUSE("EACCEPT outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EACCEPT);
        CAUSE("EMODPE outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EMODPE);
        CAUSE("EACCEPTCOPY outside", TOUCH(TCS, F_DATA), GP, op.rbx = ENCLU_EACCEPTCOPY);
        CAUSE("EENTER inside", TOUCH(TCS, F_DATA), GP, enter(0));
        CAUSE("ERESUME inside", TOUCH(TCS, F_DATA), GP, (enter(0), op.rbx = ENCLU_ERESUME));
    }
    // The upper half of RAX is ignored.
    rows_built();
    CHECK(IS_OK(enclu(0, 7ull << 32 | ENCLU_EENTER, AT(L_TCS), 0x5000, 0)));
}
