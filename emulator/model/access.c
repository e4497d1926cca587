// SPDX-License-Identifier: BSD-3-Clause
// Access checks: page tables first, then the EPCM (SDM 35.3, 35.5). #PF of the first kind has no SGX bit.
#include "internal.h"

static u32 access_code(enum sgx_access access)
{
    return SGX_PFEC_U | (access == SGX_WRITE ? SGX_PFEC_W : access == SGX_EXEC ? SGX_PFEC_I : 0);
}

u32 sgx_epcm_rights(const struct sgx_epcm *e)
{
    if (!e->valid || e->type != SGX_PT_REG || e->pending || e->modified || e->blocked)
        return 0;
    return (u32)e->r << SGX_READ | (u32)e->w << SGX_WRITE | (u32)e->x << SGX_EXEC;
}

static struct sgx_result check_pte(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, enum sgx_access access,
                                   struct sgx_pte *ret_pte)
{
    u64 page = ALIGN_DOWN(linaddr, PAGE_SIZE);

    *ret_pte = (struct sgx_pte){ 0 };
    m->ops.walk(m->front, cpu, page, ret_pte);
    if (!ret_pte->present)
        return pf(page, access_code(access));
    if ((access == SGX_WRITE && !ret_pte->writable) || (access == SGX_EXEC && !ret_pte->executable))
        return pf(page, access_code(access) | SGX_PFEC_P);
    return success();
}

bool page_belongs(const struct sgx_epcm *e, u32 secs, u64 linaddr)
{
    return e->valid && is_child_type(e->type) && e->secs == secs && e->linaddr == linaddr && !e->blocked;
}

struct sgx_result operand_walk(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, enum sgx_access access,
                               u32 *ret_page)
{
    struct sgx_pte pte;

    TRY(check_pte(m, cpu, linaddr, access, &pte));
    if (!pte.is_epc || pte.page >= m->pages)
        return pf(ALIGN_DOWN(linaddr, PAGE_SIZE), access_code(access) | SGX_PFEC_P | SGX_PFEC_SGX);
    *ret_page = pte.page;
    return success();
}

struct sgx_result operand_check(const struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, u32 page,
                                enum sgx_access access)
{
    const struct sgx_epcm *e = &m->epcm[page];
    u64 place = ALIGN_DOWN(linaddr, PAGE_SIZE);

    if (page_belongs(e, cpu->secs, place) && (sgx_epcm_rights(e) >> access & 1))
        return success();
    return pf(place, access_code(access) | SGX_PFEC_P | SGX_PFEC_SGX);
}

struct sgx_result sgx_check_access(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, enum sgx_access access)
{
    struct sgx_pte pte;
    u32 page;

    if (cpu->in_enclave && in_elrange(cpu->base, cpu->size, linaddr, 1)) {
        TRY(operand_walk(m, cpu, linaddr, access, &page));
        return operand_check(m, cpu, linaddr, page, access);
    }
    // Code outside ELRANGE cannot run in enclave mode.
    if (cpu->in_enclave && access == SGX_EXEC)
        return gp();
    TRY(check_pte(m, cpu, linaddr, access, &pte));
    return (struct sgx_result){ .cf = pte.is_epc };
}

struct sgx_result enclu_operand(struct sgx_model *m, const struct sgx_cpu *cpu, u64 linaddr, u64 align, u64 size,
                                enum sgx_access access, u8 **ret_data)
{
    u32 page;

    if (!operand_placed(cpu, linaddr, align, size))
        return gp();
    TRY(operand_walk(m, cpu, linaddr, access, &page));
    TRY(operand_check(m, cpu, linaddr, page, access));
    *ret_data = page_data(m, page) + (linaddr & PAGE_MASK);
    return success();
}
