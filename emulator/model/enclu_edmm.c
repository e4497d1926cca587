// SPDX-License-Identifier: BSD-3-Clause
// SGX2's leaves inside: EACCEPT, EACCEPTCOPY, EMODPE (SDM 38.4).
#include "internal.h"

#include "base/string.h"

#define SECINFO_STATE (SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR)

// Reads SECINFO at RBX. #GP: alignment, ELRANGE, reserved bits; #PF: not readable.
static struct sgx_result read_secinfo(struct sgx_model *m, const struct sgx_cpu *cpu, u64 *ret_flags)
{
    struct sgx_secinfo info;
    u8 *data;

    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(info), SGX_READ, &data));
    memcpy(&info, data, sizeof(info));
    if (!secinfo_reserved_clear(&info))
        return gp();
    *ret_flags = info.flags;
    return success();
}

// The combinations of type and state that EACCEPT knows.
static bool acceptable(u64 flags)
{
    if (page_type_is(flags, SGX_PT_REG))
        return true;
    return (page_type_is(flags, SGX_PT_TCS) || page_type_is(flags, SGX_PT_TRIM)) && !(flags & SGX_SECINFO_PENDING) &&
           (flags & SGX_SECINFO_MODIFIED);
}

struct sgx_result leaf_eaccept(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 flags;
    u32 page;

    // Both operands' alignment and place come before any access.
    if (!IS_ALIGNED(cpu->gpr.rcx, PAGE_SIZE) || !in_elrange(cpu->base, cpu->size, cpu->gpr.rcx, PAGE_SIZE))
        return gp();
    TRY(read_secinfo(m, cpu, &flags));
    if (!acceptable(flags))
        return gp();
    TRY(enclu_page(m, cpu, cpu->gpr.rcx, &page));
    struct sgx_epcm *e = &m->epcm[page];
    if (flags != epcm_flags(e))
        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);
    if ((e->modified || e->pr) && !is_tracked(m, page))
        return error(SGX_NOT_TRACKED);
    if (e->type == SGX_PT_TCS) {
        struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page_data(m, page);
        if (!tcs_fields_valid(secs_of(m, e->secs), tcs))
            return gp();
        tcs_clear_state(tcs);
    }
    e->pending = e->modified = e->pr = false;
    return success();
}

struct sgx_result leaf_eacceptcopy(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 flags;
    u32 page;
    u8 *source;

    if (!IS_ALIGNED(cpu->gpr.rcx, PAGE_SIZE) || !in_elrange(cpu->base, cpu->size, cpu->gpr.rcx, PAGE_SIZE) ||
        !IS_ALIGNED(cpu->gpr.rdx, PAGE_SIZE) || !in_elrange(cpu->base, cpu->size, cpu->gpr.rdx, PAGE_SIZE))
        return gp();
    TRY(read_secinfo(m, cpu, &flags));
    if (!page_type_is(flags, SGX_PT_REG) || (flags & SECINFO_STATE) ||
        ((flags & SGX_SECINFO_W) && !(flags & SGX_SECINFO_R)))
        return gp();
    TRY(enclu_operand(m, cpu, cpu->gpr.rdx, PAGE_SIZE, SGX_READ, &source));
    TRY(enclu_page(m, cpu, cpu->gpr.rcx, &page));
    struct sgx_epcm *e = &m->epcm[page];
    if (e->type != SGX_PT_REG || !e->pending || e->modified)
        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);
    memcpy(page_data(m, page), source, PAGE_SIZE);
    e->r = flags & SGX_SECINFO_R;
    e->w = flags & SGX_SECINFO_W;
    e->x = flags & SGX_SECINFO_X;
    e->pending = false;
    return success();
}

struct sgx_result leaf_emodpe(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 flags;
    u32 page;

    if (!IS_ALIGNED(cpu->gpr.rcx, PAGE_SIZE) || !in_elrange(cpu->base, cpu->size, cpu->gpr.rcx, PAGE_SIZE))
        return gp();
    TRY(read_secinfo(m, cpu, &flags));
    TRY(enclu_page(m, cpu, cpu->gpr.rcx, &page));
    struct sgx_epcm *e = &m->epcm[page];
    if (e->type != SGX_PT_REG || e->pending || e->modified)
        return pf_enclu(cpu->gpr.rcx);
    if (!e->r && !(flags & SGX_SECINFO_R) && (flags & SGX_SECINFO_W))
        return gp();
    e->r = e->r || (flags & SGX_SECINFO_R);
    e->w = e->w || (flags & SGX_SECINFO_W);
    e->x = e->x || (flags & SGX_SECINFO_X);
    return success();
}
