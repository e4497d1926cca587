// SPDX-License-Identifier: BSD-3-Clause
// Error rows of EACCEPT, EACCEPTCOPY, EMODPE, EREPORT, EGETKEY (SDM 38.4), in the SDM's order.
#include "model_rows.h"

#include <string.h>

enum { SECINFO = 0, TARGET, SOURCE, MODE, REQUEST }; // operands
#define R SGX_SECINFO_R
#define W SGX_SECINFO_W
#define X SGX_SECINFO_X
#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define TCS SGX_SECINFO_PT(SGX_PT_TCS)
#define TRIM SGX_SECINFO_PT(SGX_PT_TRIM)
#define PENDING SGX_SECINFO_PENDING
#define MODIFIED SGX_SECINFO_MODIFIED
#define PR SGX_SECINFO_PR

static struct sgx_secinfo *info(void) { return (struct sgx_secinfo *)(void *)vm.pages[P_INFO]; }
static struct sgx_epcm *target(void) { return &vm.epcm[P_FREE]; }

static void prepare_inside(u64 flags)
{
    rows_built();
    aug(P_FREE, L_FREE);
    map(L_FREE, P_FREE);
    op.rbx = secinfo_at(flags);
    op.rcx = AT(L_FREE);
    op.rdx = AT(L_DATA);
    enter(0);
}
static struct sgx_result run_eaccept(void) { return enclu(0, ENCLU_EACCEPT, op.rbx, op.rcx, 0); }
static struct sgx_result run_eacceptcopy(void) { return enclu(0, ENCLU_EACCEPTCOPY, op.rbx, op.rcx, op.rdx); }
static struct sgx_result run_emodpe(void) { return enclu(0, ENCLU_EMODPE, op.rbx, op.rcx, 0); }

#define MODE_CAUSES                                      \
    CAUSE("outside", TOUCH(MODE, F_DATA), GP, leave(0)); \
    CAUSE("no SGX2", TOUCH(MODE, F_OTHER), GP, vm.model.config.sgx2 = false)
#define INFO_RESERVED_CAUSES                                                       \
    CAUSE("reserved byte", TOUCH(SECINFO, F_OTHER), GP, info()->reserved[55] = 1); \
    CAUSE("FLAGS bit 7", TOUCH(SECINFO, F_DATA), GP, info()->flags |= 1 << 7);     \
    CAUSE("FLAGS bit 16", TOUCH(SECINFO, F_DATA), GP, info()->flags |= 1 << 16)
#define BAD_FLAGS(value) CAUSE("SECINFO " #value, TOUCH(SECINFO, F_DATA), GP, info()->flags = (value))
#define TARGET_PF PFU(AT(L_FREE), CODE_PFX)
#define MISMATCH ERR(SGX_PAGE_ATTRIBUTES_MISMATCH)
#define TARGET_CAUSE(name, field, want, change) CAUSE("target " name, TOUCH(TARGET, field), want, change)

static void prepare_eaccept(void) { prepare_inside(REG | R | W | PENDING); }

TEST(rows_eaccept)
{
    LEAF ("EACCEPT", prepare_eaccept, run_eaccept) {
        MODE_CAUSES;
        PLACE_CAUSES(SECINFO, rbx, 32);
        WALK_CAUSES(SECINFO, L_INFO, 0);
        EPCM_CAUSES(SECINFO, L_INFO, P_INFO, r, CODE_PFX);
        INFO_RESERVED_CAUSES;
        PLACE_CAUSES(TARGET, rcx, 2048);
        WALK_CAUSES(TARGET, L_FREE, 0);
        BAD_FLAGS(REG | R | W);
        BAD_FLAGS(REG | R | W | PENDING | MODIFIED);
        BAD_FLAGS(REG | R | W | PR | MODIFIED);
        BAD_FLAGS(TCS);
        BAD_FLAGS(TCS | MODIFIED | PR);
        BAD_FLAGS(TCS | MODIFIED | PENDING);
        BAD_FLAGS(TRIM);
        BAD_FLAGS(TRIM | MODIFIED | PR);
        BAD_FLAGS(TRIM | MODIFIED | PENDING);
        BAD_FLAGS(SGX_SECINFO_PT(SGX_PT_SECS) | PENDING);
        BAD_FLAGS(SGX_SECINFO_PT(SGX_PT_VA) | PENDING);
        TARGET_CAUSE("invalid", F_VALID, TARGET_PF, target()->valid = false);
        TARGET_CAUSE("blocked", F_BLOCKED, TARGET_PF, target()->blocked = true);
        TARGET_CAUSE("a SECS", F_TYPE, TARGET_PF, target()->type = SGX_PT_SECS);
        TARGET_CAUSE("a VA page", F_TYPE, TARGET_PF, target()->type = SGX_PT_VA);
        TARGET_CAUSE("of another enclave", F_OWNER, TARGET_PF, target()->secs = 9);
        TARGET_CAUSE("elsewhere", F_PLACE, MISMATCH, target()->linaddr += 4096);
        TARGET_CAUSE("not pending", F_PENDING, MISMATCH, target()->pending = false);
        TARGET_CAUSE("modified", F_MODIFIED, MISMATCH, target()->modified = true);
        TARGET_CAUSE("without R", F_RIGHT, MISMATCH, target()->r = false);
        TARGET_CAUSE("without W", F_RIGHT, MISMATCH, target()->w = false);
        TARGET_CAUSE("with X", F_RIGHT, MISMATCH, target()->x = true);
        TARGET_CAUSE("a TCS", F_TYPE, MISMATCH, target()->type = SGX_PT_TCS);
        TARGET_CAUSE("not tracked", F_OTHER, ERR(SGX_NOT_TRACKED),
                     (target()->pr = true, target()->tracked_epoch = secs_private_of(&vm.model, P_SECS)->epoch));
    }
}

static struct sgx_tcs *new_tcs(void) { return (struct sgx_tcs *)(void *)vm.pages[P_FREE]; }
static void prepare_tcs(void)
{
    prepare_inside(REG | R | W | PENDING);
    run_eaccept();
    memcpy(new_tcs(), vm.pages[P_TCS], 4096);
    new_tcs()->stage = 0, new_tcs()->aep = 0; // the running thread's
    leave(0);
    modt(P_FREE, TCS);
    sgx_etrack(&vm.model, SECS_ADDRESS);
    enter(0);
    op.rbx = secinfo_at(TCS | MODIFIED);
}
#define TCS_CAUSE(name, change) CAUSE("TCS." name, TOUCH(SOURCE, F_DATA), GP, change)

TEST(rows_eaccept_tcs)
{
    LEAF ("EACCEPT of a TCS", prepare_tcs, run_eaccept) {
        TARGET_CAUSE("elsewhere", F_PLACE, MISMATCH, target()->linaddr += 4096);
        TARGET_CAUSE("TRIM", F_TYPE, MISMATCH, target()->type = SGX_PT_TRIM);
        TARGET_CAUSE("not tracked", F_OTHER, ERR(SGX_NOT_TRACKED),
                     target()->tracked_epoch = secs_private_of(&vm.model, P_SECS)->epoch);
        TCS_CAUSE("reserved", new_tcs()->reserved[4007] = 1);
        TCS_CAUSE("FLAGS", new_tcs()->flags = 8);
        TCS_CAUSE("FLAGS.DBGOPTIN", new_tcs()->flags = SGX_TCS_DBGOPTIN);
        TCS_CAUSE("CSSA", new_tcs()->cssa = new_tcs()->nssa);
        TCS_CAUSE("NSSA", new_tcs()->nssa = 0);
        TCS_CAUSE("AEP", new_tcs()->aep = 1);
        TCS_CAUSE("STATE", new_tcs()->stage = 1);
        CAUSE("32-bit FS limit", TOUCH(SOURCE, F_DATA), GP,
              (secs_of(&vm.model, P_SECS)->attributes.flags &= ~SGX_ATTR_MODE64BIT, new_tcs()->gslimit = 0xfff));
        CAUSE("32-bit GS limit", TOUCH(SOURCE, F_DATA), GP,
              (secs_of(&vm.model, P_SECS)->attributes.flags &= ~SGX_ATTR_MODE64BIT, new_tcs()->fslimit = 0xfff));
    }
}

static void prepare_eacceptcopy(void) { prepare_inside(REG | R | X | PENDING | PR); }
#define NO_COPY(name, field, change) TARGET_CAUSE(name, field, MISMATCH, change)

TEST(rows_eacceptcopy)
{
    LEAF ("EACCEPTCOPY", prepare_eacceptcopy, run_eacceptcopy) {
        MODE_CAUSES;
        PLACE_CAUSES(SECINFO, rbx, 32);
        PLACE_CAUSES(TARGET, rcx, 2048);
        PLACE_CAUSES(SOURCE, rdx, 2048);
        WALK_CAUSES(SECINFO, L_INFO, 0);
        WALK_CAUSES(TARGET, L_FREE, SGX_PFEC_W);
        CAUSE("target read-only", TOUCH(TARGET, F_PTE), PFU(AT(L_FREE), SGX_PFEC_U | SGX_PFEC_W | SGX_PFEC_P),
              vm.ptes[L_FREE].writable = false);
        WALK_CAUSES(SOURCE, L_DATA, 0);
        EPCM_CAUSES(SECINFO, L_INFO, P_INFO, r, CODE_PFX);
        INFO_RESERVED_CAUSES;
        BAD_FLAGS(REG | W);
        BAD_FLAGS(TCS | R);
        BAD_FLAGS(TRIM | R);
        BAD_FLAGS(SGX_SECINFO_PT(SGX_PT_SECS) | R);
        EPCM_CAUSES(SOURCE, L_DATA, P_DATA, r, CODE_PFX);
        NO_COPY("invalid", F_VALID, target()->valid = false);
        NO_COPY("not pending", F_PENDING, target()->pending = false);
        NO_COPY("modified", F_MODIFIED, target()->modified = true);
        NO_COPY("blocked", F_BLOCKED, target()->blocked = true);
        NO_COPY("a TCS", F_TYPE, target()->type = SGX_PT_TCS);
        NO_COPY("of another enclave", F_OWNER, target()->secs = 9);
        NO_COPY("without R", F_RIGHT, target()->r = false);
        NO_COPY("without W", F_RIGHT, target()->w = false);
        NO_COPY("with X", F_RIGHT, target()->x = true);
        NO_COPY("elsewhere", F_PLACE, target()->linaddr += 4096);
    }
}

static void prepare_emodpe(void)
{
    prepare_inside(REG | R | W | PENDING);
    run_eaccept();
    secinfo_at(TRIM | X | PENDING | MODIFIED); // the type and the state bits are ignored
}

TEST(rows_emodpe)
{
    LEAF ("EMODPE", prepare_emodpe, run_emodpe) {
        MODE_CAUSES;
        PLACE_CAUSES(SECINFO, rbx, 32);
        PLACE_CAUSES(TARGET, rcx, 2048);
        WALK_CAUSES(SECINFO, L_INFO, 0);
        WALK_CAUSES(TARGET, L_FREE, 0);
        EPCM_CAUSES(SECINFO, L_INFO, P_INFO, r, CODE_PFX);
        INFO_RESERVED_CAUSES;
        TARGET_CAUSE("invalid", F_VALID, TARGET_PF, target()->valid = false);
        TARGET_CAUSE("pending", F_PENDING, TARGET_PF, target()->pending = true);
        TARGET_CAUSE("modified", F_MODIFIED, TARGET_PF, target()->modified = true);
        TARGET_CAUSE("blocked", F_BLOCKED, TARGET_PF, target()->blocked = true);
        TARGET_CAUSE("a TCS", F_TYPE, TARGET_PF, target()->type = SGX_PT_TCS);
        TARGET_CAUSE("TRIM", F_TYPE, TARGET_PF, target()->type = SGX_PT_TRIM);
        TARGET_CAUSE("of another enclave", F_OWNER, TARGET_PF, target()->secs = 9);
        TARGET_CAUSE("elsewhere", F_PLACE, TARGET_PF, target()->linaddr += 4096);
        CAUSE("W to a page without R", TOUCH(SECINFO, F_DATA) | TOUCH(TARGET, F_RIGHT), GP,
              (target()->r = false, info()->flags = REG | W));
    }
}

enum { OUT = L_SSA + 1, P_OUT = P_SSA1 }; // the frame that is not in use
#define WRITE_PFX (CODE_PFX | SGX_PFEC_W)

static void prepare_ereport(void)
{
    rows_built();
    op.rbx = AT(L_INFO) + 512;
    op.rcx = AT(L_DATA) + 128;
    op.rdx = AT(OUT) + 1024;
    enter(0);
}
static struct sgx_result run_ereport(void) { return enclu(0, ENCLU_EREPORT, op.rbx, op.rcx, op.rdx); }
#define OUTSIDE_CAUSE CAUSE("outside", TOUCH(MODE, F_DATA), GP, leave(0))

TEST(rows_ereport)
{
    LEAF ("EREPORT", prepare_ereport, run_ereport) {
        OUTSIDE_CAUSE;
        PLACE_CAUSES(SECINFO, rbx, 256);
        WALK_CAUSES(SECINFO, L_INFO, 0);
        EPCM_CAUSES(SECINFO, L_INFO, P_INFO, r, CODE_PFX);
        PLACE_CAUSES(TARGET, rcx, 64);
        WALK_CAUSES(TARGET, L_DATA, 0);
        EPCM_CAUSES(TARGET, L_DATA, P_DATA, r, CODE_PFX);
        PLACE_CAUSES(SOURCE, rdx, 256);
        WALK_CAUSES(SOURCE, OUT, SGX_PFEC_W);
        EPCM_CAUSES(SOURCE, OUT, P_OUT, w, WRITE_PFX);
    }
}

static struct sgx_keyrequest *request(void) { return (struct sgx_keyrequest *)(void *)vm.pages[P_INFO]; }
static void prepare_egetkey(void)
{
    rows_built();
    op.rbx = AT(L_INFO);
    op.rcx = AT(OUT) + 48;
    *request() = (struct sgx_keyrequest){ .keyname = SGX_KEYSELECT_SEAL, .keypolicy = SGX_KEYPOLICY_MRSIGNER };
    memcpy(request()->cpusvn, vm.model.cpusvn, 16);
    enter(0);
}
static struct sgx_result run_egetkey(void) { return enclu(0, ENCLU_EGETKEY, op.rbx, op.rcx, 0); }
#define BAD_POLICY(bits) CAUSE("KEYPOLICY " #bits, TOUCH(REQUEST, F_RIGHT), GP, request()->keypolicy = (bits))
#define NO_KEY(name, code) CAUSE(#name, TOUCH(REQUEST, F_TYPE), ERR(code), request()->keyname = name)

TEST(rows_egetkey)
{
    LEAF ("EGETKEY", prepare_egetkey, run_egetkey) {
        OUTSIDE_CAUSE;
        PLACE_CAUSES(SECINFO, rbx, 256);
        WALK_CAUSES(SECINFO, L_INFO, 0);
        EPCM_CAUSES(SECINFO, L_INFO, P_INFO, r, CODE_PFX);
        PLACE_CAUSES(TARGET, rcx, 8);
        WALK_CAUSES(TARGET, OUT, SGX_PFEC_W);
        EPCM_CAUSES(TARGET, OUT, P_OUT, w, WRITE_PFX);
        CAUSE("reserved 1", TOUCH(REQUEST, F_DATA), GP, request()->reserved1 = 1);
        CAUSE("reserved 2", TOUCH(REQUEST, F_DATA), GP, request()->reserved2[433] = 1);
        CAUSE("CET mask", TOUCH(REQUEST, F_DATA), GP, request()->cet_attributes_mask = 1);
        BAD_POLICY(1 << 6);
        BAD_POLICY(1 << 15);
        BAD_POLICY(SGX_KEYPOLICY_NOISVPRODID);
        BAD_POLICY(SGX_KEYPOLICY_CONFIGID);
        BAD_POLICY(SGX_KEYPOLICY_ISVFAMILYID);
        BAD_POLICY(SGX_KEYPOLICY_ISVEXTPRODID);
        CAUSE("CONFIGSVN without KSS", TOUCH(REQUEST, F_PLACE), GP, request()->configsvn = 1);
        NO_KEY(5, SGX_INVALID_KEYNAME);
        NO_KEY(0x104, SGX_INVALID_KEYNAME);
        NO_KEY(SGX_KEYSELECT_EINITTOKEN, SGX_INVALID_ATTRIBUTE);
        NO_KEY(SGX_KEYSELECT_PROVISION, SGX_INVALID_ATTRIBUTE);
        NO_KEY(SGX_KEYSELECT_PROVISION_SEAL, SGX_INVALID_ATTRIBUTE);
        CAUSE("EINITTOKEN for another signer", TOUCH(REQUEST, F_TYPE), ERR(SGX_INVALID_ATTRIBUTE),
              (request()->keyname = SGX_KEYSELECT_EINITTOKEN, vm.model.lepubkeyhash[0] ^= 1,
               secs_of(&vm.model, P_SECS)->attributes.flags |= SGX_ATTR_EINITTOKEN_KEY));
        CAUSE("CPUSVN above", TOUCH(REQUEST, F_OTHER), ERR(SGX_INVALID_CPUSVN), request()->cpusvn[15]++);
        CAUSE("CPUSVN of another maker", TOUCH(REQUEST, F_OTHER), ERR(SGX_INVALID_CPUSVN), request()->cpusvn[0] ^= 1);
        CAUSE("ISVSVN above", TOUCH(REQUEST, F_OWNER), ERR(SGX_INVALID_ISVSVN), request()->isvsvn = 6);
    }
}

// CONFIGSVN is checked for the seal key alone; the report key is given to anyone, whatever the request says.
TEST(configsvn_and_report_key)
{
    machine_init(true);
    build(SGX_ATTR_KSS | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN_KEY);
    memset(&op, 0, sizeof(op));
    op.rbx = AT(L_INFO), op.rcx = AT(OUT);
    enter(0);
    for (u16 name = SGX_KEYSELECT_EINITTOKEN; name <= SGX_KEYSELECT_SEAL; name++) {
        *request() = (struct sgx_keyrequest){ .keyname = name, .configsvn = 1 };
        memcpy(request()->cpusvn, vm.model.cpusvn, 16);
        struct sgx_result r = run_egetkey();
        CHECK(name == SGX_KEYSELECT_SEAL ? IS_ERROR(r, SGX_INVALID_ISVSVN) : IS_OK(r));
    }
    *request() = (struct sgx_keyrequest){ .keyname = SGX_KEYSELECT_REPORT, .isvsvn = 999, .configsvn = 999 };
    CHECK(IS_OK(run_egetkey()));
}
