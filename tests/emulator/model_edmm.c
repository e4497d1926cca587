// SPDX-License-Identifier: BSD-3-Clause
// EAUG, EMODPR, EMODT, EACCEPT, EACCEPTCOPY, EMODPE.
#include "model_fixture.h"

#include "model/internal.h"

#include <string.h>

#define R SGX_SECINFO_R
#define W SGX_SECINFO_W
#define X SGX_SECINFO_X
#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define TCS SGX_SECINFO_PT(SGX_PT_TCS)
#define TRIM SGX_SECINFO_PT(SGX_PT_TRIM)
#define PENDING SGX_SECINFO_PENDING
#define MODIFIED SGX_SECINFO_MODIFIED
#define PR SGX_SECINFO_PR

static void prepare(void)
{
    machine_init(true);
    build(0);
    aug(P_FREE, L_FREE);
    map(L_FREE, P_FREE);
}

static struct sgx_result accept(u64 flags, u32 place)
{
    return enclu(0, ENCLU_EACCEPT, secinfo_at(flags), LIN(place), 0);
}
static struct sgx_result extend(u64 flags, u32 place)
{
    return enclu(0, ENCLU_EMODPE, secinfo_at(flags), LIN(place), 0);
}
static struct sgx_result copy(u64 flags, u32 to, u32 from)
{
    return enclu(0, ENCLU_EACCEPTCOPY, secinfo_at(flags), LIN(to), LIN(from));
}

TEST(eaug)
{
    machine_init(true);
    build(0);
    struct sgx_secinfo info = { .flags = REG };
    struct sgx_page_args args = { .linaddr = LIN(L_FREE), .secs = SECS_ADDRESS }, bad = args;
    CHECK(IS_GP(sgx_eaug(&vm.model, &args, EPC(P_FREE) + 1)));
    CHECK(IS_PF_EPC(sgx_eaug(&vm.model, &args, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    bad.linaddr++;
    CHECK(IS_GP(sgx_eaug(&vm.model, &bad, EPC(P_FREE))));
    bad = args, bad.secs++;
    CHECK(IS_GP(sgx_eaug(&vm.model, &bad, EPC(P_FREE))));
    bad = args, bad.srcpge = vm.pages[0];
    CHECK(IS_GP(sgx_eaug(&vm.model, &bad, EPC(P_FREE))));
    bad = args, bad.secinfo = &info;
    CHECK(IS_GP(sgx_eaug(&vm.model, &bad, EPC(P_FREE))));
    bad = args, bad.secs = EPC(P_DATA);
    CHECK(IS_PF_EPC(sgx_eaug(&vm.model, &bad, EPC(P_FREE)), EPC(P_DATA)));
    bad = args, bad.linaddr = LIN(ENCLAVE_PAGES);
    CHECK(IS_GP(sgx_eaug(&vm.model, &bad, EPC(P_FREE))));
    CHECK(IS_PF_EPC(sgx_eaug(&vm.model, &args, EPC(P_DATA)), EPC(P_DATA)));
    memset(vm.pages[P_FREE], 0xee, 4096);
    CHECK(IS_OK(sgx_eaug(&vm.model, &args, EPC(P_FREE))));
    CHECK(all_zero(vm.pages[P_FREE], 4096));
    CHECK_EQ(epcm_flags(&vm.epcm[P_FREE]), REG | R | W | PENDING);
    CHECK_EQ(sgx_epcm_rights(&vm.epcm[P_FREE]), 0);
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), 7);
}

TEST(before_einit)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    CHECK(IS_OK(create(&s)));
    CHECK(IS_OK(add(2, 0, REG | R | W, NULL)));
    CHECK(IS_GP(aug(3, 1)));
    CHECK(IS_GP(modpr(2, R)));
    CHECK(IS_GP(modt(2, TRIM)));
}

TEST(sgx1_has_none_of_it)
{
    machine_init(false);
    build(0);
    CHECK(IS_GP(aug(P_FREE, L_FREE)));
    CHECK(IS_GP(modpr(P_DATA, R)));
    CHECK(IS_GP(modt(P_DATA, TRIM)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_GP(accept(REG | R | W, L_DATA)));
    CHECK(IS_GP(copy(REG | R | W, L_DATA, L_CODE)));
    CHECK(IS_GP(extend(REG | R | W | X, L_DATA)));
}

TEST(emodpr)
{
    prepare();
    struct sgx_secinfo reserved = { .flags = R, .reserved[55] = 1 };
    CHECK(IS_GP(sgx_emodpr(&vm.model, &reserved, EPC(P_DATA))));
    CHECK(IS_GP(modpr(P_DATA, 1 << 7)));
    CHECK(IS_GP(modpr(P_DATA, W)));
    CHECK(IS_GP(sgx_emodpr(&vm.model, &(struct sgx_secinfo){ .flags = R }, EPC(P_DATA) + 1)));
    CHECK(IS_PF_EPC(modpr(EPC_PAGES, R), EPC(EPC_PAGES)));
    CHECK(IS_PF_EPC(modpr(P_FREE + 1, R), EPC(P_FREE + 1)));
    CHECK(IS_PF_EPC(modpr(P_TCS, R), EPC(P_TCS)));
    CHECK(IS_PF_EPC(modpr(P_SECS, R), EPC(P_SECS)));
    CHECK(IS_ERROR(modpr(P_FREE, R), SGX_PAGE_NOT_MODIFIABLE));
    CHECK(IS_OK(modpr(P_DATA, R | X)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), REG | R | PR);
    CHECK(IS_OK(modpr(P_CODE, R | W))); // takes away, never gives
    CHECK_EQ(epcm_flags(&vm.epcm[P_CODE]), REG | R | PR);
    CHECK(IS_OK(modpr(P_CODE, 0)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_CODE]), REG | PR);
    // TRIM not yet accepted: not modifiable; accepted: no page for EMODPR at all.
    CHECK(IS_OK(modt(P_DATA, TRIM)));
    CHECK(IS_ERROR(modpr(P_DATA, R), SGX_PAGE_NOT_MODIFIABLE));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(accept(TRIM | MODIFIED, L_DATA)));
    CHECK(IS_PF_EPC(modpr(P_DATA, R), EPC(P_DATA)));
}

TEST(emodt)
{
    prepare();
    struct sgx_secinfo reserved = { .flags = TRIM, .reserved[0] = 1 };
    CHECK(IS_GP(sgx_emodt(&vm.model, &reserved, EPC(P_DATA))));
    CHECK(IS_GP(modt(P_DATA, REG)));
    CHECK(IS_GP(modt(P_DATA, SGX_SECINFO_PT(SGX_PT_VA))));
    CHECK(IS_GP(sgx_emodt(&vm.model, &(struct sgx_secinfo){ .flags = TRIM }, EPC(P_DATA) + 1)));
    CHECK(IS_PF_EPC(modt(EPC_PAGES, TRIM), EPC(EPC_PAGES)));
    CHECK(IS_PF_EPC(modt(P_FREE + 1, TRIM), EPC(P_FREE + 1)));
    CHECK(IS_PF_EPC(modt(P_SECS, TRIM), EPC(P_SECS)));
    CHECK(IS_PF_EPC(modt(P_TCS, TCS), EPC(P_TCS)));
    CHECK(IS_ERROR(modt(P_FREE, TRIM), SGX_PAGE_NOT_MODIFIABLE));
    CHECK(IS_OK(modpr(P_DATA, R)));
    CHECK(IS_OK(modt(P_DATA, TCS)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), TCS | MODIFIED);
    CHECK(IS_ERROR(modt(P_DATA, TRIM), SGX_PAGE_NOT_MODIFIABLE));
    CHECK(IS_OK(modt(P_TCS, TRIM)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_TCS]), TRIM | MODIFIED);
}

TEST(eaccept_operands)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    u64 info = secinfo_at(REG | R | W | PENDING);
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPT, info + 8, LIN(L_FREE), 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPT, 0x4000, LIN(L_FREE), 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPT, info, LIN(L_FREE) + 8, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPT, info, LIN(ENCLAVE_PAGES), 0)));
    CHECK(IS_PF(enclu(0, ENCLU_EACCEPT, LIN(L_TCS), LIN(L_FREE), 0), LIN(L_TCS), CODE_PFX));
    CHECK(IS_PF(enclu(0, ENCLU_EACCEPT, LIN(L_FREE), LIN(L_FREE), 0), LIN(L_FREE), CODE_PFX));
    CHECK(IS_PF(enclu(0, ENCLU_EACCEPT, info, LIN(L_FREE + 1), 0), LIN(L_FREE + 1), SGX_PFEC_U));
    const u64 bad[] = { TRIM,
                        TCS,
                        TCS | PENDING,
                        TRIM | PENDING | MODIFIED,
                        SGX_SECINFO_PT(SGX_PT_VA),
                        0,
                        REG | 1 << 6,
                        REG | R | W,
                        REG | MODIFIED,
                        REG | R | W | PENDING | MODIFIED,
                        REG | R | PR | MODIFIED,
                        TCS | MODIFIED | PR,
                        TRIM | MODIFIED | PR };
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(IS_GP(accept(bad[i], L_FREE)));
    map(L_FREE, P_DATA); // the operating system lies about the place
    CHECK(IS_ERROR(accept(REG | R | W | PENDING, L_FREE), SGX_PAGE_ATTRIBUTES_MISMATCH));
    map(L_FREE, P_FREE);
    vm.epcm[P_FREE].blocked = true;
    CHECK(IS_PF(accept(REG | R | W | PENDING, L_FREE), LIN(L_FREE), CODE_PFX));
    vm.epcm[P_FREE].blocked = false;
    CHECK(vm.epcm[P_FREE].pending);
    u64 rip = vm.cpu[0].gpr.rip;
    CHECK(IS_OK(accept(REG | R | W | PENDING, L_FREE)));
    CHECK_EQ(vm.cpu[0].gpr.rip, rip + 3);
    CHECK_EQ(vm.cpu[0].gpr.rax, 0);
    CHECK_EQ(epcm_flags(&vm.epcm[P_FREE]), REG | R | W);
}

TEST(eaccept_mismatch)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    const u64 bad[] = { REG | R | W | PR,          REG | R | PENDING, REG | W | PENDING,
                        REG | R | W | X | PENDING, TCS | MODIFIED,    TRIM | MODIFIED };
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK(IS_ERROR(accept(bad[i], L_FREE), SGX_PAGE_ATTRIBUTES_MISMATCH));
        CHECK_EQ(vm.cpu[0].gpr.rax, SGX_PAGE_ATTRIBUTES_MISMATCH);
        CHECK(vm.cpu[0].gpr.rflags & 0x40);
        CHECK(vm.epcm[P_FREE].pending);
    }
    CHECK_EQ(vm.model.count.enclu_failed[ENCLU_EACCEPT], ARRAY_SIZE(bad));
    // PR is not compared.
    CHECK(IS_OK(accept(REG | R | W | PENDING | PR, L_FREE)));
    CHECK(IS_OK(accept(REG | R | W | PR, L_FREE)));
}

TEST(eaccept_needs_tracking)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(modpr(P_DATA, R)));
    CHECK(IS_ERROR(accept(REG | R | PR, L_DATA), SGX_NOT_TRACKED));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_ERROR(accept(REG | R | PR, L_DATA), SGX_NOT_TRACKED)); // this thread entered before
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(accept(REG | R | PR, L_DATA)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), REG | R);
}

TEST(emodt_needs_tracking)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(modt(P_DATA, TRIM)));
    CHECK(IS_ERROR(accept(TRIM | MODIFIED, L_DATA), SGX_NOT_TRACKED));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_ERROR(accept(TRIM | MODIFIED, L_DATA), SGX_NOT_TRACKED));
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(accept(TRIM | MODIFIED, L_DATA)));
}

TEST(trim_life)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(modt(P_DATA, TRIM)));
    CHECK(IS_ERROR(sgx_eremove(&vm.model, EPC(P_DATA)), SGX_ENCLAVE_ACT)); // still in use by this thread's TLB
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(accept(TRIM | MODIFIED, L_DATA)));
    CHECK(!vm.epcm[P_DATA].modified);
    CHECK_EQ(sgx_epcm_rights(&vm.epcm[P_DATA]), 0);
    CHECK(IS_OK(sgx_eremove(&vm.model, EPC(P_DATA))));
    CHECK(IS_OK(aug(P_DATA, L_DATA)));
    CHECK(IS_OK(accept(REG | R | W | PENDING, L_DATA)));
}

TEST(new_tcs)
{
    prepare();
    struct sgx_tcs t;
    memcpy(&t, vm.pages[P_TCS], sizeof(t));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(accept(REG | R | W | PENDING, L_FREE)));
    memcpy(vm.pages[P_FREE], &t, sizeof(t));
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(modt(P_FREE, TCS)));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_PF(enclu(1, ENCLU_EENTER, LIN(L_FREE), 0x5000, 0), LIN(L_FREE), CODE_PFX)); // not accepted
    CHECK(IS_OK(enter(0)));
    // What the enclave wrote must be an idle TCS.
    for (u32 i = 0; i < 7; i++) {
        struct sgx_tcs bad = t;
        switch (i) {
        case 0:
            bad.reserved[4007] = 1;
            break;
        case 1:
            bad.flags = SGX_TCS_DBGOPTIN;
            break;
        case 2:
            bad.cssa = bad.nssa;
            break;
        case 3:
            bad.aep = 4;
            break;
        case 4:
            bad.stage = 1;
            break;
        case 5:
            bad.nssa = 0;
            break;
        default:
            bad.flags = 4;
        }
        memcpy(vm.pages[P_FREE], &bad, sizeof(bad));
        CHECK(IS_GP(accept(TCS | MODIFIED, L_FREE)));
        CHECK(vm.epcm[P_FREE].modified);
    }
    t.cssa = 1;
    memcpy(vm.pages[P_FREE], &t, sizeof(t));
    CHECK(IS_OK(accept(TCS | MODIFIED, L_FREE)));
    memcpy(&t, vm.pages[P_FREE], sizeof(t));
    CHECK_EQ(t.cssa, 0);
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(enclu(1, ENCLU_EENTER, LIN(L_FREE), 0x5000, 0)));
}

TEST(eacceptcopy)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    u64 info = secinfo_at(REG | R | X);
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPTCOPY, info, LIN(L_FREE) + 8, LIN(L_DATA))));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPTCOPY, info, LIN(L_FREE), LIN(L_DATA) + 8)));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPTCOPY, info, LIN(ENCLAVE_PAGES), LIN(L_DATA))));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPTCOPY, info, LIN(L_FREE), 0x4000)));
    CHECK(IS_GP(enclu(0, ENCLU_EACCEPTCOPY, info + 32, LIN(L_FREE), LIN(L_DATA))));
    const u64 bad[] = { TCS, TRIM, REG | W, REG | 1 << 6 };
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(IS_GP(copy(bad[i], L_FREE, L_DATA)));
    CHECK(IS_PF(copy(REG | R, L_FREE, L_TCS), LIN(L_TCS), CODE_PFX));
    CHECK(IS_PF(copy(REG | R, L_FREE + 1, L_DATA), LIN(L_FREE + 1), SGX_PFEC_U | SGX_PFEC_W));
    CHECK(IS_ERROR(copy(REG | R, L_CODE, L_DATA), SGX_PAGE_ATTRIBUTES_MISMATCH));
    CHECK(IS_ERROR(copy(REG | R, L_TCS, L_DATA), SGX_PAGE_ATTRIBUTES_MISMATCH));
    memset(vm.pages[P_DATA], 0x42, 4096);
    CHECK(IS_OK(copy(REG | R | X | PENDING | MODIFIED | PR, L_FREE, L_DATA))); // the state bits are not looked at
    CHECK(memcmp(vm.pages[P_FREE], vm.pages[P_DATA], 4096) == 0);
    CHECK_EQ(epcm_flags(&vm.epcm[P_FREE]), REG | R | X);
}

TEST(emodpe)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    u64 info = secinfo_at(REG | R | W | X);
    CHECK(IS_GP(enclu(0, ENCLU_EMODPE, info + 8, LIN(L_DATA), 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EMODPE, info, LIN(L_DATA) + 8, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EMODPE, info, LIN(ENCLAVE_PAGES), 0)));
    CHECK(IS_GP(extend(REG | 1 << 6, L_DATA)));
    CHECK(IS_PF(extend(REG | X, L_FREE), LIN(L_FREE), CODE_PFX));
    CHECK(IS_PF(extend(REG | X, L_TCS), LIN(L_TCS), CODE_PFX));
    CHECK(IS_PF(extend(REG | X, L_FREE + 1), LIN(L_FREE + 1), SGX_PFEC_U));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), REG | R | W);
    CHECK(IS_OK(extend(REG | X, L_DATA)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), REG | R | W | X);
    CHECK(IS_OK(modpr(P_DATA, 0)));
    CHECK(IS_GP(extend(REG | W, L_DATA)));
    CHECK(IS_OK(extend(REG | R | W, L_DATA)));
    CHECK_EQ(epcm_flags(&vm.epcm[P_DATA]), REG | R | W | PR);
}
