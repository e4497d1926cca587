// SPDX-License-Identifier: BSD-3-Clause
// EENTER, EEXIT, ERESUME, AEX, access checks.
#include "model_fixture.h"

#include "model/internal.h"

#include <string.h>

static struct sgx_tcs *tcs(void) { return (struct sgx_tcs *)(void *)vm.pages[P_TCS]; }
static struct sgx_gprsgx *gprsgx(u32 page) { return (struct sgx_gprsgx *)(void *)(vm.pages[page] + 4096 - 184); }
static struct sgx_exinfo *exinfo(u32 page) { return (struct sgx_exinfo *)(void *)(vm.pages[page] + 4096 - 200); }

static void prepare(void)
{
    machine_init(true);
    build(0);
}

TEST(eenter_state)
{
    prepare();
    struct sgx_cpu *c = &vm.cpu[0];
    c->gpr.rsp = 0x111, c->gpr.rbp = 0x222, c->gpr.rflags = 0x302;
    CHECK(IS_OK(enter(0)));
    CHECK(c->in_enclave && !c->debug_optin);
    CHECK_EQ(c->gpr.rip, LIN(L_CODE) + 0x10);
    CHECK_EQ(c->gpr.rax, 0);
    CHECK_EQ(c->gpr.rcx, 0x4003);
    CHECK_EQ(c->gpr.rflags, 0x202);
    CHECK_EQ(c->fs_base, LIN(L_DATA));
    CHECK_EQ(c->gs_base, LIN(L_DATA));
    CHECK_EQ(gprsgx(P_SSA0)->ursp, 0x111);
    CHECK_EQ(gprsgx(P_SSA0)->urbp, 0x222);
    CHECK_EQ(tcs()->stage, 1);
    CHECK_EQ(sgx_threads_inside(&vm.model, P_SECS), 1);
    CHECK(IS_GP(enter(0)));
    CHECK(IS_GP(resume(0)));
    CHECK(IS_GP(enter(1))); // TCS busy
    CHECK(IS_GP(enclu(0, ENCLU_EEXIT, 1ull << 60, 0, 0)));
    c->gpr.rsp = 0x333;
    CHECK(IS_OK(leave(0)));
    CHECK_EQ(c->gpr.rip, 0x4003);
    CHECK_EQ(c->gpr.rcx, 0x5000);
    CHECK_EQ(c->gpr.rsp, 0x333);
    CHECK_EQ(c->gpr.rflags, 0x302);
    CHECK_EQ(c->fs_base, 0xf5);
    CHECK_EQ(c->gs_base, 0x65);
    CHECK(!c->in_enclave && tcs()->stage == 0);
    CHECK_EQ(sgx_threads_inside(&vm.model, P_SECS), 0);
    CHECK_EQ(vm.model.count.enclu[ENCLU_EENTER], 3);
    CHECK_EQ(vm.model.count.enclu_failed[ENCLU_EENTER], 2);
}

TEST(debug_optin_keeps_single_step)
{
    prepare();
    tcs()->flags = SGX_TCS_DBGOPTIN;
    vm.cpu[0].gpr.rflags = 0x302;
    CHECK(IS_OK(enter(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags, 0x302);
}

// Each line breaks one thing that EENTER looks at; ERESUME looks at it too.
#define BAD_ENTRY(name, change, check)                                         \
    TEST(entry_##name)                                                         \
    {                                                                          \
        prepare();                                                             \
        CHECK(IS_OK(enter(0)));                                                \
        sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);               \
        CHECK_EQ(tcs()->cssa, 1);                                              \
        struct sgx_result r;                                                   \
        change;                                                                \
        r = enter(0);                                                          \
        CHECK(check);                                                          \
        r = resume(0);                                                         \
        CHECK(check);                                                          \
        CHECK(!vm.cpu[0].in_enclave && tcs()->stage == 0 && tcs()->cssa == 1); \
    }
BAD_ENTRY(absent, vm.ptes[L_TCS].present = false, IS_PF(r, LIN(L_TCS), SGX_PFEC_U))
BAD_ENTRY(not_epc, vm.ptes[L_TCS].is_epc = false, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(invalid, vm.epcm[P_TCS].valid = false, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(blocked, vm.epcm[P_TCS].blocked = true, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(not_tcs, vm.epcm[P_TCS].type = SGX_PT_REG, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(elsewhere, vm.epcm[P_TCS].linaddr += 4096, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(pending, vm.epcm[P_TCS].pending = true, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(modified, vm.epcm[P_TCS].modified = true, IS_PF(r, LIN(L_TCS), CODE_PFX))
BAD_ENTRY(not_init, secs_of(&vm.model, P_SECS)->attributes.flags &= ~SGX_ATTR_INIT, IS_GP(r))
BAD_ENTRY(mode32, secs_of(&vm.model, P_SECS)->attributes.flags &= ~SGX_ATTR_MODE64BIT, IS_GP(r))
BAD_ENTRY(xcr0, vm.cpu[0].xcr0 = 3, IS_GP(r))
BAD_ENTRY(flags, tcs()->flags = 8, IS_GP(r))
BAD_ENTRY(ossa_unaligned, tcs()->ossa += 8, IS_GP(r))
BAD_ENTRY(ofsbase_unaligned, tcs()->ofsbase += 8, IS_GP(r))
BAD_ENTRY(ogsbase_unaligned, tcs()->ogsbase += 8, IS_GP(r))
BAD_ENTRY(ssa_outside, tcs()->ossa = ENCLAVE_PAGES * 4096,
          r.vector == SGX_PF && r.fault_code == (SGX_PFEC_U | SGX_PFEC_W))
BAD_ENTRY(ssa_absent, (vm.ptes[L_SSA].present = vm.ptes[L_SSA + 1].present = false),
          r.vector == SGX_PF && r.fault_code == (SGX_PFEC_U | SGX_PFEC_W))
BAD_ENTRY(ssa_pte_read_only, (vm.ptes[L_SSA].writable = vm.ptes[L_SSA + 1].writable = false),
          r.vector == SGX_PF && r.fault_code == (SGX_PFEC_U | SGX_PFEC_W | SGX_PFEC_P))
BAD_ENTRY(ssa_not_writable, (vm.epcm[P_SSA0].w = vm.epcm[P_SSA1].w = false),
          r.vector == SGX_PF && r.fault_code & SGX_PFEC_SGX)
BAD_ENTRY(ssa_not_readable, (vm.epcm[P_SSA0].r = vm.epcm[P_SSA1].r = false),
          r.vector == SGX_PF && r.fault_code & SGX_PFEC_SGX)
BAD_ENTRY(ssa_pending, (vm.epcm[P_SSA0].pending = vm.epcm[P_SSA1].pending = true), r.vector == SGX_PF)
BAD_ENTRY(ssa_modified, (vm.epcm[P_SSA0].modified = vm.epcm[P_SSA1].modified = true), r.vector == SGX_PF)
BAD_ENTRY(ssa_blocked, (vm.epcm[P_SSA0].blocked = vm.epcm[P_SSA1].blocked = true), r.vector == SGX_PF)
BAD_ENTRY(ssa_is_tcs, (vm.epcm[P_SSA0].type = vm.epcm[P_SSA1].type = SGX_PT_TCS), r.vector == SGX_PF)

TEST(entry_operands)
{
    prepare();
    CHECK(IS_GP(enclu(0, ENCLU_EENTER, LIN(L_TCS) + 8, 0x5000, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EENTER, LIN(L_TCS), 1ull << 60, 0)));
    CHECK(IS_GP(resume(0))); // CSSA is 0
    CHECK(IS_PF(enclu(0, ENCLU_EENTER, LIN(L_DATA), 0x5000, 0), LIN(L_DATA), CODE_PFX));
}

// ERESUME takes FS and GS from the SSA, not from the TCS, and needs no free frame.
TEST(eenter_alone_looks_at_bases_and_nssa)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    tcs()->ofsbase = 1ull << 60;
    CHECK(IS_GP(enter(1)));
    tcs()->ofsbase = 0, tcs()->ogsbase = 1ull << 60;
    CHECK(IS_GP(enter(1)));
    tcs()->ogsbase = 0, tcs()->nssa = 1;
    CHECK(IS_GP(enter(1)));
    tcs()->nssa = 0, tcs()->ogsbase = 1ull << 60;
    CHECK(IS_OK(resume(1)));
}

TEST(ssa_stack_is_bounded)
{
    prepare();
    for (u32 i = 0; i < 2; i++) {
        CHECK(IS_OK(enter(0)));
        CHECK_EQ(vm.cpu[0].gpr.rax, i);
        sgx_aex(&vm.model, &vm.cpu[0], SGX_UD, 0, 0);
    }
    CHECK(IS_GP(enter(0)));
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(tcs()->cssa, 1);
}

static void fill_registers(struct sgx_cpu *c)
{
    for (u32 i = 0; i < 16; i++)
        ((u64 *)&c->gpr)[i] = 0x1111111111111111ull * (i + 1);
    c->gpr.rflags = 0x40ad7;
    c->gpr.rip = LIN(L_CODE) + 0x123;
    c->fs_base = 0xf5f5, c->gs_base = 0x6565;
    for (u32 i = 0; i < XSAVE_SIZE; i++)
        c->xsave[i] = (u8)(i * 7 + 1);
    memset(c->xsave + 512, 0, 64);
    c->xsave[512] = 7;
    c->xsave[26] = c->xsave[27] = 0; // MXCSR's upper half
}

TEST(aex_saves_all_and_eresume_restores_it)
{
    prepare();
    struct sgx_cpu *c = &vm.cpu[0];
    c->gpr.rsp = 0x7000, c->gpr.rbp = 0x7100;
    CHECK(IS_OK(enter(0)));
    fill_registers(c);
    struct sgx_gpr before = c->gpr;
    u8 xsave[XSAVE_SIZE];
    memcpy(xsave, c->xsave, XSAVE_SIZE);
    sgx_aex(&vm.model, c, SGX_AEX_INTERRUPT, 0, 0);
    CHECK(memcmp(gprsgx(P_SSA0), &before, sizeof(before)) == 0);
    CHECK_EQ(gprsgx(P_SSA0)->fsbase, 0xf5f5);
    CHECK_EQ(gprsgx(P_SSA0)->gsbase, 0x6565);
    CHECK_EQ(gprsgx(P_SSA0)->exitinfo, 0);
    CHECK(memcmp(vm.pages[P_SSA0], xsave, 464) == 0);
    CHECK(all_zero(vm.pages[P_SSA0] + 464, 48));
    CHECK(memcmp(vm.pages[P_SSA0] + 512, xsave + 512, XSAVE_SIZE - 512) == 0);
    // The synthetic state
    struct sgx_gpr want = {
        .rax = 3, .rbx = LIN(L_TCS), .rcx = 0x5000, .rsp = 0x7000, .rbp = 0x7100, .rip = 0x5000, .rflags = 0x40202
    };
    CHECK(memcmp(&c->gpr, &want, sizeof(want)) == 0);
    CHECK_EQ(c->fs_base, 0xf5);
    CHECK_EQ(c->gs_base, 0x65);
    CHECK_EQ(c->xsave[0] | c->xsave[1] << 8, 0x37f);
    CHECK_EQ(c->xsave[24] | c->xsave[25] << 8, 0x1f80);
    CHECK(all_zero(c->xsave + 32, 432) && all_zero(c->xsave + 576, 256));
    CHECK(!c->in_enclave && tcs()->stage == 0 && tcs()->cssa == 1);
    CHECK_EQ(vm.model.count.aex[32], 1);
    CHECK_EQ(vm.last_event.kind, SGX_EVENT_AEX);

    c->gpr.rflags = 0x202, c->gpr.rsp = 0x8000;
    CHECK(IS_OK(resume(0)));
    u64 rflags = c->gpr.rflags;
    before.rflags = rflags;
    CHECK_EQ(rflags & 0x40cd5, 0x408d5);
    CHECK(memcmp(&c->gpr, &before, sizeof(before)) == 0);
    CHECK_EQ(c->fs_base, 0xf5f5);
    CHECK_EQ(c->gs_base, 0x6565);
    CHECK(memcmp(c->xsave, xsave, 464) == 0 && memcmp(c->xsave + 512, xsave + 512, XSAVE_SIZE - 512) == 0);
    CHECK_EQ(tcs()->cssa, 0);
    CHECK_EQ(gprsgx(P_SSA0)->ursp, 0x7000); // saved by EENTER only
}

TEST(exitinfo)
{
    static const struct {
        u32 vector, info;
    } rows[] = { { 0, 0x80000300 },  { 1, 0x80000301 }, { 2, 0 },           { 3, 0x80000603 },  { 4, 0 },
                 { 5, 0x80000305 },  { 6, 0x80000306 }, { 7, 0 },           { 8, 0 },           { 10, 0 },
                 { 11, 0 },          { 12, 0 },         { 13, 0x8000030d }, { 14, 0x8000030e }, { 16, 0x80000310 },
                 { 17, 0x80000311 }, { 18, 0 },         { 19, 0x80000313 }, { 32, 0 } };
    for (u32 i = 0; i < ARRAY_SIZE(rows); i++) {
        prepare();
        CHECK(IS_OK(enter(0)));
        sgx_aex(&vm.model, &vm.cpu[0], rows[i].vector, 0x8007, LIN(L_DATA) + 0x123);
        CHECK_EQ(gprsgx(P_SSA0)->exitinfo, rows[i].info);
        CHECK_EQ(vm.model.count.aex[rows[i].vector], 1);
        CHECK_EQ(exinfo(P_SSA0)->maddr, rows[i].vector == 14 ? LIN(L_DATA) + 0x123 : 0);
        CHECK_EQ(exinfo(P_SSA0)->errcd, rows[i].vector == 14 || rows[i].vector == 13 ? 0x8007 : 0);
    }
}

TEST(no_exinfo_without_miscselect)
{
    machine_init(false);
    build(0);
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_PF, 7, LIN(L_DATA));
    CHECK_EQ(gprsgx(P_SSA0)->exitinfo, 0);
    CHECK_EQ(exinfo(P_SSA0)->maddr, 0);
}

#define BAD_RESUME(name, change)                                 \
    TEST(eresume_##name)                                         \
    {                                                            \
        prepare();                                               \
        CHECK(IS_OK(enter(0)));                                  \
        sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0); \
        change;                                                  \
        CHECK(IS_GP(resume(0)));                                 \
        CHECK(!vm.cpu[0].in_enclave && tcs()->cssa == 1);        \
    }
BAD_RESUME(xstate_bv, vm.pages[P_SSA0][513] = 2)
BAD_RESUME(xcomp_bv, vm.pages[P_SSA0][520] = 1)
BAD_RESUME(xsave_byte_15, vm.pages[P_SSA0][527] = 1)
BAD_RESUME(xsave_byte_23, vm.pages[P_SSA0][535] = 1)
BAD_RESUME(mxcsr, vm.pages[P_SSA0][26] = 1)
BAD_RESUME(rip, gprsgx(P_SSA0)->rip = 1ull << 60)
BAD_RESUME(fsbase, gprsgx(P_SSA0)->fsbase = 1ull << 60)
BAD_RESUME(gsbase, gprsgx(P_SSA0)->gsbase = 1ull << 60)
BAD_RESUME(busy, tcs()->stage = 1)

// SDM 40.2.4 and 38.4: TF is saved as 0 and never taken from the SSA; IF with IOPL 3 only.
TEST(single_step_flag)
{
    prepare();
    tcs()->flags = SGX_TCS_DBGOPTIN;
    vm.cpu[0].gpr.rflags = 0x302;
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_DB, 0, 0);
    CHECK_EQ(gprsgx(P_SSA0)->rflags & 0x100, 0);
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x100, 0x100);
    vm.cpu[0].gpr.rflags = 0x202, gprsgx(P_SSA0)->rflags |= 0x100;
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x100, 0);
    sgx_aex(&vm.model, &vm.cpu[0], SGX_DB, 0, 0);
    vm.cpu[0].gpr.rflags = 0x302;
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x100, 0x100);
    sgx_aex(&vm.model, &vm.cpu[0], SGX_DB, 0, 0);
    gprsgx(P_SSA0)->rflags &= ~0x200ull, vm.cpu[0].gpr.rflags = 0x3202;
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x200, 0);
}

// After an opt-in entry TF is the enclave's own, also across an exit (SDM 40.2.4).
TEST(opted_in_single_step_is_not_restored)
{
    prepare();
    tcs()->flags = SGX_TCS_DBGOPTIN;
    vm.cpu[0].gpr.rflags = 0x202;
    CHECK(IS_OK(enter(0)));
    vm.cpu[0].gpr.rflags |= 0x100;
    sgx_aex(&vm.model, &vm.cpu[0], SGX_DB, 0, 0);
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x100, 0x100);
    vm.cpu[0].gpr.rflags = 0x302;
    CHECK(IS_OK(resume(0)));
    vm.cpu[0].gpr.rflags &= ~0x100ull;
    CHECK(IS_OK(leave(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags & 0x100, 0);
}

// SDM 39.7: inside, XCR0 is XFRM; an AEX saves no state beyond it.
TEST(xfrm_bounds_the_extended_state)
{
    prepare();
    secs_of(&vm.model, P_SECS)->attributes.xfrm = 3;
    vm.cpu[0].xcr0 = 0x207;
    CHECK(IS_OK(enter(0)));
    CHECK_EQ(vm.cpu[0].xcr0, 3);
    vm.xsave[0][512] = 7;
    memset(vm.xsave[0] + 576, 0x55, 256);
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    CHECK_EQ(vm.cpu[0].xcr0, 0x207);
    CHECK_EQ(vm.pages[P_SSA0][512], 3);
    CHECK(all_zero(vm.pages[P_SSA0] + 576, 256));
    // What XFRM leaves out is the application's all the time.
    CHECK_EQ(vm.xsave[0][512], 7);
    CHECK_EQ(vm.xsave[0][576], 0x55);
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(vm.xsave[0][512], 7);
    CHECK_EQ(vm.xsave[0][576 + 255], 0x55);
    CHECK(IS_OK(leave(0)));
    CHECK_EQ(vm.cpu[0].xcr0, 0x207);
}

// An AEX writes XSTATE_BV and the 16 bytes after it, nothing else of the header, and not the bytes left to software.
TEST(aex_keeps_what_xsave_does_not_write)
{
    prepare();
    memset(vm.pages[P_SSA0] + 464, 0x99, 48 + 64);
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_UD, 0, 0);
    CHECK(all_zero(vm.pages[P_SSA0] + 520, 16));
    CHECK_EQ(vm.pages[P_SSA0][464], 0x99);
    CHECK_EQ(vm.pages[P_SSA0][511], 0x99);
    CHECK_EQ(vm.pages[P_SSA0][536], 0x99);
    CHECK_EQ(vm.pages[P_SSA0][575], 0x99);
    CHECK(IS_OK(resume(0)));
}

TEST(aexnotify_must_agree)
{
    machine_init(true);
    vm.model.config.aex_notify = true;
    build(SGX_ATTR_AEXNOTIFY);
    CHECK(IS_GP(enter(0)));
    tcs()->flags = SGX_TCS_DBGOPTIN;
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_UD, 0, 0);
    tcs()->flags = 0;
    CHECK(IS_GP(resume(0)));
    tcs()->flags = SGX_TCS_AEXNOTIFY;
    CHECK(IS_OK(resume(0)));
}

TEST(eresume_does_not_take_system_flags)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    gprsgx(P_SSA0)->rflags = 0x3000 | 1 << 17 | 1 << 19 | 0x100; // IOPL, VM, VIF, TF
    vm.cpu[0].gpr.rflags = 0x202;
    CHECK(IS_OK(resume(0)));
    CHECK_EQ(vm.cpu[0].gpr.rflags, 0x202);
}

TEST(abandon_frees_the_tcs)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    sgx_abandon(&vm.model, &vm.cpu[0]);
    CHECK_EQ(sgx_threads_inside(&vm.model, P_SECS), 0);
    CHECK_EQ(tcs()->cssa, 0);
    CHECK(IS_OK(enter(1)));
}

TEST(leaf_numbers_and_modes)
{
    prepare();
    const u64 inside[] = { ENCLU_EREPORT, ENCLU_EGETKEY, ENCLU_EEXIT, ENCLU_EACCEPT, ENCLU_EMODPE, ENCLU_EACCEPTCOPY };
    for (u32 i = 0; i < ARRAY_SIZE(inside); i++)
        CHECK(IS_GP(enclu(0, inside[i], 0, 0, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EVERIFYREPORT2, 0, 0, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EDECCSSA, 0, 0, 0)));
    CHECK(IS_GP(enclu(0, 10, 0, 0, 0)));
    CHECK(IS_GP(enclu(0, 0xffffffff, 0, 0, 0)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_GP(enclu(0, ENCLU_EVERIFYREPORT2, 0, 0, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EDECCSSA, 0, 0, 0)));
}

TEST(edeccssa)
{
    prepare();
    vm.model.config.aex_notify = true;
    CHECK(IS_OK(enter(0)));
    CHECK(IS_GP(enclu(0, ENCLU_EDECCSSA, 0, 0, 0)));
    sgx_aex(&vm.model, &vm.cpu[0], SGX_AEX_INTERRUPT, 0, 0);
    gprsgx(P_SSA0)->ursp = 0x777;
    CHECK(IS_OK(enter(0)));
    CHECK_EQ(vm.cpu[0].ssa.last, P_SSA1);
    CHECK(IS_OK(enclu(0, ENCLU_EDECCSSA, 0, 0, 0)));
    CHECK_EQ(gprsgx(P_SSA0)->ursp, 0x777);
    CHECK_EQ(tcs()->cssa, 0);
    CHECK_EQ(vm.cpu[0].ssa.last, P_SSA0);
}

#define ACCESS(place, how) sgx_check_access(&vm.model, &vm.cpu[0], LIN(place) + 0x123, how)

TEST(access)
{
    prepare();
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(ACCESS(L_DATA, SGX_READ)));
    CHECK(IS_OK(ACCESS(L_DATA, SGX_WRITE)));
    CHECK(IS_PF(ACCESS(L_DATA, SGX_EXEC), LIN(L_DATA), CODE_PFX | SGX_PFEC_I));
    CHECK(IS_OK(ACCESS(L_CODE, SGX_EXEC)));
    CHECK(IS_PF(ACCESS(L_CODE, SGX_WRITE), LIN(L_CODE), CODE_PFX | SGX_PFEC_W));
    CHECK(IS_PF(ACCESS(L_TCS, SGX_READ), LIN(L_TCS), CODE_PFX));
    CHECK(IS_PF(ACCESS(L_FREE, SGX_READ), LIN(L_FREE), SGX_PFEC_U));
    CHECK(IS_PF(ACCESS(L_FREE, SGX_WRITE), LIN(L_FREE), SGX_PFEC_U | SGX_PFEC_W));
    vm.ptes[L_DATA].writable = false;
    CHECK(IS_PF(ACCESS(L_DATA, SGX_WRITE), LIN(L_DATA), SGX_PFEC_U | SGX_PFEC_W | SGX_PFEC_P));
    map(L_DATA, P_CODE); // the operating system lies about the place
    CHECK(IS_PF(ACCESS(L_DATA, SGX_READ), LIN(L_DATA), CODE_PFX));
    map(L_DATA, P_DATA);
    vm.ptes[L_DATA].is_epc = false;
    CHECK(IS_PF(ACCESS(L_DATA, SGX_READ), LIN(L_DATA), CODE_PFX));
    map(L_DATA, P_DATA);
    vm.epcm[P_DATA].secs = 9;
    CHECK(IS_PF(ACCESS(L_DATA, SGX_READ), LIN(L_DATA), CODE_PFX));
    vm.epcm[P_DATA].secs = P_SECS;
    CHECK(IS_OK(aug(P_FREE, L_FREE)));
    map(L_FREE, P_FREE);
    CHECK(IS_PF(ACCESS(L_FREE, SGX_WRITE), LIN(L_FREE), CODE_PFX | SGX_PFEC_W));
    CHECK(IS_GP(sgx_check_access(&vm.model, &vm.cpu[0], 0x4000, SGX_EXEC)));
    CHECK(IS_OK(leave(0)));
    struct sgx_result abort_page = ACCESS(L_DATA, SGX_READ);
    CHECK(!abort_page.vector && abort_page.cf);
}
