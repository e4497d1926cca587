// SPDX-License-Identifier: BSD-3-Clause
// Paging: EBLOCK, ETRACK, EPA, EWB, ELDU, ELDB (SDM 36.5, 38.3).
#include "internal.h"

#include "base/string.h"
#include "crypto/aes.h"

// What the MAC covers besides the page (SDM 35 PCMD, 38.3 EWB): with PCMD's reserved bytes and the emulator's mark.
struct mac_header {
    struct sgx_secinfo secinfo;
    u64 eid, linaddr, version;
    u8 reserved[40];
    char vendor[64];
};
static_assert(sizeof(struct mac_header) == 192); // no padding

// Not an error but a state that software is told of, by CF.
static struct sgx_result informed(enum sgx_error code) { return (struct sgx_result){ .cf = true, .rax = code }; }

// SDM 38.3 EBLOCK.
static struct sgx_result eblock(struct sgx_model *m, u64 epc)
{
    TRY(check_epc_page(m, epc));
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (!e->valid)
        return error(SGX_PG_INVLD);
    // CF, not ZF, tells that the page is not blockable or already blocked.
    if (!is_child_type(e->type))
        return informed(e->type == SGX_PT_SECS ? SGX_PG_IS_SECS : SGX_NOTBLOCKABLE);
    if (e->blocked)
        return informed(SGX_BLKSTATE);
    e->blocked = true;
    e->tracked_epoch = secs_private_of(m, e->secs)->epoch;
    return success();
}

// SDM 38.3 ETRACK; tracking 36.5.1.
static struct sgx_result etrack(struct sgx_model *m, u64 secs)
{
    TRY(check_secs(m, secs));
    struct secs_private *private = secs_private_of(m, page_index(secs));
    if (private->inside[(private->epoch + 1) & 1]) // of the epoch before this one
        return error(SGX_PREV_TRK_INCMPL);
    private->epoch++;
    return success();
}

// SDM 38.3 EPA; 35 version array.
static struct sgx_result epa(struct sgx_model *m, u64 rbx, u64 epc)
{
    if (rbx != SGX_PT_VA)
        return gp();
    TRY(check_epc_page(m, epc));
    struct sgx_epcm *e = &m->epcm[page_index(epc)];
    if (e->valid)
        return pf_epc(epc);
    *e = (struct sgx_epcm){ .valid = true, .type = SGX_PT_VA, .secs = SGX_NO_PAGE };
    memset(page_data(m, page_index(epc)), 0, PAGE_SIZE);
    return success();
}

// Alignment and place of the two EPC operands of EWB and ELD.
static struct sgx_result check_places(const struct sgx_model *m, u64 epc, u64 va_slot)
{
    TRY(check_epc_page(m, epc));
    if (!IS_ALIGNED(va_slot, 8))
        return gp();
    return page_in_epc(m, va_slot) ? success() : pf_epc(va_slot);
}

static bool is_va_page(const struct sgx_model *m, u64 va_slot)
{
    const struct sgx_epcm *va = &m->epcm[page_index(va_slot)];
    return va->valid && va->type == SGX_PT_VA;
}

static u64 *slot_of(struct sgx_model *m, u64 va_slot)
{
    return (u64 *)(void *)(page_data(m, page_index(va_slot)) + (va_slot & PAGE_MASK));
}

static struct mac_header header_of(u64 eid, u64 linaddr, const struct sgx_pcmd *pcmd, u64 version)
{
    struct mac_header h = {
        .secinfo = pcmd->secinfo, .eid = eid, .linaddr = linaddr, .version = version, .vendor = "SGX2EMU EWB v2"
    };
    memcpy(h.reserved, pcmd->reserved, sizeof(h.reserved));
    return h;
}

// The version is used once under a key, so it serves as the GCM nonce.
static void nonce_of(u64 version, u8 ret_iv[AES_GCM_IV_SIZE])
{
    memset(ret_iv, 0, AES_GCM_IV_SIZE);
    memcpy(ret_iv, &version, sizeof(version));
}

// The state in which a page may leave the EPC.
static struct sgx_result check_evictable(struct sgx_model *m, u32 page)
{
    const struct sgx_epcm *e = &m->epcm[page];

    if (e->type == SGX_PT_SECS)
        return secs_private_of(m, page)->children ? error(SGX_CHILD_PRESENT) : success();
    if (e->type == SGX_PT_VA)
        return success();
    if (!e->blocked)
        return error(SGX_PAGE_NOT_BLOCKED);
    return is_tracked(m, page) ? success() : error(SGX_NOT_TRACKED);
}

// SDM 38.3 EWB; 35 PCMD.
static struct sgx_result ewb(struct sgx_model *m, struct sgx_page_args *args, u64 epc, u64 va_slot)
{
    TRY(check_places(m, epc, va_slot));
    if (page_index(epc) == page_index(va_slot))
        return gp();
    if (args->linaddr || (args->secs && args->secs != SGX_NO_SECS))
        return gp();
    u32 page = page_index(epc);
    struct sgx_epcm *e = &m->epcm[page];
    if (!e->valid)
        return pf_epc(epc);
    if (!is_va_page(m, va_slot))
        return pf_epc(va_slot);
    struct sgx_result state = check_evictable(m, page);
    if (state.zf)
        return state;

    bool child = is_child_type(e->type);
    u64 eid = child ? secs_private_of(m, e->secs)->eid : 0, version = m->next_version;
    // ENCLAVEID is a handle for software: of a SECS, its own; the MAC binds only children to an enclave.
    struct sgx_pcmd pcmd = { .secinfo.flags = epcm_flags(e),
                             .enclaveid = e->type == SGX_PT_SECS ? secs_private_of(m, page)->eid : eid };
    struct mac_header header = header_of(eid, e->linaddr, &pcmd, version);
    u8 iv[AES_GCM_IV_SIZE];
    nonce_of(version, iv);
    if (aes128_gcm_seal(m->config.paging_key, iv, &header, sizeof(header), page_data(m, page), PAGE_SIZE, args->srcpge,
                        pcmd.mac) != 0)
        return gp();
    m->next_version++;
    *args->pcmd = pcmd;
    args->linaddr = e->linaddr;
    u64 *slot = slot_of(m, va_slot);
    struct sgx_result result = *slot ? informed(SGX_VA_SLOT_OCCUPIED) : success();
    *slot = version;
    if (child)
        secs_private_of(m, e->secs)->children--;
    memset(page_data(m, page), 0, PAGE_SIZE);
    *e = (struct sgx_epcm){ .secs = SGX_NO_PAGE };
    return result;
}

// The SECS that a child in PCMD belongs to; SGX_NO_PAGE for SECS and VA pages, where PAGEINFO.SECS is not looked at.
static struct sgx_result find_parent(const struct sgx_model *m, const struct sgx_page_args *args, u32 type,
                                     u32 *ret_secs)
{
    *ret_secs = SGX_NO_PAGE;
    if (!is_child_type(type))
        return success();
    TRY(check_secs(m, args->secs));
    *ret_secs = page_index(args->secs);
    return success();
}

// SDM 38.3 ELDB/ELDU.
static struct sgx_result eld(struct sgx_model *m, const struct sgx_page_args *args, u64 epc, u64 va_slot, bool blocked)
{
    u32 page = page_index(epc), secs;
    u8 plain[PAGE_SIZE], iv[AES_GCM_IV_SIZE];
    struct sgx_pcmd pcmd = *args->pcmd;
    u64 flags = pcmd.secinfo.flags;

    TRY(check_places(m, epc, va_slot));
    struct sgx_epcm *e = &m->epcm[page];
    if (e->valid)
        return pf_epc(epc);
    if (!is_va_page(m, va_slot))
        return pf_epc(va_slot);
    // PCMD is checked by nothing but the MAC, which covers its reserved bits.
    TRY(find_parent(m, args, (u32)(flags >> SGX_SECINFO_PT_SHIFT) & 0xff, &secs));
    u64 *slot = slot_of(m, va_slot);
    u64 eid = secs == SGX_NO_PAGE ? 0 : secs_private_of(m, secs)->eid;
    struct mac_header header = header_of(eid, args->linaddr, &pcmd, *slot);
    nonce_of(*slot, iv);
    if (aes128_gcm_open(m->config.paging_key, iv, &header, sizeof(header), args->srcpge, PAGE_SIZE, plain, pcmd.mac) !=
        0)
        return error(SGX_MAC_COMPARE_FAIL);

    *slot = 0;
    *e = (struct sgx_epcm){ .valid = true,
                            .type = (u8)(flags >> SGX_SECINFO_PT_SHIFT),
                            .secs = secs,
                            .linaddr = args->linaddr,
                            .r = flags & SGX_SECINFO_R,
                            .w = flags & SGX_SECINFO_W,
                            .x = flags & SGX_SECINFO_X,
                            .pending = flags & SGX_SECINFO_PENDING,
                            .modified = flags & SGX_SECINFO_MODIFIED,
                            .pr = flags & SGX_SECINFO_PR };
    memcpy(page_data(m, page), plain, PAGE_SIZE);
    if (secs != SGX_NO_PAGE) {
        // EWB proved that no old translation was left; only one made after this load can be.
        struct secs_private *private = secs_private_of(m, secs);
        e->blocked = blocked;
        e->tracked_epoch = private->epoch >= 2 ? private->epoch - 2 : 0;
        private->children++;
    }
    return success();
}

struct sgx_result sgx_eblock(struct sgx_model *m, u64 epc) { return note_encls(m, ENCLS_EBLOCK, epc, eblock(m, epc)); }

struct sgx_result sgx_etrack(struct sgx_model *m, u64 secs)
{
    return note_encls(m, ENCLS_ETRACK, secs, etrack(m, secs));
}

struct sgx_result sgx_epa(struct sgx_model *m, u64 rbx, u64 epc)
{
    return note_encls(m, ENCLS_EPA, epc, epa(m, rbx, epc));
}

struct sgx_result sgx_ewb(struct sgx_model *m, struct sgx_page_args *args, u64 epc, u64 va_slot)
{
    return note_encls(m, ENCLS_EWB, epc, ewb(m, args, epc, va_slot));
}

struct sgx_result sgx_eld(struct sgx_model *m, const struct sgx_page_args *args, u64 epc, u64 va_slot, bool blocked)
{
    return note_encls(m, blocked ? ENCLS_ELDB : ENCLS_ELDU, epc, eld(m, args, epc, va_slot, blocked));
}
