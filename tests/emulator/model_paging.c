// SPDX-License-Identifier: BSD-3-Clause
// EBLOCK, ETRACK, EPA, EWB, ELDU, ELDB.
#include "model_fixture.h"

#include "model/internal.h"

#include <string.h>

static u8 swap[4096] __attribute__((aligned(4096)));
static struct sgx_pcmd pcmd;

static struct sgx_result ewb(u32 page, u32 slot, struct sgx_page_args *args)
{
    *args = (struct sgx_page_args){ .srcpge = swap, .pcmd = &pcmd };
    return sgx_ewb(&vm.model, args, EPC(page), EPC(P_VA) + slot * 8);
}

static struct sgx_result eld(u32 page, u32 slot, const struct sgx_page_args *args, u64 secs, bool blocked)
{
    struct sgx_page_args a = *args;
    a.secs = secs;
    return sgx_eld(&vm.model, &a, EPC(page), EPC(P_VA) + slot * 8, blocked);
}

static void prepare(void)
{
    machine_init(true);
    build(0);
    sgx_epa(&vm.model, SGX_PT_VA, EPC(P_VA));
}

TEST(epa)
{
    machine_init(true);
    CHECK(IS_GP(sgx_epa(&vm.model, SGX_PT_REG, EPC(P_VA))));
    CHECK(IS_GP(sgx_epa(&vm.model, SGX_PT_VA, EPC(P_VA) + 8)));
    CHECK(IS_PF_EPC(sgx_epa(&vm.model, SGX_PT_VA, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_OK(sgx_epa(&vm.model, SGX_PT_VA, EPC(P_VA))));
    CHECK(vm.epcm[P_VA].valid && vm.epcm[P_VA].type == SGX_PT_VA);
    CHECK(IS_PF_EPC(sgx_epa(&vm.model, SGX_PT_VA, EPC(P_VA)), EPC(P_VA)));
}

TEST(eblock)
{
    prepare();
    CHECK(IS_GP(sgx_eblock(&vm.model, EPC(P_DATA) + 1)));
    CHECK(IS_PF_EPC(sgx_eblock(&vm.model, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_ERROR(sgx_eblock(&vm.model, EPC(P_FREE)), SGX_PG_INVLD));
    CHECK(IS_TOLD(sgx_eblock(&vm.model, SECS_ADDRESS), SGX_PG_IS_SECS));
    CHECK(IS_TOLD(sgx_eblock(&vm.model, EPC(P_VA)), SGX_NOTBLOCKABLE));
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(vm.epcm[P_DATA].blocked);
    struct sgx_result again = sgx_eblock(&vm.model, EPC(P_DATA));
    CHECK(again.cf && !again.zf && again.rax == SGX_BLKSTATE);
    CHECK_EQ(sgx_epcm_rights(&vm.epcm[P_DATA]), 0);
}

TEST(etrack)
{
    prepare();
    CHECK(IS_GP(sgx_etrack(&vm.model, SECS_ADDRESS + 1)));
    CHECK(IS_PF_EPC(sgx_etrack(&vm.model, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_PF_EPC(sgx_etrack(&vm.model, EPC(P_FREE)), EPC(P_FREE)));
    CHECK(IS_PF_EPC(sgx_etrack(&vm.model, EPC(P_DATA)), EPC(P_DATA)));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_ERROR(sgx_etrack(&vm.model, SECS_ADDRESS), SGX_PREV_TRK_INCMPL));
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
}

TEST(ewb_operands)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    args = (struct sgx_page_args){ .srcpge = swap, .pcmd = &pcmd };
    CHECK(IS_GP(sgx_ewb(&vm.model, &args, EPC(P_DATA) + 1, EPC(P_VA))));
    CHECK(IS_GP(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(P_VA) + 4)));
    CHECK(IS_PF_EPC(sgx_ewb(&vm.model, &args, EPC(EPC_PAGES), EPC(P_VA)), EPC(EPC_PAGES)));
    CHECK(IS_PF_EPC(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_GP(sgx_ewb(&vm.model, &args, EPC(P_VA), EPC(P_VA) + 8)));
    CHECK(IS_PF_EPC(sgx_ewb(&vm.model, &args, EPC(P_FREE), EPC(P_VA)), EPC(P_FREE)));
    CHECK(IS_PF_EPC(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(P_CODE)), EPC(P_CODE)));
    CHECK(IS_PF_EPC(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(P_FREE)), EPC(P_FREE)));
    args.linaddr = 1;
    CHECK(IS_GP(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(P_VA))));
    args.linaddr = 0, args.secs = SECS_ADDRESS;
    CHECK(IS_GP(sgx_ewb(&vm.model, &args, EPC(P_DATA), EPC(P_VA))));
    CHECK(vm.epcm[P_DATA].valid);
}

TEST(ewb_states)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_ERROR(ewb(P_DATA, 0, &args), SGX_PAGE_NOT_BLOCKED));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(IS_ERROR(ewb(P_DATA, 0, &args), SGX_NOT_TRACKED));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_ERROR(ewb(P_DATA, 0, &args), SGX_NOT_TRACKED));
    CHECK(IS_OK(leave(0)));
    CHECK(IS_OK(enter(0))); // into the new epoch
    CHECK(IS_OK(ewb(P_DATA, 0, &args)));
    CHECK(!vm.epcm[P_DATA].valid);
    CHECK_EQ(args.linaddr, LIN(L_DATA));
    CHECK(IS_ERROR(ewb(P_SECS, 1, &args), SGX_CHILD_PRESENT));
}

TEST(round_trip)
{
    struct sgx_page_args args;
    prepare();
    memset(vm.pages[P_DATA], 0xa7, 4096);
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    u64 children = sgx_child_count(&vm.model, P_SECS);
    CHECK(IS_OK(ewb(P_DATA, 3, &args)));
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), children - 1);
    CHECK(memchr(swap, 0xa7, 32) == NULL || swap[0] != swap[1]);
    CHECK(all_zero(vm.pages[P_DATA], 4096));

    struct sgx_page_args bad = args;
    struct sgx_pcmd good = pcmd;
    bad.linaddr += 4096;
    CHECK(IS_ERROR(eld(P_FREE, 3, &bad, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    CHECK(IS_ERROR(eld(P_FREE, 4, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd.mac[0] ^= 1;
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd = good, pcmd.secinfo.flags |= SGX_SECINFO_X;
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd = good, pcmd.reserved[39] = 1;
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd = good, pcmd.secinfo.reserved[55] = 1;
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd = good, pcmd.secinfo.flags = SGX_SECINFO_PT(7);
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    pcmd = good, swap[9] ^= 1;
    CHECK(IS_ERROR(eld(P_FREE, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
    swap[9] ^= 1;
    CHECK(IS_PF_EPC(eld(P_FREE, 3, &args, EPC(P_CODE), false), EPC(P_CODE)));
    CHECK(IS_PF_EPC(eld(P_CODE, 3, &args, SECS_ADDRESS, false), EPC(P_CODE)));
    CHECK(IS_PF_EPC(
        sgx_eld(&vm.model,
                &(struct sgx_page_args){ .linaddr = args.linaddr, .srcpge = swap, .pcmd = &pcmd, .secs = SECS_ADDRESS },
                EPC(P_FREE), EPC(P_INFO), false),
        EPC(P_INFO)));
    CHECK(!vm.epcm[P_FREE].valid);
    CHECK(IS_OK(eld(P_FREE, 3, &args, SECS_ADDRESS, false)));
    CHECK_EQ(vm.pages[P_FREE][4095], 0xa7);
    const struct sgx_epcm *e = &vm.epcm[P_FREE];
    CHECK(e->valid && e->r && e->w && !e->x && !e->blocked && e->type == SGX_PT_REG && e->secs == P_SECS);
    CHECK_EQ(e->linaddr, LIN(L_DATA));
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), children);
    // The slot is spent: no replay.
    CHECK(IS_ERROR(eld(P_FREE + 1, 3, &args, SECS_ADDRESS, false), SGX_MAC_COMPARE_FAIL));
}

TEST(eldb_is_blocked_and_tracked)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_OK(ewb(P_DATA, 0, &args)));
    CHECK(IS_OK(eld(P_DATA, 0, &args, SECS_ADDRESS, true)));
    CHECK(vm.epcm[P_DATA].blocked);
    CHECK(IS_OK(ewb(P_DATA, 0, &args)));
    CHECK_EQ(vm.model.count.encls[ENCLS_ELDB], 1);
}

TEST(occupied_slot_is_told)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_DATA))));
    CHECK(IS_OK(sgx_eblock(&vm.model, EPC(P_CODE))));
    CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
    CHECK(IS_OK(ewb(P_DATA, 0, &args)));
    struct sgx_result r = ewb(P_CODE, 0, &args);
    CHECK(r.cf && !r.zf && r.rax == SGX_VA_SLOT_OCCUPIED);
    CHECK(!vm.epcm[P_CODE].valid);
    CHECK(IS_OK(eld(P_CODE, 0, &args, SECS_ADDRESS, false)));
}

TEST(states_survive)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_OK(aug(P_FREE, L_FREE)));
    CHECK(IS_OK(modt(P_DATA, SGX_SECINFO_PT(SGX_PT_TRIM))));
    CHECK(IS_OK(modpr(P_CODE, SGX_SECINFO_R)));
    for (u32 i = 0; i < 3; i++) {
        const u32 page = (const u32[]){ P_FREE, P_DATA, P_CODE }[i];
        u64 flags = epcm_flags(&vm.epcm[page]);
        CHECK(IS_OK(sgx_eblock(&vm.model, EPC(page))));
        CHECK(IS_OK(sgx_etrack(&vm.model, SECS_ADDRESS)));
        CHECK(IS_OK(ewb(page, i, &args)));
        CHECK(IS_OK(eld(page, i, &args, SECS_ADDRESS, false)));
        CHECK_EQ(epcm_flags(&vm.epcm[page]), flags);
    }
}

TEST(secs_and_va_pages)
{
    struct sgx_page_args args;
    prepare();
    CHECK(IS_OK(sgx_epa(&vm.model, SGX_PT_VA, EPC(30))));
    CHECK(IS_OK(ewb(30, 0, &args)));
    CHECK_EQ(pcmd.enclaveid, 0);
    CHECK(IS_OK(eld(30, 0, &args, SECS_ADDRESS, false))); // PAGEINFO.SECS is not looked at
    CHECK_EQ(vm.epcm[30].type, SGX_PT_VA);
    for (u32 p = P_TCS; p <= P_INFO; p++)
        CHECK(IS_OK(sgx_eremove(&vm.model, EPC(p))));
    u64 eid = secs_private_of(&vm.model, P_SECS)->eid;
    CHECK(IS_OK(ewb(P_SECS, 1, &args)));
    CHECK(eid != 0 && pcmd.enclaveid == eid);
    CHECK(IS_OK(eld(P_SECS, 1, &args, 0, false)));
    CHECK_EQ(vm.epcm[P_SECS].type, SGX_PT_SECS);
    CHECK(secs_of(&vm.model, P_SECS)->attributes.flags & SGX_ATTR_INIT);
}
