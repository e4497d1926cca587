// SPDX-License-Identifier: BSD-3-Clause
// Initialisation and what several leaves share.
#include "internal.h"

#include "base/string.h"

#include <errno.h>

#define XFRM_X87_SSE 3ull

static bool xsave_component_valid(const struct sgx_xsave_component *c)
{
    return c->size && c->offset >= 576 && (u64)c->offset + c->size <= SGX_SSA_XSAVE_PAGES * PAGE_SIZE;
}

int sgx_model_init(struct sgx_model *m, const struct sgx_config *config, const struct sgx_ops *ops, void *front,
                   struct sgx_epcm *epcm, u32 pages)
{
    static const char root_label[] = "SGX2EMU root key v1";
    u8 digest[SHA256_SIZE];
    struct sha256 ctx;

    if (!pages || pages == SGX_NO_PAGE || (config->xfrm & XFRM_X87_SSE) != XFRM_X87_SSE || !ops->page || !ops->walk)
        return -EINVAL;
    for (u32 i = 2; i < ARRAY_SIZE(config->xsave); i++)
        if ((config->xfrm >> i & 1) && !xsave_component_valid(&config->xsave[i]))
            return -EINVAL;
    memset(m, 0, sizeof(*m));
    m->config = *config;
    m->ops = *ops;
    m->front = front;
    m->epcm = epcm;
    m->pages = pages;
    m->next_eid = 1;
    m->next_version = 1;
    for (u32 i = 0; i < pages; i++)
        epcm[i] = (struct sgx_epcm){ .secs = SGX_NO_PAGE };
    sha256_init(&ctx);
    sha256_update(&ctx, root_label, sizeof(root_label));
    sha256_update(&ctx, config->fuse, sizeof(config->fuse));
    sha256_final(&ctx, digest);
    memcpy(m->root_key, digest, sizeof(m->root_key));
    memcpy(m->report_keyid, "SGX2EMU REPORT", 14);
    memcpy(m->report_keyid + 16, digest + 16, 16);
    memcpy(m->cpusvn, "SGX2EMU CPUSVN", 14);
    m->cpusvn[15] = config->security_version;
    return 0;
}

bool all_zero(const void *data, size_t size)
{
    const u8 *p = data;
    u8 any = 0;
    for (size_t i = 0; i < size; i++)
        any |= p[i];
    return any == 0;
}

bool secinfo_reserved_clear(const struct sgx_secinfo *secinfo)
{
    return !(secinfo->flags & ~SECINFO_FLAGS_ALL) && all_zero(secinfo->reserved, sizeof(secinfo->reserved));
}

u64 epcm_flags(const struct sgx_epcm *e)
{
    return (e->r ? SGX_SECINFO_R : 0) | (e->w ? SGX_SECINFO_W : 0) | (e->x ? SGX_SECINFO_X : 0) |
           (e->pending ? SGX_SECINFO_PENDING : 0) | (e->modified ? SGX_SECINFO_MODIFIED : 0) |
           (e->pr ? SGX_SECINFO_PR : 0) | SGX_SECINFO_PT(e->type);
}

struct sgx_result check_epc_page(const struct sgx_model *m, u64 epc)
{
    if (!IS_ALIGNED(epc, PAGE_SIZE))
        return gp();
    return page_in_epc(m, epc) ? success() : pf_epc(epc);
}

struct sgx_result check_secs(const struct sgx_model *m, u64 secs)
{
    TRY(check_epc_page(m, secs));
    const struct sgx_epcm *e = &m->epcm[page_index(secs)];
    return e->valid && e->type == SGX_PT_SECS ? success() : pf_epc(secs);
}

u64 tcs_flags_defined(const struct sgx_model *m)
{
    return SGX_TCS_DBGOPTIN | (m->config.aex_notify ? SGX_TCS_AEXNOTIFY : 0);
}

bool tcs_reserved_clear(const struct sgx_model *m, const struct sgx_tcs *tcs)
{
    // Without CET (not modelled) the fields for it are reserved.
    return !(tcs->flags & ~tcs_flags_defined(m)) && !tcs->ocetssa && !tcs->oprevssp &&
           all_zero(tcs->reserved, sizeof(tcs->reserved));
}

bool tcs_limits_valid(const struct sgx_secs *secs, const struct sgx_tcs *tcs)
{
    return (secs->attributes.flags & SGX_ATTR_MODE64BIT) ||
           ((tcs->fslimit & PAGE_MASK) == PAGE_MASK && (tcs->gslimit & PAGE_MASK) == PAGE_MASK);
}

u32 supported_miscselect(const struct sgx_model *m) { return m->config.sgx2 ? SGX_MISC_EXINFO : 0; }

bool attributes_supported(const struct sgx_model *m, const struct sgx_attributes *a)
{
    u64 flags = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN_KEY |
                (m->config.kss ? SGX_ATTR_KSS : 0) | (m->config.aex_notify ? SGX_ATTR_AEXNOTIFY : 0);
    return !(a->flags & ~flags);
}

void measure(struct secs_private *private, const char tag[8], u64 a, const void *rest, size_t rest_size)
{
    u8 block[64] = { 0 };

    memcpy(block, tag, 8);
    memcpy(block + 8, &a, 8);
    if (rest_size)
        memcpy(block + 16, rest, rest_size);
    sha256_update(&private->measurement, block, sizeof(block));
}

bool is_tracked(struct sgx_model *m, u32 page)
{
    const struct sgx_epcm *e = &m->epcm[page];
    const struct secs_private *private = secs_private_of(m, e->secs);

    // Two ETRACKs later the epoch has ended, because the second one demands it.
    if (private->epoch >= e->tracked_epoch + 2)
        return true;
    return private->epoch == e->tracked_epoch + 1 && private->inside[e->tracked_epoch & 1] == 0;
}

struct sgx_result note_encls(struct sgx_model *m, u32 leaf, u64 epc, struct sgx_result result)
{
    struct sgx_event event = { .kind = SGX_EVENT_ENCLS, .leaf = leaf, .address = epc, .result = result };

    m->count.encls[leaf]++;
    m->count.encls_failed[leaf] += result.vector || result.zf;
    if (m->ops.event)
        m->ops.event(m->front, &event);
    return result;
}

u32 sgx_threads_inside(struct sgx_model *m, u32 secs)
{
    const struct secs_private *private = secs_private_of(m, secs);
    return private->inside[0] + private->inside[1];
}

u64 sgx_child_count(struct sgx_model *m, u32 secs) { return secs_private_of(m, secs)->children; }
