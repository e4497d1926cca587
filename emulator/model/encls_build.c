// SPDX-License-Identifier: BSD-3-Clause
// Building and taking down: ECREATE, EADD, EEXTEND, EREMOVE (SDM 38.3). EINIT is in encls_einit.c.
#include "internal.h"

#include "base/string.h"

#define MAX_SIZE_64 (1ull << 46) // CPUID.12H.0 EDX[15:8]
#define MAX_SIZE_32 (1ull << 31)
#define XFRM_AVX (1ull << 2)
#define XFRM_MPX (3ull << 3)
#define XFRM_AVX512 (7ull << 5)
#define XFRM_AMX (3ull << 17)

static bool secs_size_valid(const struct sgx_secs *s)
{
    bool mode64 = s->attributes.flags & SGX_ATTR_MODE64BIT;

    // The limit itself is refused: ECREATE compares with "greater or equal" (SDM 38.3 ECREATE).
    if (s->size < 2 * PAGE_SIZE || (s->size & (s->size - 1)) || s->size >= (mode64 ? MAX_SIZE_64 : MAX_SIZE_32))
        return false;
    if (mode64 ? !is_canonical(s->base) : s->base >> 32)
        return false;
    return IS_ALIGNED(s->base, s->size);
}

static bool secs_reserved_clear(const struct sgx_secs *s)
{
    bool kss = s->attributes.flags & SGX_ATTR_KSS;
    return all_zero(s->reserved1, sizeof(s->reserved1)) && all_zero(s->cet, sizeof(s->cet)) &&
           all_zero(s->reserved2, sizeof(s->reserved2)) && all_zero(s->reserved3, sizeof(s->reserved3)) &&
           all_zero(s->reserved4, sizeof(s->reserved4)) &&
           (kss || (all_zero(s->configid, sizeof(s->configid)) && s->configsvn == 0));
}

// All of a group of state components, or none.
static bool whole(u64 xfrm, u64 group) { return !(xfrm & group) || (xfrm & group) == group; }

// XSETBV would take XFRM (SDM 39.7.3; volume 1, 13.3): x87 and SSE always, MPX in a pair, AVX-512 whole and on AVX, AMX
// in a pair; and bit 63 is never set.
static bool xfrm_legal(u64 xfrm)
{
    if ((xfrm & 3) != 3 || xfrm >> 63)
        return false;
    return whole(xfrm, XFRM_MPX) && whole(xfrm, XFRM_AVX512) && whole(xfrm, XFRM_AMX) &&
           (!(xfrm & XFRM_AVX512) || (xfrm & XFRM_AVX));
}

// ECREATE's rules for the SECS (SDM 38.3 ECREATE, 35.7), in its order; each breach is #GP(0).
static bool secs_valid(const struct sgx_model *m, const struct sgx_secs *s)
{
    if (!xfrm_legal(s->attributes.xfrm) || (s->attributes.xfrm & ~m->config.xfrm))
        return false;
    if (s->miscselect & ~supported_miscselect(m))
        return false;
    if (sgx_ssa_frame_bytes(m, s->attributes.xfrm, s->miscselect) > (u64)s->ssaframesize * PAGE_SIZE)
        return false;
    if (!secs_size_valid(s))
        return false;
    return secs_reserved_clear(s) && attributes_supported(m, &s->attributes);
}

// SDM 38.3 ECREATE; 35 SECS, ATTRIBUTES; 39.7 XFRM.
static struct sgx_result ecreate(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    TRY(check_epc_page(m, epc));
    if (args->linaddr || (args->secs && args->secs != SGX_NO_SECS))
        return gp();
    // R, W, X and the state bits are not reserved; ECREATE ignores them.
    if (!secinfo_reserved_clear(args->secinfo) || !page_type_is(args->secinfo->flags, SGX_PT_SECS))
        return gp();
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->valid)
        return pf_epc(epc);
    struct sgx_secs copy;
    memcpy(&copy, args->srcpge, sizeof(copy));
    if (!secs_valid(m, &copy))
        return gp();

    *e = (struct sgx_epcm){ .valid = true, .type = SGX_PT_SECS, .secs = SGX_NO_PAGE };
    memset(copy.mrenclave, 0, sizeof(copy.mrenclave));
    memset(copy.mrsigner, 0, sizeof(copy.mrsigner));
    copy.isvprodid = copy.isvsvn = 0;
    memcpy(page_data(m, page_index(epc)), &copy, sizeof(copy));
    struct secs_private *private = secs_private_of(m, page_index(epc));
    private->eid = m->next_eid++;
    private->epoch = 1;
    sha256_init(&private->measurement);
    u8 block[64] = "ECREATE"; // SDM 36.4.1.1: tag, SSAFRAMESIZE, SIZE, zeros
    memcpy(block + 8, &copy.ssaframesize, 4);
    memcpy(block + 12, &copy.size, 8);
    sha256_update(&private->measurement, block, sizeof(block));
    return success();
}

// SDM 38.3 EADD; 35 SECINFO, TCS.
static bool is_zero(const u8 *data, size_t size) { return !data[0] && !memcmp(data, data + 1, size - 1); }

static struct sgx_result eadd(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    TRY(check_epc_page(m, epc));
    if (!IS_ALIGNED(args->linaddr, PAGE_SIZE))
        return gp();
    TRY(check_epc_page(m, args->secs));
    struct sgx_secinfo info = *args->secinfo;
    bool is_tcs = page_type_is(info.flags, SGX_PT_TCS);
    if (!secinfo_reserved_clear(&info) || !(is_tcs || page_type_is(info.flags, SGX_PT_REG)))
        return gp();
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->valid)
        return pf_epc(epc);
    TRY(check_secs(m, args->secs));
    u32 secs_page = page_index(args->secs);
    struct sgx_secs *secs = secs_of(m, secs_page);
    u8 copy[PAGE_SIZE] __attribute__((aligned(4096)));
    memcpy(copy, args->srcpge, sizeof(copy));
    if (is_tcs) {
        struct sgx_tcs *tcs = (struct sgx_tcs *)(void *)copy;
        if (!tcs_reserved_clear(m, tcs) || !tcs_limits_valid(secs, tcs))
            return gp();
        info.flags &= ~SECINFO_RWX;
        tcs->flags &= ~SGX_TCS_DBGOPTIN;
        tcs->cssa = 0;
        tcs->aep = tcs->stage = 0;
    } else if ((info.flags & SGX_SECINFO_W) && !(info.flags & SGX_SECINFO_R)) {
        return gp();
    }
    if (!in_elrange(secs->base, secs->size, args->linaddr, PAGE_SIZE) || (secs->attributes.flags & SGX_ATTR_INIT))
        return gp();

    *e = (struct sgx_epcm){ .valid = true,
                            .type = is_tcs ? SGX_PT_TCS : SGX_PT_REG,
                            .secs = secs_page,
                            .linaddr = args->linaddr,
                            .r = info.flags & SGX_SECINFO_R,
                            .w = info.flags & SGX_SECINFO_W,
                            .x = info.flags & SGX_SECINFO_X };
    if (!args->zeroed || !is_zero(copy, sizeof(copy)))
        memcpy(page_data(m, page_index(epc)), copy, sizeof(copy));
    struct secs_private *private = secs_private_of(m, secs_page);
    private->children++;
    // The state bits of SECINFO.FLAGS do not reach the EPCM, but the measurement sees them.
    measure(private, "EADD\0\0\0", args->linaddr - secs->base, &info, 48); // SDM 36.4.1.2
    return success();
}

// SDM 38.3 EEXTEND.
static struct sgx_result eextend(struct sgx_model *m, u64 secs_address, u64 epc)
{
    TRY(check_epc_page(m, secs_address));
    if (!IS_ALIGNED(epc, 256))
        return gp();
    if (!page_in_epc(m, epc))
        return pf_epc(epc);
    const struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (!e->valid || (e->type != SGX_PT_REG && e->type != SGX_PT_TCS))
        return pf_epc(epc);
    if (e->secs != page_index(secs_address))
        return gp();
    const struct sgx_secs *secs = secs_of(m, e->secs);
    if (secs->attributes.flags & SGX_ATTR_INIT)
        return gp();
    struct secs_private *private = secs_private_of(m, e->secs);
    measure(private, "EEXTEND", e->linaddr - secs->base + (epc & PAGE_MASK), NULL, 0); // SDM 36.4.1.3
    sha256_update(&private->measurement, page_data(m, page_index(epc)) + (epc & PAGE_MASK), 256);
    return success();
}

// SDM 38.3 EREMOVE.
static struct sgx_result eremove(struct sgx_model *m, u64 epc)
{
    TRY(check_epc_page(m, epc));
    u32 page = page_index(epc);
    struct sgx_epcm *e = &m->epcm[page];
    if (!e->valid)
        return success();
    if (e->type == SGX_PT_SECS && secs_private_of(m, page)->children)
        return error(SGX_CHILD_PRESENT);
    if (is_child_type(e->type)) {
        // The enclave accepted a TRIM page that is not MODIFIED: no thread can reach it, so those inside do not matter.
        bool accepted_trim = e->type == SGX_PT_TRIM && !e->modified;
        if (!accepted_trim && sgx_threads_inside(m, e->secs))
            return error(SGX_ENCLAVE_ACT);
        secs_private_of(m, e->secs)->children--;
    }
    if (!is_child_type(e->type)) // an enclave's own pages: whoever adds one anew says what it holds
        memset(page_data(m, page), 0, PAGE_SIZE);
    *e = (struct sgx_epcm){ .secs = SGX_NO_PAGE };
    return success();
}

struct sgx_result sgx_ecreate(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    return note_encls(m, ENCLS_ECREATE, epc, ecreate(m, args, epc));
}

struct sgx_result sgx_eadd(struct sgx_model *m, const struct sgx_page_args *args, u64 epc)
{
    return note_encls(m, ENCLS_EADD, epc, eadd(m, args, epc));
}

struct sgx_result sgx_eextend(struct sgx_model *m, u64 secs, u64 epc)
{
    return note_encls(m, ENCLS_EEXTEND, epc, eextend(m, secs, epc));
}

struct sgx_result sgx_eremove(struct sgx_model *m, u64 epc)
{
    return note_encls(m, ENCLS_EREMOVE, epc, eremove(m, epc));
}
