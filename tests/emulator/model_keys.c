// SPDX-License-Identifier: BSD-3-Clause
// EREPORT, EGETKEY, AES.
#include "model_fixture.h"

#include "crypto/aes.h"
#include "model/internal.h"

#include <string.h>

// In the info page: KEYREQUEST or TARGETINFO, report data, key, report
enum { AT_IN = 0, AT_DATA = 1024, AT_KEY = 1280, AT_REPORT = 1536 };
#define AT(offset) (LIN(L_INFO) + (offset))

static void prepare(u64 attributes)
{
    machine_init(true);
    build(attributes);
    enter(0);
}

static struct sgx_keyrequest seal_request(void)
{
    struct sgx_keyrequest r;
    memset(&r, 0, sizeof(r));
    r.keyname = SGX_KEYSELECT_SEAL;
    r.keypolicy = SGX_KEYPOLICY_MRSIGNER;
    memcpy(r.cpusvn, vm.model.cpusvn, 16);
    r.attributemask.flags = ~0ull;
    return r;
}

static struct sgx_result get_key(const struct sgx_keyrequest *r, u8 ret_key[16])
{
    memcpy(vm.pages[P_INFO] + AT_IN, r, sizeof(*r));
    struct sgx_result result = enclu(0, ENCLU_EGETKEY, AT(AT_IN), AT(AT_KEY), 0);
    memcpy(ret_key, vm.pages[P_INFO] + AT_KEY, 16);
    return result;
}

static struct sgx_result report(const struct sgx_targetinfo *target, struct sgx_report *ret_report)
{
    memcpy(vm.pages[P_INFO] + AT_IN, target, sizeof(*target));
    struct sgx_result result = enclu(0, ENCLU_EREPORT, AT(AT_IN), AT(AT_DATA), AT(AT_REPORT));
    memcpy(ret_report, vm.pages[P_INFO] + AT_REPORT, sizeof(*ret_report));
    return result;
}

#define BAD_REQUEST(name, change, check)          \
    TEST(egetkey_##name)                          \
    {                                             \
        u8 key[16];                               \
        prepare(0);                               \
        struct sgx_keyrequest r = seal_request(); \
        change;                                   \
        struct sgx_result got = get_key(&r, key); \
        CHECK(check);                             \
        CHECK(all_zero(key, 16));                 \
    }
BAD_REQUEST(reserved1, r.reserved1 = 1, IS_GP(got))
BAD_REQUEST(reserved2, r.reserved2[433] = 1, IS_GP(got))
BAD_REQUEST(cet, r.cet_attributes_mask = 1, IS_GP(got))
BAD_REQUEST(policy, r.keypolicy = 1 << 6, IS_GP(got))
BAD_REQUEST(policy_without_kss, r.keypolicy = SGX_KEYPOLICY_CONFIGID, IS_GP(got))
BAD_REQUEST(configsvn_without_kss, r.configsvn = 1, IS_GP(got))
BAD_REQUEST(keyname, r.keyname = 5, IS_ERROR(got, SGX_INVALID_KEYNAME))
BAD_REQUEST(provision, r.keyname = SGX_KEYSELECT_PROVISION, IS_ERROR(got, SGX_INVALID_ATTRIBUTE))
BAD_REQUEST(provision_seal, r.keyname = SGX_KEYSELECT_PROVISION_SEAL, IS_ERROR(got, SGX_INVALID_ATTRIBUTE))
BAD_REQUEST(einittoken, r.keyname = SGX_KEYSELECT_EINITTOKEN, IS_ERROR(got, SGX_INVALID_ATTRIBUTE))
BAD_REQUEST(cpusvn, r.cpusvn[15]++, IS_ERROR(got, SGX_INVALID_CPUSVN))
BAD_REQUEST(cpusvn_mark, r.cpusvn[0] = 0, IS_ERROR(got, SGX_INVALID_CPUSVN))
BAD_REQUEST(isvsvn, r.isvsvn = 6, IS_ERROR(got, SGX_INVALID_ISVSVN))

TEST(egetkey_operands)
{
    prepare(0);
    struct sgx_keyrequest r = seal_request();
    memcpy(vm.pages[P_INFO], &r, sizeof(r));
    CHECK(IS_GP(enclu(0, ENCLU_EGETKEY, AT(256), AT(AT_KEY), 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EGETKEY, AT(0), AT(AT_KEY) + 8, 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EGETKEY, 0x4000, AT(AT_KEY), 0)));
    CHECK(IS_GP(enclu(0, ENCLU_EGETKEY, AT(0), 0x4000, 0)));
    CHECK(IS_PF(enclu(0, ENCLU_EGETKEY, LIN(L_TCS), AT(AT_KEY), 0), LIN(L_TCS), CODE_PFX));
    CHECK(IS_PF(enclu(0, ENCLU_EGETKEY, AT(0), LIN(L_CODE), 0), LIN(L_CODE), CODE_PFX | SGX_PFEC_W));
    CHECK(IS_OK(enclu(0, ENCLU_EGETKEY, AT(0), AT(AT_KEY), 0)));
}

TEST(seal_keys)
{
    u8 first[16], second[16];
    prepare(0);
    struct sgx_keyrequest r = seal_request(), other = r;
    CHECK(IS_OK(get_key(&r, first)));
    CHECK(!all_zero(first, 16));
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) == 0);
    other.isvsvn = 5;
    CHECK(IS_OK(get_key(&other, second)));
    CHECK(memcmp(first, second, 16) != 0);
    other = r, other.keyid[0] = 1;
    CHECK(IS_OK(get_key(&other, second)));
    CHECK(memcmp(first, second, 16) != 0);
    other = r, other.keypolicy = SGX_KEYPOLICY_MRENCLAVE;
    CHECK(IS_OK(get_key(&other, second)));
    CHECK(memcmp(first, second, 16) != 0);
    other = r, other.cpusvn[15]--;
    CHECK(IS_OK(get_key(&other, second)));
    CHECK(memcmp(first, second, 16) != 0);
    // A higher ISVSVN still opens what the lower one sealed.
    secs_of(&vm.model, P_SECS)->isvsvn = 9;
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) == 0);
    // DEBUG always counts, even outside the mask.
    r.attributemask.flags = 0;
    CHECK(IS_OK(get_key(&r, first)));
    secs_of(&vm.model, P_SECS)->attributes.flags ^= SGX_ATTR_DEBUG;
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) != 0);
    secs_of(&vm.model, P_SECS)->attributes.flags ^= SGX_ATTR_DEBUG;
    // Another signer, another product, other fuses: other keys.
    secs_of(&vm.model, P_SECS)->mrsigner[0] ^= 1;
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) != 0);
    secs_of(&vm.model, P_SECS)->mrsigner[0] ^= 1;
    secs_of(&vm.model, P_SECS)->isvprodid ^= 1;
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) != 0);
    secs_of(&vm.model, P_SECS)->isvprodid ^= 1;
    vm.model.root_key[0] ^= 1;
    CHECK(IS_OK(get_key(&r, second)));
    CHECK(memcmp(first, second, 16) != 0);
}

TEST(privileged_keys_and_kss)
{
    u8 key[16], other[16];
    prepare(SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN_KEY | SGX_ATTR_KSS);
    struct sgx_keyrequest r = seal_request();
    for (u16 name = SGX_KEYSELECT_EINITTOKEN; name <= SGX_KEYSELECT_PROVISION_SEAL; name++) {
        r.keyname = name;
        CHECK(IS_OK(get_key(&r, key)));
    }
    r = seal_request(), r.keypolicy |= SGX_KEYPOLICY_CONFIGID;
    CHECK(IS_OK(get_key(&r, key)));
    secs_of(&vm.model, P_SECS)->configid[0] ^= 1;
    CHECK(IS_OK(get_key(&r, other)));
    CHECK(memcmp(key, other, 16) != 0);
    r.configsvn = 1;
    CHECK(IS_ERROR(get_key(&r, key), SGX_INVALID_ISVSVN));
}

static struct sgx_targetinfo self(void)
{
    struct sgx_targetinfo t;
    const struct sgx_secs *s = secs_of(&vm.model, P_SECS);
    memset(&t, 0, sizeof(t));
    memcpy(t.measurement, s->mrenclave, 32);
    t.attributes = s->attributes;
    t.miscselect = s->miscselect;
    return t;
}

TEST(report_verifies_with_the_targets_report_key)
{
    struct sgx_report rep;
    u8 key[16], mac[16];
    prepare(0);
    struct sgx_targetinfo t = self();
    memset(vm.pages[P_INFO] + AT_DATA, 0x77, 64);
    CHECK(IS_OK(report(&t, &rep)));
    const struct sgx_secs *s = secs_of(&vm.model, P_SECS);
    CHECK(memcmp(rep.body.mrenclave, s->mrenclave, 32) == 0 && memcmp(rep.body.mrsigner, s->mrsigner, 32) == 0);
    CHECK(rep.body.isvprodid == 7 && rep.body.isvsvn == 5 && rep.body.reportdata[63] == 0x77);
    CHECK(rep.body.attributes.flags == s->attributes.flags && rep.body.miscselect == 1);
    CHECK(memcmp(rep.body.cpusvn, "SGX2EMU", 7) == 0);
    struct sgx_keyrequest r;
    memset(&r, 0, sizeof(r));
    r.keyname = SGX_KEYSELECT_REPORT;
    memcpy(r.keyid, rep.keyid, 32);
    CHECK(IS_OK(get_key(&r, key)));
    CHECK_EQ(aes128_cmac(key, &rep.body, sizeof(rep.body), mac), 0);
    CHECK(memcmp(mac, rep.mac, 16) == 0);
    t.measurement[0] ^= 1;
    CHECK(IS_OK(report(&t, &rep)));
    CHECK(memcmp(mac, rep.mac, 16) != 0);
}

// Every field of the body comes from the SECS.
TEST(report_body)
{
    struct sgx_report rep;
    prepare(SGX_ATTR_KSS);
    struct sgx_secs *s = secs_of(&vm.model, P_SECS);
    struct secs_private *hidden = secs_private_of(&vm.model, P_SECS);
    struct sgx_targetinfo t = self();
    s->configid[63] = 1, s->configsvn = 2, hidden->isvfamilyid[15] = 3, hidden->isvextprodid[15] = 4;
    CHECK(IS_OK(report(&t, &rep)));
    CHECK_EQ(rep.body.configid[63], 1);
    CHECK_EQ(rep.body.configsvn, 2);
    CHECK_EQ(rep.body.isvfamilyid[15], 3);
    CHECK_EQ(rep.body.isvextprodid[15], 4);
    CHECK(rep.body.attributes.flags == s->attributes.flags && rep.body.attributes.xfrm == 7);
    CHECK(all_zero(rep.body.reserved1, 11) && all_zero(rep.body.reserved2, 32) && all_zero(rep.body.reserved3, 32) &&
          all_zero(rep.body.reserved4, 42) && !rep.body.cet_attributes);
    CHECK(memcmp(rep.keyid, vm.model.report_keyid, 32) == 0);
}

TEST(ereport_operands)
{
    struct sgx_report rep;
    prepare(0);
    struct sgx_targetinfo t = self(), odd = t;
    odd.reserved1 = odd.reserved2[0] = odd.reserved3[383] = 1; // not looked at
    CHECK(IS_OK(report(&odd, &rep)));
    CHECK(IS_OK(report(&t, &rep)));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, AT(256), AT(AT_DATA), AT(AT_REPORT))));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, AT(0), AT(AT_DATA) + 64, AT(AT_REPORT))));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, AT(0), AT(AT_DATA), AT(AT_REPORT) + 256)));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, 0x4000, AT(AT_DATA), AT(AT_REPORT))));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, AT(0), 0x4000, AT(AT_REPORT))));
    CHECK(IS_GP(enclu(0, ENCLU_EREPORT, AT(0), AT(AT_DATA), 0x4000)));
    CHECK(IS_PF(enclu(0, ENCLU_EREPORT, AT(0), AT(AT_DATA), LIN(L_CODE)), LIN(L_CODE), CODE_PFX | SGX_PFEC_W));
}

TEST(cmac_rfc4493)
{
    const u8 key[16] = {
        0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c
    };
    const u8 message[16] = { 0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96,
                             0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17, 0x2a };
    const u8 want[16] = {
        0x07, 0x0a, 0x16, 0xb4, 0x6b, 0x4d, 0x41, 0x44, 0xf7, 0x9b, 0xdd, 0x9d, 0xd0, 0x4a, 0x28, 0x7c
    };
    u8 mac[16];
    CHECK_EQ(aes128_cmac(key, message, 16, mac), 0);
    CHECK(memcmp(mac, want, 16) == 0);
}
