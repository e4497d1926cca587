// SPDX-License-Identifier: BSD-3-Clause
// What each key depends on: the SDM's table "Key Derivation" (38.4 EGETKEY), every input against every key.
#include "model_fixture.h"

#include "model/internal.h"

#include <string.h>

enum { AT_KEY = 1024, KEYS = 5, ALL_POLICIES = 0x3b }; // every policy but NOISVPRODID

static struct sgx_keyrequest request;

static struct sgx_secs *secs(void) { return secs_of(&vm.model, P_SECS); }
static struct secs_private *hidden(void) { return secs_private_of(&vm.model, P_SECS); }

static void change_cpusvn(void) { request.cpusvn[15]--; }
static void change_own_cpusvn(void) { vm.model.cpusvn[15]++; }
static void change_isvsvn(void) { request.isvsvn--; }
static void change_isvprodid(void) { secs()->isvprodid++; }
static void change_mrenclave(void) { secs()->mrenclave[31] ^= 1; }
static void change_mrsigner(void) { secs()->mrsigner[31] ^= 1, vm.model.lepubkeyhash[31] ^= 1; }
static void change_epoch(void) { vm.model.owner_epoch[15] ^= 1; }
static void change_keyid(void) { request.keyid[31] ^= 1; }
static void change_xfrm(void) { secs()->attributes.xfrm ^= 4; }
static void change_debug(void) { secs()->attributes.flags ^= SGX_ATTR_DEBUG; }
static void change_unmasked(void) { secs()->attributes.flags ^= SGX_ATTR_MODE64BIT; }
static void change_attributemask(void) { request.attributemask.xfrm ^= 1ull << 9; }
static void change_miscselect(void) { secs()->miscselect ^= 1; }
static void change_miscmask(void) { request.miscmask ^= 2; }
static void change_noisvprodid(void) { request.keypolicy |= SGX_KEYPOLICY_NOISVPRODID; }
static void change_empty_policy(void)
{
    memset(hidden()->isvfamilyid, 0, 16), request.keypolicy ^= SGX_KEYPOLICY_ISVFAMILYID;
}
static void change_configid(void) { secs()->configid[63] ^= 1; }
static void change_configsvn(void) { request.configsvn--; }
static void change_own_configsvn(void) { secs()->configsvn++; }
static void change_family(void) { hidden()->isvfamilyid[15] ^= 1; }
static void change_extended(void) { hidden()->isvextprodid[15] ^= 1; }
static void change_fuses(void) { vm.model.root_key[15] ^= 1; }

// keys: of EINITTOKEN, PROVISION, PROVISION_SEAL, REPORT and SEAL, those that change ('1').
static const struct {
    const char *name;
    void (*change)(void);
    u16 policy;
    char keys[KEYS + 1];
} inputs[] = {
    { "CPUSVN of the request", change_cpusvn, ALL_POLICIES, "11101" },
    { "CPUSVN", change_own_cpusvn, ALL_POLICIES, "00010" },
    { "ISVSVN of the request", change_isvsvn, ALL_POLICIES, "11101" },
    { "ISVPRODID", change_isvprodid, ALL_POLICIES, "11101" },
    { "ISVPRODID, policy without it", change_isvprodid, ALL_POLICIES | SGX_KEYPOLICY_NOISVPRODID, "11000" },
    { "MRENCLAVE", change_mrenclave, ALL_POLICIES, "00011" },
    { "MRENCLAVE, policy without it", change_mrenclave, ALL_POLICIES & ~SGX_KEYPOLICY_MRENCLAVE, "00010" },
    { "MRSIGNER", change_mrsigner, ALL_POLICIES, "11101" },
    { "MRSIGNER, policy without it", change_mrsigner, ALL_POLICIES & ~SGX_KEYPOLICY_MRSIGNER, "11100" },
    { "OWNEREPOCH", change_epoch, ALL_POLICIES, "10011" },
    { "KEYID", change_keyid, ALL_POLICIES, "10011" },
    { "XFRM in the mask", change_xfrm, ALL_POLICIES, "11111" },
    { "DEBUG out of the mask", change_debug, ALL_POLICIES, "11111" },
    { "MODE64BIT out of the mask", change_unmasked, ALL_POLICIES, "00010" },
    { "ATTRIBUTEMASK", change_attributemask, ALL_POLICIES, "01101" },
    { "MISCSELECT in the mask", change_miscselect, ALL_POLICIES, "11111" },
    { "MISCMASK", change_miscmask, ALL_POLICIES, "01101" },
    { "KEYPOLICY", change_noisvprodid, ALL_POLICIES, "00101" },
    { "KEYPOLICY that chooses nothing", change_empty_policy, 0, "00101" },
    { "CONFIGID", change_configid, ALL_POLICIES, "00111" },
    { "CONFIGID, policy without it", change_configid, 0, "00010" },
    { "CONFIGSVN of the request", change_configsvn, ALL_POLICIES, "00101" },
    { "CONFIGSVN of the request, policy without it", change_configsvn, 0, "00000" },
    { "CONFIGSVN", change_own_configsvn, ALL_POLICIES, "00010" },
    { "ISVFAMILYID", change_family, ALL_POLICIES, "00101" },
    { "ISVFAMILYID, policy without it", change_family, 0, "00000" },
    { "ISVEXTPRODID", change_extended, ALL_POLICIES, "00101" },
    { "ISVEXTPRODID, policy without it", change_extended, 0, "00000" },
    { "fuses", change_fuses, ALL_POLICIES, "11111" },
};

static bool get_key(u8 ret_key[16])
{
    memcpy(vm.pages[P_INFO], &request, sizeof(request));
    struct sgx_result r = enclu(0, ENCLU_EGETKEY, LIN(L_INFO), LIN(L_INFO) + AT_KEY, 0);
    memcpy(ret_key, vm.pages[P_INFO] + AT_KEY, 16);
    return IS_OK(r);
}

static void prepare(u16 keyname, u16 policy)
{
    static struct machine fresh;

    if (!fresh.base) {
        machine_init(true);
        build(SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKEN_KEY | SGX_ATTR_KSS);
        secs()->configsvn = 4;
        enter(0);
        memcpy(&fresh, &vm, sizeof(vm));
    }
    memcpy(&vm, &fresh, sizeof(vm));
    request = (struct sgx_keyrequest){
        .keyname = keyname, .keypolicy = policy, .isvsvn = 3, .configsvn = 2, .miscmask = 1, .attributemask.xfrm = 7
    };
    memcpy(request.cpusvn, vm.model.cpusvn, 16);
}

TEST(key_dependence)
{
    extern int printf(const char *, ...);
    u8 first[16], second[16];
    u32 checked = 0;

    for (u32 i = 0; i < ARRAY_SIZE(inputs); i++)
        for (u16 name = 0; name < KEYS; name++) {
            prepare(name, inputs[i].policy);
            CHECK(get_key(first));
            inputs[i].change();
            CHECK(get_key(second));
            bool changed = memcmp(first, second, 16) != 0;
            if (changed != (inputs[i].keys[name] == '1'))
                test_fail(__FILE__, __LINE__, "key %u and %s", name, inputs[i].name);
            checked++;
        }
    printf("# %u pairs of a key and an input\n", checked);
}

// Two keys of the same inputs still differ.
TEST(keys_differ_by_name)
{
    u8 keys[KEYS][16];

    for (u16 name = 0; name < KEYS; name++) {
        prepare(name, 0);
        CHECK(get_key(keys[name]));
        for (u16 other = 0; other < name; other++)
            CHECK(memcmp(keys[name], keys[other], 16) != 0);
    }
}
