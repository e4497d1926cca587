// SPDX-License-Identifier: BSD-3-Clause
#include "trusted/tcs.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "trusted/emm_edmm.h"
#include "trusted/emm_impl.h"
#include "trusted/enclu.h"
#include "trusted/exit.h"
#include "trusted/layout.h"
#include "trusted/ocall.h"
#include "trusted/stats.h"
#include "trusted/tls.h"

#define STACK_INITIAL KIB(16) // of the kernel stack, committed with the slot

static u64 slot_base(u64 slot) { return enclave_layout.slots_start + slot * enclave_layout.slot_stride; }
static u64 stack_base(u64 slot) { return slot_base(slot) + ENCLAVE_SLOT_STACK; }

struct part {
    u64 addr, pages;
};

static bool commit_part(const struct part *part)
{
    u64 len = part->pages * PAGE_SIZE;
    if (ocall_edmm_augment(part->addr, len, 0) != 0)
        return false;
    u64 count = edmm_accept_new(part->addr, part->pages);
    emm_count(EMM_THREADS, (s64)count);
    if (count == part->pages)
        return true;
    if (count)
        edmm_trim(part->addr, count, EMM_THREADS);
    return false;
}

static void make_tcs(u64 base)
{
    u64 tls = base + enclave_slot_tls(enclave_layout.stack_size);
    struct sgx_tcs *tcs = (struct sgx_tcs *)base;

    tcs->ossa = base + ENCLAVE_SLOT_SSA;
    tcs->nssa = ENCLAVE_NSSA;
    tcs->oentry = enclave_layout.entry;
    tcs->ofsbase = tcs->ogsbase = tls;
    tcs->fslimit = tcs->gslimit = 0xfff;
    if (ocall_edmm_type(base, PAGE_SIZE, SGX_PT_TCS) != 0 ||
        enclu_eaccept(base, SGX_SECINFO_PT(SGX_PT_TCS) | SGX_SECINFO_MODIFIED) != 0)
        enclave_abort(ABORT_HOST_LIE);
    stats_add(STAT_TYPE_PAGES, 1);
    stats_add(STAT_EACCEPT, 1);
}

int tcs_create(u64 slot)
{
    u64 base = slot_base(slot), stack_top = stack_base(slot) + enclave_layout.stack_size;
    u64 stack = MIN(STACK_INITIAL, enclave_layout.stack_size);
    const struct part parts[] = {
        { base, 1 + ENCLAVE_NSSA * ENCLAVE_SSA_FRAME_PAGES }, // the TCS to be, and its SSA
        { stack_top - stack, stack / PAGE_SIZE },
        { base + enclave_slot_tls(enclave_layout.stack_size), 1 },
    };

    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        if (commit_part(&parts[i]))
            continue;
        while (i-- > 0)
            edmm_trim(parts[i].addr, parts[i].pages, EMM_THREADS);
        return -ENOMEM;
    }
    tls_of_slot(slot)->stack_low = stack_top - stack;
    make_tcs(base);
    return 0;
}

bool tcs_grow_stack(struct tls *tls, u64 addr)
{
    u64 page = ALIGN_DOWN(addr, PAGE_SIZE), low = tls->stack_low;

    if (addr < stack_base(tls->slot.slot) || addr >= low) // stack_low is 0 where all of it was added at load
        return false;
    u64 pages = (low - page) / PAGE_SIZE;
    if (edmm_accept_new(page, pages) != pages)
        return false;
    emm_count(EMM_THREADS, (s64)pages);
    tls->stack_low = page;
    return true;
}
