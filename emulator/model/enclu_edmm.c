// SPDX-License-Identifier: BSD-3-Clause
// SGX2's leaves inside: EACCEPT, EACCEPTCOPY, EMODPE (SDM 38.4).
#include "internal.h"

#include "base/string.h"

// What EACCEPT may be asked to accept: a REG page that is PENDING or permission-restricted, or a TCS or TRIM page made
// by EMODT. Any other combination in SECINFO is #GP.
static bool acceptable(u64 flags)
{
    bool pending = flags & SGX_SECINFO_PENDING, modified = flags & SGX_SECINFO_MODIFIED, pr = flags & SGX_SECINFO_PR;

    if (page_type_is(flags, SGX_PT_REG))
        return (pr || pending) && !modified;
    return (page_type_is(flags, SGX_PT_TCS) || page_type_is(flags, SGX_PT_TRIM)) && !pr && !pending && modified;
}

// Reads SECINFO at RBX. #GP: alignment, ELRANGE, reserved bits; #PF: not readable.
static struct sgx_result read_secinfo(struct sgx_model *m, const struct sgx_cpu *cpu, u64 *ret_flags)
{
    struct sgx_secinfo info;
    u8 *data;

    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(info), sizeof(info), SGX_READ, &data));
    memcpy(&info, data, sizeof(info));
    if (!secinfo_reserved_clear(&info))
        return gp();
    *ret_flags = info.flags;
    return success();
}

static bool page_placed(const struct sgx_cpu *cpu, u64 linaddr)
{
    return operand_placed(cpu, linaddr, PAGE_SIZE, PAGE_SIZE);
}

// A TCS that the enclave itself wrote must be idle (SDM 38.4 EACCEPT).
static bool tcs_acceptable(const struct sgx_model *m, const struct sgx_secs *secs, const struct sgx_tcs *tcs)
{
    return tcs_reserved_clear(m, tcs) && !(tcs->flags & SGX_TCS_DBGOPTIN) && tcs->cssa < tcs->nssa && !tcs->aep &&
           !tcs->stage && tcs_limits_valid(secs, tcs);
}

// SDM 38.4 EACCEPT.
struct sgx_result leaf_eaccept(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 flags, linaddr = cpu->gpr.rcx;
    u32 page;

    TRY(read_secinfo(m, cpu, &flags));
    if (!page_placed(cpu, linaddr))
        return gp();
    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));
    if (!acceptable(flags))
        return gp();
    struct sgx_epcm *e = &m->epcm[page];
    if (!e->valid || e->blocked || !is_child_type(e->type) || e->secs != cpu->secs)
        return pf_enclu(linaddr);
    // PR is not compared: the rights that it restricted are.
    if (e->linaddr != linaddr || ((flags ^ epcm_flags(e)) & ~SGX_SECINFO_PR))
        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);
    if ((e->modified || e->pr) && !is_tracked(m, page))
        return error(SGX_NOT_TRACKED);
    if (e->type == SGX_PT_TCS) {
        struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)page_data(m, page);
        if (!tcs_acceptable(m, secs_of(m, e->secs), tcs))
            return gp();
        tcs->cssa = 0; // SDM 35.8
    }
    e->pending = e->modified = e->pr = false;
    return success();
}

// EACCEPTCOPY's target: a page as EAUG left it. Anything else is an error, not a fault.
static bool copy_target(const struct sgx_epcm *e, u32 secs, u64 linaddr)
{
    return page_belongs(e, secs, linaddr) && e->type == SGX_PT_REG && e->pending && !e->modified && e->r && e->w &&
           !e->x;
}

// SDM 38.4 EACCEPTCOPY.
struct sgx_result leaf_eacceptcopy(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 to = cpu->gpr.rcx, from = cpu->gpr.rdx, flags;
    u32 info_page, page, source;

    if (!operand_placed(cpu, cpu->gpr.rbx, sizeof(struct sgx_secinfo), sizeof(struct sgx_secinfo)) ||
        !page_placed(cpu, to) || !page_placed(cpu, from))
        return gp();
    TRY(operand_walk(m, cpu, cpu->gpr.rbx, SGX_READ, &info_page));
    TRY(operand_walk(m, cpu, to, SGX_WRITE, &page));
    TRY(operand_walk(m, cpu, from, SGX_READ, &source));
    TRY(read_secinfo(m, cpu, &flags));
    if (!page_type_is(flags, SGX_PT_REG) || ((flags & SGX_SECINFO_W) && !(flags & SGX_SECINFO_R)))
        return gp();
    TRY(operand_check(m, cpu, from, source, SGX_READ));
    struct sgx_epcm *e = &m->epcm[page];
    if (!copy_target(e, cpu->secs, to))
        return error(SGX_PAGE_ATTRIBUTES_MISMATCH);
    memcpy(page_data(m, page), page_data(m, source), PAGE_SIZE);
    e->r = flags & SGX_SECINFO_R;
    e->w = flags & SGX_SECINFO_W;
    e->x = flags & SGX_SECINFO_X;
    e->pending = false;
    m->count.writable_code += e->w && e->x;
    return success();
}

// SDM 38.4 EMODPE.
struct sgx_result leaf_emodpe(struct sgx_model *m, struct sgx_cpu *cpu)
{
    u64 flags, linaddr = cpu->gpr.rcx;
    u32 info_page, page;

    if (!operand_placed(cpu, cpu->gpr.rbx, sizeof(struct sgx_secinfo), sizeof(struct sgx_secinfo)) ||
        !page_placed(cpu, linaddr))
        return gp();
    TRY(operand_walk(m, cpu, cpu->gpr.rbx, SGX_READ, &info_page));
    TRY(operand_walk(m, cpu, linaddr, SGX_READ, &page));
    TRY(read_secinfo(m, cpu, &flags));
    struct sgx_epcm *e = &m->epcm[page];
    if (!page_belongs(e, cpu->secs, linaddr) || e->type != SGX_PT_REG || e->pending || e->modified)
        return pf_enclu(linaddr);
    if (!e->r && !(flags & SGX_SECINFO_R) && (flags & SGX_SECINFO_W))
        return gp();
    bool was = e->w && e->x;
    e->r = e->r || (flags & SGX_SECINFO_R);
    e->w = e->w || (flags & SGX_SECINFO_W);
    e->x = e->x || (flags & SGX_SECINFO_X);
    m->count.writable_code += !was && e->w && e->x;
    return success();
}
