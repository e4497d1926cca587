// SPDX-License-Identifier: BSD-3-Clause
// EDBGRD and EDBGWR (SDM 38.3): debug access to 8 bytes of a debug enclave's page.
#include "internal.h"

static struct sgx_result debug_target(struct sgx_model *m, u64 epc, u64 **ret_word)
{
    if (!IS_ALIGNED(epc, 8))
        return gp();
    if (!page_in_epc(m, epc))
        return pf_epc(epc);
    const struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (!e->valid || !is_child_type(e->type))
        return pf_epc(epc);
    if (e->pending || e->modified)
        return error(SGX_PAGE_NOT_DEBUGGABLE);
    if (!(secs_of(m, e->secs)->attributes.flags & SGX_ATTR_DEBUG))
        return gp();
    *ret_word = (u64 *)(void *)(page_data(m, page_index(epc)) + (epc & PAGE_MASK));
    return success();
}

struct sgx_result sgx_edbgrd(struct sgx_model *m, u64 epc, u64 *ret_value)
{
    u64 *word;
    struct sgx_result result = debug_target(m, epc, &word);
    if (!result.vector && !result.zf)
        *ret_value = *word;
    return note_encls(m, ENCLS_EDBGRD, epc, result);
}

struct sgx_result sgx_edbgwr(struct sgx_model *m, u64 epc, u64 value)
{
    u64 *word;
    struct sgx_result result = debug_target(m, epc, &word);
    if (!result.vector && !result.zf) {
        // Of a TCS only FLAGS may be written.
        bool is_tcs = m->epcm[page_index(epc)].type == SGX_PT_TCS;
        if (is_tcs && (epc & PAGE_MASK) != offsetof(struct sgx_tcs, flags))
            result = gp();
        else
            *word = value;
    }
    return note_encls(m, ENCLS_EDBGWR, epc, result);
}
