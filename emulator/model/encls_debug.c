// SPDX-License-Identifier: BSD-3-Clause
// EDBGRD and EDBGWR (SDM 38.3): debug access to 8 bytes of a debug enclave's page.
#include "internal.h"

#define TCS_LIMIT offsetof(struct sgx_tcs, ocetssa) // SGX_TCS_LIMIT of a CPU without CET: the defined fields

// Alignment, place and type: EDBGRD also reads VA pages.
static struct sgx_result find_target(const struct sgx_model *m, u64 epc, bool va)
{
    if (!IS_ALIGNED(epc, 8))
        return gp();
    if (!page_in_epc(m, epc))
        return pf_epc(epc);
    const struct sgx_epcm *e = &m->epcm[page_index(epc)];
    bool type = e->type == SGX_PT_REG || e->type == SGX_PT_TCS || (va && e->type == SGX_PT_VA);
    if (!e->valid || !type)
        return pf_epc(epc);
    return e->pending || e->modified ? error(SGX_PAGE_NOT_DEBUGGABLE) : success();
}

static bool owner_allows(struct sgx_model *m, const struct sgx_epcm *e)
{
    return secs_of(m, e->secs)->attributes.flags & SGX_ATTR_DEBUG;
}

static u64 *word_at(struct sgx_model *m, u64 epc)
{
    return (u64 *)(void *)(page_data(m, page_index(epc)) + (epc & PAGE_MASK));
}

// SDM 38.3 EDBGRD.
static struct sgx_result edbgrd(struct sgx_model *m, u64 epc, u64 *ret_value)
{
    struct sgx_result found = find_target(m, epc, true);
    if (found.vector || found.zf)
        return found;
    const struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->type == SGX_PT_TCS && (epc & PAGE_MASK) >= TCS_LIMIT)
        return gp();
    if (e->type == SGX_PT_VA) { // whether the slot is in use, not its version
        *ret_value = *word_at(m, epc) & ~7ull ? UINT64_MAX : 0;
        return success();
    }
    if (!owner_allows(m, e))
        return gp();
    *ret_value = *word_at(m, epc);
    return success();
}

// SDM 38.3 EDBGWR.
static struct sgx_result edbgwr(struct sgx_model *m, u64 epc, u64 value)
{
    struct sgx_result found = find_target(m, epc, false);
    if (found.vector || found.zf)
        return found;
    const struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->type == SGX_PT_TCS && (epc & PAGE_MASK) != offsetof(struct sgx_tcs, flags))
        return gp();
    if (!owner_allows(m, e))
        return gp();
    *word_at(m, epc) = value;
    return success();
}

struct sgx_result sgx_edbgrd(struct sgx_model *m, u64 epc, u64 *ret_value)
{
    return note_encls(m, ENCLS_EDBGRD, epc, edbgrd(m, epc, ret_value));
}

struct sgx_result sgx_edbgwr(struct sgx_model *m, u64 epc, u64 value)
{
    return note_encls(m, ENCLS_EDBGWR, epc, edbgwr(m, epc, value));
}
