// SPDX-License-Identifier: BSD-3-Clause
// Random sequences of leaves on two enclaves, two threads and their TLBs against invariants. SGX_MODEL_SEQUENCES: how
// many (default 10000 of 40 leaves each).
#include "model_fixture.h"

#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LEAVES = 40, VA_PAGE = 40, SECS2 = 24, PLACES = 2 * ENCLAVE_PAGES, CPUS = 2, SWAPS = 4 };

static struct sgx_pcmd pcmds[SWAPS];
static u8 swaps[SWAPS][4096] __attribute__((aligned(4096)));
static struct sgx_page_args evicted[SWAPS];
// What a thread's TLB may still hold since it entered: EPC page + 1 and rights, by place.
static struct {
    u32 page, rights;
} tlb[CPUS][PLACES];
static u64 done, succeeded;

static u32 pick(u32 n) { return (u32)(test_random() % n); }
static u64 random_flags(void)
{
    static const u64 types[] = { SGX_SECINFO_PT(SGX_PT_REG), SGX_SECINFO_PT(SGX_PT_TCS), SGX_SECINFO_PT(SGX_PT_TRIM) };
    return types[pick(3)] | (test_random() & 0x3f);
}

static u32 random_page(void) { return pick(8) ? (pick(3) ? 1 + pick(12) : SECS2 + pick(8)) : pick(EPC_PAGES + 2); }
static u64 random_secs(void) { return pick(4) ? SECS_ADDRESS : EPC(SECS2); }
static u32 random_place(void) { return pick(4) ? pick(8) : ENCLAVE_PAGES + pick(8); }

static void count(struct sgx_result r)
{
    done++;
    succeeded += !r.vector && !r.zf;
}

static void paging_leaf(u32 page)
{
    struct sgx_model *m = &vm.model;
    u32 slot = pick(SWAPS);
    u64 slot_address = EPC(VA_PAGE) + slot * 8;

    switch (pick(4)) {
    case 0:
        count(sgx_eblock(m, EPC(page)));
        break;
    case 1:
        count(sgx_etrack(m, random_secs()));
        break;
    case 2:
        evicted[slot] = (struct sgx_page_args){ .srcpge = swaps[slot], .pcmd = &pcmds[slot] };
        count(sgx_ewb(m, &evicted[slot], EPC(page), slot_address));
        break;
    default:
        evicted[slot].srcpge = swaps[slot], evicted[slot].pcmd = &pcmds[slot];
        evicted[slot].secs = pick(8) ? random_secs() : 0;
        count(sgx_eld(m, &evicted[slot], EPC(page), slot_address, pick(2)));
    }
}

static void supervisor_leaf(void)
{
    struct sgx_model *m = &vm.model;
    u32 page = random_page();
    u64 value;

    switch (pick(11)) {
    case 0: {
        struct sgx_page_args args = { .linaddr = LIN(random_place()), .secs = random_secs() };
        count(sgx_eaug(m, &args, EPC(page)));
        break;
    }
    case 1:
        count(modpr(page, test_random() & 7));
        break;
    case 2:
        count(modt(page, SGX_SECINFO_PT(pick(2) ? SGX_PT_TRIM : SGX_PT_TCS)));
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        paging_leaf(page);
        break;
    case 7:
        if (page != P_SECS && page != SECS2 && pick(4) == 0)
            count(sgx_eremove(m, EPC(page)));
        break;
    case 8:
        map(random_place(), page % EPC_PAGES);
        break;
    case 9: { // the page where it belongs
        u64 place = (vm.epcm[page % EPC_PAGES].linaddr - vm.base) / 4096;
        if (place < PLACES)
            map((u32)place, page % EPC_PAGES);
        break;
    }
    default:
        count(sgx_edbgrd(m, EPC(page) + pick(512) * 8, &value));
    }
}

static void access_memory(u32 cpu, u32 place)
{
    enum sgx_access how = (enum sgx_access)pick(3);
    struct sgx_result r = sgx_check_access(&vm.model, &vm.cpu[cpu], LIN(place), how);

    if (!vm.cpu[cpu].in_enclave || r.vector || r.cf)
        return;
    tlb[cpu][place].page = vm.ptes[place].page + 1;
    tlb[cpu][place].rights |= sgx_epcm_rights(&vm.epcm[vm.ptes[place].page]);
}

static void user_leaf(void)
{
    u32 cpu = pick(CPUS), place = random_place();

    switch (pick(12)) {
    case 0:
    case 1:
        count(enter(cpu));
        break;
    case 2:
        count(enclu(cpu, ENCLU_EENTER, LIN(ENCLAVE_PAGES + L_TCS), 0x5000, 0));
        break;
    case 3:
        count(resume(cpu));
        break;
    case 4:
        count(leave(cpu));
        break;
    case 5:
        sgx_aex(&vm.model, &vm.cpu[cpu], pick(33), 0, LIN(place));
        break;
    case 6:
        count(enclu(cpu, ENCLU_EMODPE, secinfo_at(random_flags()), LIN(place), 0));
        break;
    case 7:
        count(enclu(cpu, ENCLU_EACCEPTCOPY, secinfo_at(random_flags()), LIN(place), LIN(random_place())));
        break;
    case 8:
        count(enclu(cpu, ENCLU_EACCEPT, secinfo_at(random_flags()), LIN(place), 0));
        break;
    case 9: // an EACCEPT that fits
        if (vm.ptes[place].is_epc)
            count(enclu(cpu, ENCLU_EACCEPT, secinfo_at(epcm_flags(&vm.epcm[vm.ptes[place].page])), LIN(place), 0));
        break;
    default:
        access_memory(cpu, place);
    }
}

static u64 base_of(u32 secs) { return secs == P_SECS ? LIN(0) : LIN(ENCLAVE_PAGES); }

static const char *broken_entry(const struct sgx_epcm *e)
{
    if (!e->valid)
        return e->secs != SGX_NO_PAGE || e->pending || e->modified || e->blocked || e->pr || e->r || e->w || e->x
                   ? "an invalid entry is empty"
                   : NULL;
    if (!is_child_type(e->type))
        return e->secs != SGX_NO_PAGE || e->linaddr ? "SECS and VA pages have no owner" : NULL;
    if ((e->secs != P_SECS && e->secs != SECS2) || !vm.epcm[e->secs].valid || vm.epcm[e->secs].type != SGX_PT_SECS)
        return "a page has one owner, that exists";
    if ((e->pending || e->modified || e->blocked || e->type != SGX_PT_REG) && sgx_epcm_rights(e))
        return "no rights while PENDING, MODIFIED, BLOCKED or special";
    if (e->pending && (e->modified || e->pr))
        return "PENDING neither MODIFIED nor PR";
    if (e->pending && (!e->r || !e->w || e->x || e->type != SGX_PT_REG))
        return "a PENDING page is as EAUG made it";
    if (e->type == SGX_PT_TRIM && e->pr)
        return "EMODT ends PR";
    if (e->type != SGX_PT_REG && (e->r || e->w || e->x))
        return "TCS and TRIM pages have no rights";
    return in_elrange(base_of(e->secs), ENCLAVE_PAGES * 4096, e->linaddr, 4096) ? NULL : "a page lies in ELRANGE";
}

static const char *broken_counts(u32 secs)
{
    u64 children = 0;
    u32 inside = 0;

    if (!vm.epcm[secs].valid || vm.epcm[secs].type != SGX_PT_SECS)
        return NULL;
    for (u32 i = 0; i < EPC_PAGES; i++)
        children += vm.epcm[i].valid && is_child_type(vm.epcm[i].type) && vm.epcm[i].secs == secs;
    for (u32 cpu = 0; cpu < CPUS; cpu++)
        inside += vm.cpu[cpu].in_enclave && vm.cpu[cpu].secs == secs;
    if (sgx_child_count(&vm.model, secs) != children)
        return "SECS counts its children";
    return sgx_threads_inside(&vm.model, secs) == inside ? NULL : "SECS counts the threads inside";
}

// A translation outlives a change of its page only while the change is not confirmed: BLOCKED (until EWB), PR and
// MODIFIED (until EACCEPT). So no page that was freed, given away or accepted is reachable through a TLB.
static const char *broken_translation(const struct sgx_cpu *c, u32 cpu, u32 place)
{
    u32 page = tlb[cpu][place].page - 1, rights = tlb[cpu][place].rights;
    const struct sgx_epcm *e = &vm.epcm[page];

    if (!e->valid || e->linaddr != LIN(place) || e->secs != c->secs || e->pending)
        return "no TLB reaches a page that is free, moved or PENDING";
    if (e->blocked || e->pr || e->modified)
        return NULL;
    return rights & ~sgx_epcm_rights(e) ? "no TLB keeps a right that was taken and confirmed" : NULL;
}

static const char *broken_cpu(u32 cpu)
{
    const struct sgx_cpu *c = &vm.cpu[cpu];

    if (!c->in_enclave) {
        memset(tlb[cpu], 0, sizeof(tlb[cpu])); // an exit flushes
        return NULL;
    }
    if (!vm.epcm[c->tcs].valid || !vm.epcm[c->ssa.last].valid || !vm.epcm[c->secs].valid)
        return "TCS, SSA and SECS of a running thread stay";
    for (u32 place = 0; place < PLACES; place++) {
        const struct sgx_pte *pte = &vm.ptes[place];
        struct sgx_result r = sgx_check_access(&vm.model, c, LIN(place), SGX_READ);
        bool own = in_elrange(c->base, c->size, LIN(place), 4096);
        if (own && !r.vector &&
            (vm.epcm[pte->page].linaddr != LIN(place) || vm.epcm[pte->page].secs != c->secs ||
             vm.epcm[pte->page].pending || vm.epcm[pte->page].modified || vm.epcm[pte->page].blocked ||
             !vm.epcm[pte->page].r))
            return "no access where the EPCM does not say so";
        if (!own && !r.vector && !r.cf)
            return "another's page is an abort page";
        const char *broken = tlb[cpu][place].page ? broken_translation(c, cpu, place) : NULL;
        if (broken)
            return broken;
    }
    return NULL;
}

// NULL, or the invariant that is broken.
static const char *broken_invariant(void)
{
    const char *broken = NULL;

    for (u32 i = 0; i < EPC_PAGES && !broken; i++)
        broken = broken_entry(&vm.epcm[i]);
    for (u32 cpu = 0; cpu < CPUS && !broken; cpu++)
        broken = broken_cpu(cpu);
    if (!broken)
        broken = broken_counts(P_SECS);
    if (!broken)
        broken = broken_counts(SECS2);
    if (!broken && vm.cpu[0].in_enclave && vm.cpu[1].in_enclave && vm.cpu[0].tcs == vm.cpu[1].tcs)
        broken = "a TCS holds one thread";
    return broken;
}

// A second, smaller enclave behind the first: TCS, SSA frames, data.
static bool build_second(void)
{
    struct sgx_secs secs = secs_default();
    struct sgx_secinfo none = { 0 }, info;
    struct sgx_page_args create_args = { .srcpge = (u8 *)&secs, .secinfo = &none };
    u8 page[4096] __attribute__((aligned(4096))) = { 0 };
    struct sgx_sigstruct sig;

    secs.base = LIN(ENCLAVE_PAGES);
    if (!IS_OK(sgx_ecreate(&vm.model, &create_args, EPC(SECS2))))
        return false;
    for (u32 i = 0; i <= L_CODE; i++) {
        info =
            (struct sgx_secinfo){ .flags = i == L_TCS ? SGX_SECINFO_PT(SGX_PT_TCS) : SGX_SECINFO_PT(SGX_PT_REG) | 3 };
        memset(page, 0, sizeof(page));
        if (i == L_TCS)
            memcpy(page, vm.pages[P_TCS], sizeof(page));
        struct sgx_page_args args = {
            .linaddr = LIN(ENCLAVE_PAGES + i), .srcpge = page, .secinfo = &info, .secs = EPC(SECS2)
        };
        if (!IS_OK(sgx_eadd(&vm.model, &args, EPC(SECS2 + 1 + i))))
            return false;
        map(ENCLAVE_PAGES + i, SECS2 + 1 + i);
    }
    sign(&sig);
    struct sha256 measured = secs_private_of(&vm.model, SECS2)->measurement;
    sha256_final(&measured, sig.enclavehash);
    sig.attributemask.flags = ~SGX_ATTR_INIT; // sign() copied those of the first enclave, which is initialised
    resign(&sig);
    return IS_OK(sgx_einit(&vm.model, &sig, EPC(SECS2)));
}

TEST(sequences)
{
    static struct machine fresh;
    extern int printf(const char *, ...);
    const char *wanted = getenv("SGX_MODEL_SEQUENCES");
    u64 sequences = wanted ? strtoull(wanted, NULL, 0) : 10000;

    machine_init(true);
    build(0);
    CHECK(build_second());
    CHECK(IS_OK(sgx_epa(&vm.model, SGX_PT_VA, EPC(VA_PAGE))));
    memcpy(&fresh, &vm, sizeof(vm));
    for (u64 n = 0; n < sequences; n++) {
        memcpy(&vm, &fresh, sizeof(vm));
        memset(evicted, 0, sizeof(evicted));
        memset(tlb, 0, sizeof(tlb));
        for (u32 i = 0; i < LEAVES; i++) {
            if (pick(2))
                supervisor_leaf();
            else
                user_leaf();
            const char *broken = broken_invariant();
            if (broken)
                test_fail(__FILE__, __LINE__, "sequence %llu, leaf %u: %s", (unsigned long long)n, i, broken);
            CHECK(broken == NULL);
        }
    }
    printf("# %llu sequences, %llu leaves, %llu succeeded\n", (unsigned long long)sequences, (unsigned long long)done,
           (unsigned long long)succeeded);
}
