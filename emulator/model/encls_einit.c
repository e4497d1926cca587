// SPDX-License-Identifier: BSD-3-Clause
// EINIT (SDM 38.3): checks SIGSTRUCT against the SECS and makes the enclave enterable. Without EINITTOKEN: the signer
// must be IA32_SGXLEPUBKEYHASH, as on CPUs with flexible launch control.
#include "internal.h"

#include "base/string.h"
#include "crypto/rsa.h"

#define VENDOR_INTEL 0x8086u

// Header, vendor, exponent and reserved space; without CET its fields are reserved.
static bool sigstruct_form_valid(const struct sgx_sigstruct *s)
{
    return memcmp(s->header, SGX_SIGSTRUCT_HEADER, 16) == 0 && memcmp(s->header2, SGX_SIGSTRUCT_HEADER2, 16) == 0 &&
           (s->vendor == 0 || s->vendor == VENDOR_INTEL) && s->exponent == 3 &&
           all_zero(s->reserved1, sizeof(s->reserved1)) && all_zero(s->reserved2, sizeof(s->reserved2)) &&
           all_zero(s->reserved3, sizeof(s->reserved3)) && all_zero(s->reserved4, sizeof(s->reserved4)) &&
           !s->cet_attributes && !s->cet_attributes_mask;
}

static bool attributes_match(const struct sgx_secs *secs, const struct sgx_sigstruct *s)
{
    struct sgx_attributes a = secs->attributes, want = s->attributes, mask = s->attributemask;
    return (a.flags & mask.flags) == (want.flags & mask.flags) && (a.xfrm & mask.xfrm) == (want.xfrm & mask.xfrm) &&
           (secs->miscselect & s->miscmask) == (s->miscselect & s->miscmask);
}

// SDM 38.3 EINIT; 35 SIGSTRUCT.
static struct sgx_result einit(struct sgx_model *m, const struct sgx_sigstruct *guest, u64 epc)
{
    struct sgx_sigstruct sig = *guest;
    u8 mrenclave[32], mrsigner[32];

    TRY(check_epc_page(m, epc));
    if (!sigstruct_form_valid(&sig))
        return error(SGX_INVALID_SIG_STRUCT);
    if (rsa_sigstruct_verify(&sig) != 0)
        return error(SGX_INVALID_SIGNATURE);
    TRY(check_secs(m, epc));
    u32 page = page_index(epc);
    struct sgx_secs *secs = secs_of(m, page);
    struct secs_private *private = secs_private_of(m, page);
    if (!(secs->attributes.flags & SGX_ATTR_KSS) && !all_zero(sig.isvfamilyid, sizeof(sig.isvfamilyid)))
        return error(SGX_INVALID_SIG_STRUCT);
    if (secs->attributes.flags & SGX_ATTR_INIT)
        return gp();

    struct sha256 final = private->measurement;
    sha256_final(&final, mrenclave);
    if (memcmp(mrenclave, sig.enclavehash, sizeof(mrenclave)) != 0)
        return error(SGX_INVALID_MEASUREMENT);
    sha256(sig.modulus, sizeof(sig.modulus), mrsigner);
    bool authorized = memcmp(mrsigner, m->lepubkeyhash, sizeof(mrsigner)) == 0;
    // EINITTOKEN_KEY is the one controlled attribute.
    if ((secs->attributes.flags & SGX_ATTR_EINITTOKEN_KEY) && !authorized)
        return error(SGX_INVALID_ATTRIBUTE);
    if (!attributes_match(secs, &sig))
        return error(SGX_INVALID_ATTRIBUTE);
    if (!authorized)
        return error(SGX_INVALID_EINITTOKEN);

    memcpy(secs->mrenclave, mrenclave, sizeof(mrenclave));
    memcpy(secs->mrsigner, mrsigner, sizeof(mrsigner));
    secs->isvprodid = sig.isvprodid;
    secs->isvsvn = sig.isvsvn;
    memcpy(private->isvfamilyid, sig.isvfamilyid, 16);
    memcpy(private->isvextprodid, sig.isvextprodid, 16);
    secs->attributes.flags |= SGX_ATTR_INIT;
    return success();
}

struct sgx_result sgx_einit(struct sgx_model *m, const struct sgx_sigstruct *sig, u64 secs)
{
    return note_encls(m, ENCLS_EINIT, secs, einit(m, sig, secs));
}
