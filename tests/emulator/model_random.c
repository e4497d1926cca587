// SPDX-License-Identifier: BSD-3-Clause
// Random sequences of leaves against invariants. SGX_MODEL_SEQUENCES: how many (default 10000 of 40 leaves each).
#include "model_fixture.h"

#include "model/internal.h"

#include <stdlib.h>
#include <string.h>

enum { LEAVES = 40, VA_PAGE = 40 };

static struct sgx_pcmd pcmds[4];
static u8 swaps[4][4096] __attribute__((aligned(4096)));
static struct sgx_page_args evicted[4];

static u32 pick(u32 n) { return (u32)(test_random() % n); }
static u64 random_flags(void)
{
    static const u64 types[] = { SGX_SECINFO_PT(SGX_PT_REG), SGX_SECINFO_PT(SGX_PT_TCS), SGX_SECINFO_PT(SGX_PT_TRIM) };
    return types[pick(3)] | (test_random() & 0x3f);
}

static u32 random_page(void) { return pick(8) ? 1 + pick(12) : pick(EPC_PAGES + 2); }

static void supervisor_leaf(void)
{
    struct sgx_model *m = &vm.model;
    u32 page = random_page(), slot = pick(4);
    u64 slot_address = EPC(VA_PAGE) + slot * 8;

    switch (pick(10)) {
    case 0: aug(page, pick(ENCLAVE_PAGES)); break;
    case 1: modpr(page, test_random() & 7); break;
    case 2: modt(page, SGX_SECINFO_PT(pick(2) ? SGX_PT_TRIM : SGX_PT_TCS)); break;
    case 3: sgx_eblock(m, EPC(page)); break;
    case 4: sgx_etrack(m, SECS_ADDRESS); break;
    case 5:
        evicted[slot] = (struct sgx_page_args){ .srcpge = swaps[slot], .pcmd = &pcmds[slot] };
        sgx_ewb(m, &evicted[slot], EPC(page), slot_address);
        break;
    case 6:
        evicted[slot].srcpge = swaps[slot], evicted[slot].pcmd = &pcmds[slot];
        evicted[slot].secs = pick(4) ? SECS_ADDRESS : 0;
        sgx_eld(m, &evicted[slot], EPC(page), slot_address, pick(2));
        break;
    case 7:
        if (page != P_SECS && pick(4) == 0)
            sgx_eremove(m, EPC(page));
        break;
    case 8: map(pick(ENCLAVE_PAGES), page % EPC_PAGES); break;
    default: {
        u64 value;
        sgx_edbgrd(m, EPC(page) + pick(512) * 8, &value);
    }
    }
}

static void user_leaf(void)
{
    u32 cpu = pick(2), place = pick(8);
    switch (pick(9)) {
    case 0: case 1: enter(cpu); break;
    case 2: resume(cpu); break;
    case 3: leave(cpu); break;
    case 4: sgx_aex(&vm.model, &vm.cpu[cpu], pick(33), 0, LIN(place)); break;
    case 5: enclu(cpu, ENCLU_EMODPE, secinfo_at(random_flags()), LIN(place), 0); break;
    case 6: enclu(cpu, ENCLU_EACCEPTCOPY, secinfo_at(random_flags()), LIN(place), LIN(pick(8))); break;
    case 7: enclu(cpu, ENCLU_EACCEPT, secinfo_at(random_flags()), LIN(place), 0); break;
    default: // an EACCEPT that fits
        if (vm.ptes[place].is_epc)
            enclu(cpu, ENCLU_EACCEPT, secinfo_at(epcm_flags(&vm.epcm[vm.ptes[place].page])), LIN(place), 0);
    }
}

// NULL, or the invariant that is broken.
static const char *broken_invariant(void)
{
    u64 children = 0;
    for (u32 i = 0; i < EPC_PAGES; i++) {
        const struct sgx_epcm *e = &vm.epcm[i];
        if (!e->valid) {
            if (e->secs != SGX_NO_PAGE || e->pending || e->modified || e->blocked || e->pr)
                return "an invalid entry is empty";
            continue;
        }
        if (!is_child_type(e->type)) {
            if (e->secs != SGX_NO_PAGE)
                return "SECS and VA pages have no owner";
            continue;
        }
        if (e->secs != P_SECS || !vm.epcm[P_SECS].valid)
            return "a page has one owner, that exists";
        children++;
        if ((e->pending || e->modified || e->blocked || e->type != SGX_PT_REG) && sgx_epcm_rights(e))
            return "no rights while PENDING, MODIFIED, BLOCKED or special";
        if (e->pending && e->modified)
            return "not both PENDING and MODIFIED";
        if (e->type != SGX_PT_REG && (e->r || e->w || e->x))
            return "TCS and TRIM pages have no rights";
        if (!in_elrange(vm.base, ENCLAVE_PAGES * 4096, e->linaddr, 4096))
            return "a page lies in ELRANGE";
    }
    if (vm.epcm[P_SECS].valid && vm.epcm[P_SECS].type == SGX_PT_SECS) {
        if (sgx_child_count(&vm.model, P_SECS) != children)
            return "SECS counts its children";
        u32 inside = (u32)vm.cpu[0].in_enclave + vm.cpu[1].in_enclave;
        if (sgx_threads_inside(&vm.model, P_SECS) != inside)
            return "SECS counts the threads inside";
    }
    for (u32 cpu = 0; cpu < 2; cpu++) {
        const struct sgx_cpu *c = &vm.cpu[cpu];
        if (c->in_enclave && (!vm.epcm[c->tcs].valid || !vm.epcm[c->ssa.last].valid || !vm.epcm[P_SECS].valid))
            return "TCS, SSA and SECS of a running thread stay";
        for (u32 place = 0; c->in_enclave && place < ENCLAVE_PAGES; place++) {
            const struct sgx_pte *pte = &vm.ptes[place];
            if (IS_OK(sgx_check_access(&vm.model, c, LIN(place), SGX_READ)) &&
                (vm.epcm[pte->page].linaddr != LIN(place) || sgx_epcm_rights(&vm.epcm[pte->page]) == 0))
                return "no access where the EPCM does not say so";
        }
    }
    if (vm.cpu[0].in_enclave && vm.cpu[1].in_enclave && vm.cpu[0].tcs == vm.cpu[1].tcs)
        return "a TCS holds one thread";
    return NULL;
}

TEST(sequences)
{
    static struct machine fresh;
    const char *wanted = getenv("SGX_MODEL_SEQUENCES");
    u64 count = wanted ? strtoull(wanted, NULL, 0) : 10000;

    machine_init(true);
    build(0);
    sgx_epa(&vm.model, SGX_PT_VA, EPC(VA_PAGE));
    memcpy(&fresh, &vm, sizeof(vm));
    for (u64 n = 0; n < count; n++) {
        memcpy(&vm, &fresh, sizeof(vm));
        memset(evicted, 0, sizeof(evicted));
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
}
