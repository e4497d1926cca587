// SPDX-License-Identifier: BSD-3-Clause
// EREPORT and EGETKEY (SDM 38.4).
#include "internal.h"

#include "base/string.h"
#include "crypto/aes.h"

enum { REPORTDATA_SIZE = 64, REPORTDATA_ALIGN = 128, REPORT_ALIGN = 512, KEY_SIZE = 16 };

static void fill_body(struct sgx_model *m, const struct sgx_cpu *cpu, struct sgx_report_body *body)
{
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    const struct secs_private *private = secs_private_of(m, cpu->secs);

    *body = (struct sgx_report_body){ .miscselect = secs->miscselect,
                                      .attributes = secs->attributes,
                                      .isvprodid = secs->isvprodid,
                                      .isvsvn = secs->isvsvn,
                                      .configsvn = secs->configsvn };
    memcpy(body->cpusvn, m->cpusvn, sizeof(body->cpusvn));
    memcpy(body->isvextprodid, private->isvextprodid, sizeof(body->isvextprodid));
    memcpy(body->isvfamilyid, private->isvfamilyid, sizeof(body->isvfamilyid));
    memcpy(body->mrenclave, secs->mrenclave, sizeof(body->mrenclave));
    memcpy(body->mrsigner, secs->mrsigner, sizeof(body->mrsigner));
    memcpy(body->configid, secs->configid, sizeof(body->configid));
}

// SDM 38.4 EREPORT; 35 TARGETINFO, REPORT.
struct sgx_result leaf_ereport(struct sgx_model *m, struct sgx_cpu *cpu)
{
    struct sgx_targetinfo target;
    struct sgx_report report = { 0 };
    u8 *target_data, *report_data, *out, key[KEY_SIZE];

    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(target), sizeof(target), SGX_READ, &target_data));
    TRY(enclu_operand(m, cpu, cpu->gpr.rcx, REPORTDATA_ALIGN, REPORTDATA_SIZE, SGX_READ, &report_data));
    TRY(enclu_operand(m, cpu, cpu->gpr.rdx, REPORT_ALIGN, sizeof(report), SGX_WRITE, &out));
    memcpy(&target, target_data, sizeof(target)); // its reserved bytes are not looked at
    fill_body(m, cpu, &report.body);
    memcpy(report.body.reportdata, report_data, REPORTDATA_SIZE);
    memcpy(report.keyid, m->report_keyid, sizeof(report.keyid));
    if (derive_report_key(m, &target, report.keyid, key) != 0 ||
        aes128_cmac(key, &report.body, sizeof(report.body), report.mac) != 0)
        return gp();
    memcpy(out, &report, sizeof(report));
    return success();
}

static struct sgx_result check_request(const struct sgx_model *m, const struct sgx_secs *secs,
                                       const struct sgx_keyrequest *r)
{
    bool kss = secs->attributes.flags & SGX_ATTR_KSS;
    u32 policies = SGX_KEYPOLICY_MRENCLAVE | SGX_KEYPOLICY_MRSIGNER |
                   (kss ? SGX_KEYPOLICY_NOISVPRODID | SGX_KEYPOLICY_CONFIGID | SGX_KEYPOLICY_ISVFAMILYID |
                              SGX_KEYPOLICY_ISVEXTPRODID
                        : 0);

    if (r->reserved1 || r->cet_attributes_mask || !all_zero(r->reserved2, sizeof(r->reserved2)) ||
        (r->keypolicy & ~policies) || (r->configsvn && !kss))
        return gp();
    return success();
}

// CPUSVN compares by its last byte; the rest is the emulator's mark and must be it.
static bool cpusvn_allowed(const struct sgx_model *m, const u8 cpusvn[16])
{
    return memcmp(cpusvn, m->cpusvn, 15) == 0 && cpusvn[15] <= m->cpusvn[15];
}

// The EINITTOKEN key is for the launch enclave: its attribute and its signer (SDM 38.4 EGETKEY).
static bool is_launch_enclave(const struct sgx_model *m, const struct sgx_secs *secs)
{
    return (secs->attributes.flags & SGX_ATTR_EINITTOKEN_KEY) &&
           memcmp(secs->mrsigner, m->lepubkeyhash, sizeof(secs->mrsigner)) == 0;
}

static bool may_have_key(const struct sgx_model *m, const struct sgx_secs *secs, u16 keyname)
{
    if (keyname == SGX_KEYSELECT_EINITTOKEN)
        return is_launch_enclave(m, secs);
    return keyname == SGX_KEYSELECT_SEAL || (secs->attributes.flags & SGX_ATTR_PROVISIONKEY);
}

// SGX_SUCCESS or why this enclave may not have the key.
static enum sgx_error check_key_rights(const struct sgx_model *m, const struct sgx_secs *secs,
                                       const struct sgx_keyrequest *r)
{
    if (r->keyname == SGX_KEYSELECT_REPORT)
        return SGX_SUCCESS;
    if (r->keyname > SGX_KEYSELECT_SEAL)
        return SGX_INVALID_KEYNAME;
    if (!may_have_key(m, secs, r->keyname))
        return SGX_INVALID_ATTRIBUTE;
    if (!cpusvn_allowed(m, r->cpusvn))
        return SGX_INVALID_CPUSVN;
    if (r->isvsvn > secs->isvsvn || (r->keyname == SGX_KEYSELECT_SEAL && r->configsvn > secs->configsvn))
        return SGX_INVALID_ISVSVN;
    return SGX_SUCCESS;
}

// INIT and DEBUG always count, whatever the mask says.
static struct sgx_attributes masked(const struct sgx_secs *secs, const struct sgx_keyrequest *r)
{
    u64 mask = r->attributemask.flags | SGX_ATTR_INIT | SGX_ATTR_DEBUG;
    return (struct sgx_attributes){ secs->attributes.flags & mask, secs->attributes.xfrm & r->attributemask.xfrm };
}

// Which inputs a key has (SDM 38.4 EGETKEY, table "Key Derivation"). All have the masked ATTRIBUTES and MISCSELECT,
// CPUSVN and ISVSVN of the request. Provisioning keys belong to the signer, on whoever owns the machine.
struct key_inputs {
    bool owner;  // OWNEREPOCH and KEYID
    bool masks;  // ATTRIBUTEMASK and MISCMASK themselves
    bool policy; // KEYPOLICY and what it chooses; without it ISVPRODID
    bool signer; // MRSIGNER whatever the policy; else MRENCLAVE and MRSIGNER by it
};
static const struct key_inputs key_inputs[] = {
    [SGX_KEYSELECT_EINITTOKEN] = { .owner = true, .signer = true },
    [SGX_KEYSELECT_PROVISION] = { .masks = true, .signer = true },
    [SGX_KEYSELECT_PROVISION_SEAL] = { .masks = true, .policy = true, .signer = true },
    [SGX_KEYSELECT_SEAL] = { .owner = true, .masks = true, .policy = true },
};

static void add_product(const struct sgx_secs *secs, const struct secs_private *private, const struct sgx_keyrequest *r,
                        struct key_dependencies *d)
{
    d->keypolicy = r->keypolicy;
    if (r->keypolicy & SGX_KEYPOLICY_NOISVPRODID)
        d->isvprodid = 0;
    if (r->keypolicy & SGX_KEYPOLICY_CONFIGID) {
        memcpy(d->configid, secs->configid, sizeof(d->configid));
        d->configsvn = r->configsvn;
    }
    if (r->keypolicy & SGX_KEYPOLICY_ISVFAMILYID)
        memcpy(d->isvfamilyid, private->isvfamilyid, sizeof(d->isvfamilyid));
    if (r->keypolicy & SGX_KEYPOLICY_ISVEXTPRODID)
        memcpy(d->isvextprodid, private->isvextprodid, sizeof(d->isvextprodid));
}

static void dependencies(struct sgx_model *m, const struct sgx_cpu *cpu, const struct sgx_keyrequest *r,
                         struct key_dependencies *d)
{
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    const struct key_inputs *in = &key_inputs[r->keyname];

    *d = (struct key_dependencies){ .keyname = r->keyname,
                                    .isvprodid = secs->isvprodid,
                                    .isvsvn = r->isvsvn,
                                    .attributes = masked(secs, r),
                                    .miscselect = secs->miscselect & r->miscmask };
    memcpy(d->cpusvn, r->cpusvn, sizeof(d->cpusvn));
    if (in->owner) {
        memcpy(d->owner_epoch, m->owner_epoch, sizeof(d->owner_epoch));
        memcpy(d->keyid, r->keyid, sizeof(d->keyid));
    }
    if (in->masks) {
        d->attributemask = r->attributemask;
        d->miscmask = r->miscmask;
    }
    if (in->policy)
        add_product(secs, secs_private_of(m, cpu->secs), r, d);
    if (in->signer || (r->keypolicy & SGX_KEYPOLICY_MRSIGNER))
        memcpy(d->mrsigner, secs->mrsigner, sizeof(d->mrsigner));
    if (!in->signer && (r->keypolicy & SGX_KEYPOLICY_MRENCLAVE))
        memcpy(d->mrenclave, secs->mrenclave, sizeof(d->mrenclave));
}

// The report key is that for which EREPORT makes a report with this enclave as its target.
static int own_report_key(struct sgx_model *m, const struct sgx_cpu *cpu, const u8 keyid[32], u8 ret_key[16])
{
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    struct sgx_targetinfo self = { .attributes = secs->attributes,
                                   .miscselect = secs->miscselect,
                                   .configsvn = secs->configsvn };

    memcpy(self.measurement, secs->mrenclave, sizeof(self.measurement));
    memcpy(self.configid, secs->configid, sizeof(self.configid));
    return derive_report_key(m, &self, keyid, ret_key);
}

// SDM 38.4 EGETKEY; 35 KEYREQUEST.
struct sgx_result leaf_egetkey(struct sgx_model *m, struct sgx_cpu *cpu)
{
    const struct sgx_secs *secs = secs_of(m, cpu->secs);
    struct sgx_keyrequest request;
    struct key_dependencies d;
    u8 *in, *out, key[KEY_SIZE];

    TRY(enclu_operand(m, cpu, cpu->gpr.rbx, sizeof(request), sizeof(request), SGX_READ, &in));
    TRY(enclu_operand(m, cpu, cpu->gpr.rcx, KEY_SIZE, KEY_SIZE, SGX_WRITE, &out));
    memcpy(&request, in, sizeof(request));
    TRY(check_request(m, secs, &request));
    enum sgx_error refused = check_key_rights(m, secs, &request);
    if (refused)
        return error(refused);
    int err;
    if (request.keyname == SGX_KEYSELECT_REPORT) {
        err = own_report_key(m, cpu, request.keyid, key);
    } else {
        dependencies(m, cpu, &request, &d);
        err = derive_key(m, &d, key);
    }
    if (err)
        return gp();
    memcpy(out, key, sizeof(key));
    return success();
}
