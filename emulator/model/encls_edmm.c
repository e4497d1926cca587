// SPDX-License-Identifier: BSD-3-Clause
// SGX2's supervisor leaves: EAUG, EMODPR, EMODT (SDM 38.3). Without SGX2 they are invalid leaves: #GP.
#include "internal.h"

#include "base/string.h"

// SDM 38.3 EAUG.
static struct sgx_result eaug(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    if (!m->config.sgx2)
        return gp();
    TRY(check_epc_page(m, epc));
    if (!IS_ALIGNED(args->secs, PAGE_SIZE) || !IS_ALIGNED(args->linaddr, PAGE_SIZE) || args->srcpge)
        return gp();
    TRY(check_epc_page(m, args->secs));
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->valid)
        return pf_epc(epc);
    if (args->secinfo) // only for shadow stacks, which need CET
        return gp();
    TRY(check_secs(m, args->secs));
    u32 secs_page = page_index(args->secs);
    const struct sgx_secs *secs = secs_of(m, secs_page);
    if (!(secs->attributes.flags & SGX_ATTR_INIT))
        return gp();
    if (!in_elrange(secs->base, secs->size, args->linaddr, PAGE_SIZE))
        return gp();

    *e = (struct sgx_epcm){ .valid = true,
                            .type = SGX_PT_REG,
                            .r = true,
                            .w = true,
                            .pending = true,
                            .secs = secs_page,
                            .linaddr = args->linaddr };
    if (!args->zeroed)
        memset(page_data(m, page_index(epc)), 0, PAGE_SIZE);
    secs_private_of(m, secs_page)->children++;
    return success();
}

// SDM 38.3 EMODPR.
static struct sgx_result emodpr(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc)
{
    if (!m->config.sgx2)
        return gp();
    TRY(check_epc_page(m, epc));
    u64 flags = secinfo->flags;
    if (!secinfo_reserved_clear(secinfo) || ((flags & SGX_SECINFO_W) && !(flags & SGX_SECINFO_R)))
        return gp();
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (!e->valid)
        return pf_epc(epc);
    // Before the type, so that software can tell a TRIM page that was accepted (#PF) from one that was not.
    if (e->pending || e->modified)
        return error(SGX_PAGE_NOT_MODIFIABLE);
    if (e->type != SGX_PT_REG)
        return pf_epc(epc);
    if (!(secs_of(m, e->secs)->attributes.flags & SGX_ATTR_INIT))
        return gp();

    e->tracked_epoch = secs_private_of(m, e->secs)->epoch;
    e->pr = true;
    e->r = e->r && (flags & SGX_SECINFO_R);
    e->w = e->w && (flags & SGX_SECINFO_W);
    e->x = e->x && (flags & SGX_SECINFO_X);
    return success();
}

// SDM 38.3 EMODT.
static struct sgx_result emodt(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc)
{
    if (!m->config.sgx2)
        return gp();
    TRY(check_epc_page(m, epc));
    bool trim = page_type_is(secinfo->flags, SGX_PT_TRIM);
    if (!secinfo_reserved_clear(secinfo) || !(trim || page_type_is(secinfo->flags, SGX_PT_TCS)))
        return gp();
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (!e->valid || !(e->type == SGX_PT_REG || (e->type == SGX_PT_TCS && trim)))
        return pf_epc(epc);
    if (e->pending || e->modified)
        return error(SGX_PAGE_NOT_MODIFIABLE);
    if (!(secs_of(m, e->secs)->attributes.flags & SGX_ATTR_INIT))
        return gp();

    e->tracked_epoch = secs_private_of(m, e->secs)->epoch;
    e->pr = false;
    e->modified = true;
    e->r = e->w = e->x = false;
    e->type = trim ? SGX_PT_TRIM : SGX_PT_TCS;
    return success();
}

struct sgx_result sgx_eaug(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    return note_encls(m, ENCLS_EAUG, epc, eaug(m, args, epc));
}

struct sgx_result sgx_emodpr(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc)
{
    return note_encls(m, ENCLS_EMODPR, epc, emodpr(m, secinfo, epc));
}

struct sgx_result sgx_emodt(struct sgx_model *m, const struct sgx_secinfo *secinfo, u64 epc)
{
    return note_encls(m, ENCLS_EMODT, epc, emodt(m, secinfo, epc));
}
