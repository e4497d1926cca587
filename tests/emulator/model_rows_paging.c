// SPDX-License-Identifier: BSD-3-Clause
// Error rows of EBLOCK, ETRACK, EPA, EWB and ELD (SDM 38.3), in the SDM's order.
#include "model_rows.h"

#include <string.h>

enum { PAGE = 0, SLOT, ARGS, SECS, CRYPTO }; // operands
#define VA_SLOT (EPC(P_VA) + 40)

static struct secs_private *hidden(void) { return secs_private_of(&vm.model, P_SECS); }

static void prepare_page(void)
{
    rows_built();
    op.epc = EPC(P_DATA);
}
static struct sgx_result run_eblock(void) { return sgx_eblock(&vm.model, op.epc); }

#define EPC_PAGE_CAUSES                                              \
    CAUSE("RCX unaligned", TOUCH(PAGE, F_ADDRESS), GP, op.epc += 8); \
    CAUSE("RCX outside the EPC", TOUCH(PAGE, F_ADDRESS), PFE(EPC(EPC_PAGES)), op.epc = EPC(EPC_PAGES))

TEST(rows_eblock)
{
    LEAF ("EBLOCK", prepare_page, run_eblock) {
        EPC_PAGE_CAUSES;
        CAUSE("invalid", TOUCH(PAGE, F_VALID), ERR(SGX_PG_INVLD), vm.epcm[P_DATA].valid = false);
        CAUSE("a SECS", TOUCH(PAGE, F_TYPE), TOLD(SGX_PG_IS_SECS), vm.epcm[P_DATA].type = SGX_PT_SECS);
        CAUSE("a VA page", TOUCH(PAGE, F_TYPE), TOLD(SGX_NOTBLOCKABLE), vm.epcm[P_DATA].type = SGX_PT_VA);
        CAUSE("blocked", TOUCH(PAGE, F_BLOCKED), TOLD(SGX_BLKSTATE), vm.epcm[P_DATA].blocked = true);
    }
}

static void prepare_secs(void)
{
    rows_built();
    op.epc = SECS_ADDRESS;
}
static struct sgx_result run_etrack(void) { return sgx_etrack(&vm.model, op.epc); }

TEST(rows_etrack)
{
    LEAF ("ETRACK", prepare_secs, run_etrack) {
        EPC_PAGE_CAUSES;
        CAUSE("invalid", TOUCH(PAGE, F_VALID), PFE(SECS_ADDRESS), vm.epcm[P_SECS].valid = false);
        CAUSE("a VA page", TOUCH(PAGE, F_TYPE), PFE(SECS_ADDRESS), vm.epcm[P_SECS].type = SGX_PT_VA);
        CAUSE("a REG page", TOUCH(PAGE, F_TYPE), PFE(SECS_ADDRESS), vm.epcm[P_SECS].type = SGX_PT_REG);
        CAUSE("previous cycle open", TOUCH(SECS, F_DATA), ERR(SGX_PREV_TRK_INCMPL),
              hidden()->inside[(hidden()->epoch + 1) & 1] = 1);
    }
}

static void prepare_epa(void)
{
    rows_built();
    op.rbx = SGX_PT_VA;
    op.epc = EPC(P_FREE);
}
static struct sgx_result run_epa(void) { return sgx_epa(&vm.model, op.rbx, op.epc); }

TEST(rows_epa)
{
    LEAF ("EPA", prepare_epa, run_epa) {
        CAUSE("RBX of REG", TOUCH(ARGS, F_DATA), GP, op.rbx = SGX_PT_REG);
        CAUSE("RBX with more bits", TOUCH(ARGS, F_DATA), GP, op.rbx = SGX_PT_VA | 1ull << 32);
        EPC_PAGE_CAUSES;
        CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(EPC(P_FREE)), vm.epcm[P_FREE].valid = true);
    }
}

static void prepare_ewb(void)
{
    rows_built();
    op.epc = EPC(P_DATA);
    op.va = VA_SLOT;
    op.args = (struct sgx_page_args){ .srcpge = op.page, .pcmd = &op.pcmd };
    sgx_eblock(&vm.model, EPC(P_DATA));
    sgx_etrack(&vm.model, SECS_ADDRESS);
}
static struct sgx_result run_ewb(void) { return sgx_ewb(&vm.model, &op.args, op.epc, op.va); }

static void as_secs_with_child(void)
{
    vm.epcm[P_DATA].type = SGX_PT_SECS;
    secs_private_of(&vm.model, P_DATA)->children = 1;
}

#define SLOT_CAUSES                                                  \
    CAUSE("slot unaligned", TOUCH(SLOT, F_ADDRESS), GP, op.va += 4); \
    CAUSE("slot outside the EPC", TOUCH(SLOT, F_ADDRESS), PFE(EPC(EPC_PAGES + 1)), op.va = EPC(EPC_PAGES + 1))
#define SLOT_PAGE_CAUSES                                                                           \
    CAUSE("slot's page invalid", TOUCH(SLOT, F_VALID), PFE(VA_SLOT), vm.epcm[P_VA].valid = false); \
    CAUSE("slot's page not VA", TOUCH(SLOT, F_TYPE), PFE(VA_SLOT), vm.epcm[P_VA].type = SGX_PT_REG)

TEST(rows_ewb)
{
    LEAF ("EWB", prepare_ewb, run_ewb) {
        EPC_PAGE_CAUSES;
        SLOT_CAUSES;
        CAUSE("slot in the page", TOUCH(SLOT, F_ADDRESS) | TOUCH(PAGE, F_ADDRESS), GP, op.va = op.epc + 8);
        CAUSE("LINADDR", TOUCH(ARGS, F_DATA), GP, op.args.linaddr = 8);
        CAUSE("SECS", TOUCH(ARGS, F_OTHER), GP, op.args.secs = SECS_ADDRESS);
        CAUSE("invalid", TOUCH(PAGE, F_VALID), PFE(EPC(P_DATA)), vm.epcm[P_DATA].valid = false);
        SLOT_PAGE_CAUSES;
        CAUSE("not blocked", TOUCH(PAGE, F_BLOCKED), ERR(SGX_PAGE_NOT_BLOCKED), vm.epcm[P_DATA].blocked = false);
        CAUSE("not tracked", TOUCH(PAGE, F_OTHER), ERR(SGX_NOT_TRACKED),
              vm.epcm[P_DATA].tracked_epoch = hidden()->epoch);
        CAUSE("a thread of the epoch inside", TOUCH(PAGE, F_OTHER), ERR(SGX_NOT_TRACKED),
              hidden()->inside[vm.epcm[P_DATA].tracked_epoch & 1] = 1);
        CAUSE("SECS with children", TOUCH(PAGE, F_TYPE) | TOUCH(PAGE, F_BLOCKED) | TOUCH(PAGE, F_OTHER),
              ERR(SGX_CHILD_PRESENT), as_secs_with_child());
    }
}

static void prepare_eld(void)
{
    prepare_ewb();
    run_ewb();
    op.args.secs = SECS_ADDRESS;
}
static struct sgx_result run_eldu(void) { return sgx_eld(&vm.model, &op.args, op.epc, op.va, false); }
static struct sgx_result run_eldb(void) { return sgx_eld(&vm.model, &op.args, op.epc, op.va, true); }

#define MAC_CAUSE(name, field, change) CAUSE(name, TOUCH(CRYPTO, field), ERR(SGX_MAC_COMPARE_FAIL), change)
#define ELD_CAUSES                                                                                                     \
    EPC_PAGE_CAUSES;                                                                                                   \
    SLOT_CAUSES;                                                                                                       \
    CAUSE("page valid", TOUCH(PAGE, F_VALID), PFE(EPC(P_DATA)), vm.epcm[P_DATA].valid = true);                         \
    CAUSE("slot in the page", TOUCH(SLOT, F_ADDRESS) | TOUCH(PAGE, F_ADDRESS), PFE(EPC(P_DATA) + 8),                   \
          op.va = op.epc + 8);                                                                                         \
    SLOT_PAGE_CAUSES;                                                                                                  \
    CAUSE("SECS unaligned", TOUCH(SECS, F_ADDRESS), GP, op.args.secs += 8);                                            \
    CAUSE("no SECS", TOUCH(SECS, F_ADDRESS), GP, op.args.secs = SGX_NO_SECS);                                          \
    CAUSE("SECS outside the EPC", TOUCH(SECS, F_ADDRESS), PFE(EPC(EPC_PAGES + 2)), op.args.secs = EPC(EPC_PAGES + 2)); \
    CAUSE("SECS not one", TOUCH(SECS, F_ADDRESS), PFE(EPC(P_CODE)), op.args.secs = EPC(P_CODE));                       \
    CAUSE("SECS invalid", TOUCH(SECS, F_VALID), PFE(SECS_ADDRESS), vm.epcm[P_SECS].valid = false);                     \
    MAC_CAUSE("LINADDR", F_ADDRESS, op.args.linaddr += 4096);                                                          \
    MAC_CAUSE("rights", F_RIGHT, op.pcmd.secinfo.flags |= SGX_SECINFO_X);                                              \
    MAC_CAUSE("PENDING", F_PENDING, op.pcmd.secinfo.flags |= SGX_SECINFO_PENDING);                                     \
    MAC_CAUSE("MODIFIED", F_MODIFIED, op.pcmd.secinfo.flags |= SGX_SECINFO_MODIFIED);                                  \
    MAC_CAUSE("PR", F_PTE, op.pcmd.secinfo.flags |= SGX_SECINFO_PR);                                                   \
    MAC_CAUSE("TCS for REG", F_TYPE,                                                                                   \
              op.pcmd.secinfo.flags ^= SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_PT(SGX_PT_TCS));                       \
    CAUSE("type 7", TOUCH(CRYPTO, F_TYPE) | TOUCH(SECS, F_ADDRESS) | TOUCH(SECS, F_VALID), ERR(SGX_MAC_COMPARE_FAIL),  \
          op.pcmd.secinfo.flags |= SGX_SECINFO_PT(7));                                                                 \
    MAC_CAUSE("SECINFO's reserved bytes", F_VALID, op.pcmd.secinfo.reserved[0] = 1);                                   \
    MAC_CAUSE("PCMD's reserved bytes", F_BLOCKED, op.pcmd.reserved[0] = 1);                                            \
    MAC_CAUSE("MAC", F_OTHER, op.pcmd.mac[15] ^= 1);                                                                   \
    MAC_CAUSE("ciphertext", F_DATA, op.page[4095] ^= 1);                                                               \
    MAC_CAUSE("another enclave", F_OWNER, hidden()->eid++);                                                            \
    MAC_CAUSE("another version", F_PLACE, vm.pages[P_VA][40] ^= 1)

TEST(rows_eldu)
{
    LEAF ("ELDU", prepare_eld, run_eldu) {
        ELD_CAUSES;
    }
}

TEST(rows_eldb)
{
    LEAF ("ELDB", prepare_eld, run_eldb) {
        ELD_CAUSES;
    }
}
