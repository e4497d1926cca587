// SPDX-License-Identifier: BSD-3-Clause
// ECREATE, EADD, EEXTEND, EINIT, EREMOVE, EDBGRD, EDBGWR, CPUID.
#include "model_fixture.h"

#include "model/internal.h"

#include <string.h>

#define RW (SGX_SECINFO_R | SGX_SECINFO_W)
#define REG SGX_SECINFO_PT(SGX_PT_REG)
#define TCS SGX_SECINFO_PT(SGX_PT_TCS)

// Each line breaks one rule of a SECS that is otherwise right.
#define BAD_SECS(name, change)              \
    TEST(ecreate_##name)                    \
    {                                       \
        machine_init(true);                 \
        struct sgx_secs s = secs_default(); \
        change;                             \
        CHECK(IS_GP(create(&s)));           \
        CHECK(!vm.epcm[P_SECS].valid);      \
    }
BAD_SECS(xfrm_without_x87, s.attributes.xfrm = 2)
BAD_SECS(xfrm_without_sse, s.attributes.xfrm = 5)
BAD_SECS(xfrm_unsupported, s.attributes.xfrm = 7 | 1 << 9)
BAD_SECS(miscselect, s.miscselect = 2)
BAD_SECS(ssaframesize_zero, s.ssaframesize = 0)
BAD_SECS(size_one_page, s.size = 4096)
BAD_SECS(size_not_power, s.size = 3 * 4096)
BAD_SECS(size_too_big, (s.size = 1ull << 47, s.base = 0))
BAD_SECS(base_unaligned, s.base += 4096)
BAD_SECS(base_not_canonical, s.base = 1ull << 60)
BAD_SECS(attribute_init, s.attributes.flags |= SGX_ATTR_INIT)
BAD_SECS(attribute_cet, s.attributes.flags |= SGX_ATTR_CET)
BAD_SECS(attribute_aexnotify, s.attributes.flags |= SGX_ATTR_AEXNOTIFY)
BAD_SECS(attribute_reserved, s.attributes.flags |= 8)
BAD_SECS(reserved1, s.reserved1[15] = 1)
BAD_SECS(reserved2, s.reserved2[0] = 1)
BAD_SECS(reserved3, s.reserved3[31] = 1)
BAD_SECS(reserved4, s.reserved4[3833] = 1)
BAD_SECS(cet_field, s.cet[0] = 1)
BAD_SECS(configid_without_kss, s.configid[0] = 1)
BAD_SECS(configsvn_without_kss, s.configsvn = 1)
BAD_SECS(mode32_high_base, (s.attributes.flags &= ~SGX_ATTR_MODE64BIT, s.base = 1ull << 32))

TEST(ecreate_operands)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    struct sgx_secinfo info = { 0 }, wrong = { .flags = REG }, reserved = { .reserved[3] = 1 };
    struct sgx_page_args args = { .srcpge = (u8 *)&s, .secinfo = &info }, bad = args;
    CHECK(IS_GP(sgx_ecreate(&vm.model, &args, SECS_ADDRESS + 8)));
    CHECK(IS_PF_EPC(sgx_ecreate(&vm.model, &args, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    bad.linaddr = 4096;
    CHECK(IS_GP(sgx_ecreate(&vm.model, &bad, SECS_ADDRESS)));
    bad = args, bad.secs = 4096;
    CHECK(IS_GP(sgx_ecreate(&vm.model, &bad, SECS_ADDRESS)));
    bad = args, bad.secinfo = &wrong;
    CHECK(IS_GP(sgx_ecreate(&vm.model, &bad, SECS_ADDRESS)));
    bad = args, bad.secinfo = &reserved;
    CHECK(IS_GP(sgx_ecreate(&vm.model, &bad, SECS_ADDRESS)));
    CHECK(IS_OK(sgx_ecreate(&vm.model, &args, SECS_ADDRESS)));
    CHECK(vm.epcm[P_SECS].valid && vm.epcm[P_SECS].type == SGX_PT_SECS && vm.epcm[P_SECS].secs == SGX_NO_PAGE);
    CHECK(IS_PF_EPC(sgx_ecreate(&vm.model, &args, SECS_ADDRESS), SECS_ADDRESS));
    CHECK_EQ(vm.model.count.encls[ENCLS_ECREATE], 8);
    CHECK_EQ(vm.model.count.encls_failed[ENCLS_ECREATE], 7);
    CHECK_EQ(vm.events, 8);
}

TEST(ecreate_base_zero_and_large)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    s.base = 0;
    s.size = 1ull << 46; // what CPUID tells is the first size that is refused
    CHECK(IS_GP(create(&s)));
    s.size = 1ull << 45;
    CHECK(IS_OK(create(&s)));
}

TEST(eadd_operands)
{
    machine_init(true);
    u8 data[4096] __attribute__((aligned(4096))) = { 1 };
    struct sgx_secinfo info = { .flags = REG | RW };
    struct sgx_page_args args = { .srcpge = data, .secinfo = &info, .linaddr = LIN(0), .secs = SECS_ADDRESS },
                         bad = args;
    struct sgx_secs s = secs_default();
    CHECK(IS_PF_EPC(sgx_eadd(&vm.model, &args, EPC(2)), SECS_ADDRESS));
    CHECK(IS_OK(create(&s)));
    CHECK(IS_GP(sgx_eadd(&vm.model, &args, EPC(2) + 1)));
    CHECK(IS_PF_EPC(sgx_eadd(&vm.model, &args, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    bad.linaddr++;
    CHECK(IS_GP(sgx_eadd(&vm.model, &bad, EPC(2))));
    bad = args, bad.secs++;
    CHECK(IS_GP(sgx_eadd(&vm.model, &bad, EPC(2))));
    bad = args, bad.secs = EPC(EPC_PAGES);
    CHECK(IS_PF_EPC(sgx_eadd(&vm.model, &bad, EPC(2)), EPC(EPC_PAGES)));
    bad = args, bad.linaddr = LIN(ENCLAVE_PAGES);
    CHECK(IS_GP(sgx_eadd(&vm.model, &bad, EPC(2))));
    bad = args, bad.linaddr = vm.base - 4096;
    CHECK(IS_GP(sgx_eadd(&vm.model, &bad, EPC(2))));
    CHECK(!vm.epcm[2].valid);
    CHECK(IS_OK(sgx_eadd(&vm.model, &args, EPC(2))));
    CHECK(vm.epcm[2].valid && vm.epcm[2].r && vm.epcm[2].w && !vm.epcm[2].x && vm.epcm[2].secs == P_SECS);
    CHECK_EQ(vm.epcm[2].linaddr, LIN(0));
    CHECK_EQ(vm.pages[2][0], 1);
    CHECK(IS_PF_EPC(sgx_eadd(&vm.model, &args, EPC(2)), EPC(2)));
    bad = args, bad.secs = EPC(2);
    CHECK(IS_PF_EPC(sgx_eadd(&vm.model, &bad, EPC(3)), EPC(2)));
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), 1);
}

TEST(eadd_secinfo)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    const u64 bad[] = { 0,
                        SGX_SECINFO_PT(SGX_PT_VA),
                        SGX_SECINFO_PT(SGX_PT_TRIM),
                        SGX_SECINFO_PT(9),
                        REG | SGX_SECINFO_W,
                        REG | RW | 1 << 6,
                        REG | RW | 1ull << 16,
                        REG | RW | 1ull << 63 };
    CHECK(IS_OK(create(&s)));
    for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK(IS_GP(add(2, 0, bad[i], NULL)));
    CHECK(IS_OK(add(2, 0, REG, NULL)));
    CHECK(IS_OK(add(3, 1, REG | SGX_SECINFO_X, NULL)));
    // The state bits are not reserved; they do not reach the EPCM.
    CHECK(IS_OK(add(4, 2, REG | RW | SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR, NULL)));
    CHECK_EQ(epcm_flags(&vm.epcm[4]), REG | RW);
}

#define BAD_TCS(name, change)               \
    TEST(eadd_tcs_##name)                   \
    {                                       \
        struct sgx_tcs t;                   \
        machine_init(true);                 \
        struct sgx_secs s = secs_default(); \
        memset(&t, 0, sizeof(t));           \
        CHECK(IS_OK(create(&s)));           \
        CHECK(IS_OK(add(3, 1, TCS, &t)));   \
        change;                             \
        CHECK(IS_GP(add(2, 0, TCS, &t)));   \
    }
BAD_TCS(flags, t.flags = 4)
BAD_TCS(aexnotify, t.flags = SGX_TCS_AEXNOTIFY)
BAD_TCS(reserved, t.reserved[4007] = 1)
BAD_TCS(cet, t.ocetssa = 4096)
BAD_TCS(prevssp, t.oprevssp = 8)

TEST(eadd_tcs_state_is_cleared)
{
    struct sgx_tcs t;
    machine_init(true);
    struct sgx_secs s = secs_default();
    memset(&t, 0, sizeof(t));
    t.flags = SGX_TCS_DBGOPTIN, t.cssa = 3, t.aep = 9, t.stage = 1, t.nssa = 4;
    CHECK(IS_OK(create(&s)));
    CHECK(IS_OK(add(2, 0, TCS | RW, &t)));
    memcpy(&t, vm.pages[2], sizeof(t));
    CHECK_EQ(t.flags, 0);
    CHECK_EQ(t.cssa, 0);
    CHECK_EQ(t.aep, 0);
    CHECK_EQ(t.stage, 0);
    CHECK_EQ(t.nssa, 4);
    CHECK(!vm.epcm[2].r && !vm.epcm[2].w && !vm.epcm[2].x && vm.epcm[2].type == SGX_PT_TCS);
}

TEST(eextend)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    CHECK(IS_OK(create(&s)));
    CHECK(IS_PF_EPC(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(2)), EPC(2)));
    CHECK(IS_OK(add(2, 0, REG | RW, NULL)));
    CHECK(IS_GP(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(2) + 128)));
    CHECK(IS_GP(sgx_eextend(&vm.model, SECS_ADDRESS + 8, EPC(2))));
    CHECK(IS_PF_EPC(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_GP(sgx_eextend(&vm.model, EPC(3), EPC(2))));
    CHECK(IS_PF_EPC(sgx_eextend(&vm.model, SECS_ADDRESS, SECS_ADDRESS), SECS_ADDRESS));
    CHECK(IS_OK(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(2) + 256)));
}

// MRENCLAVE computed here from the SDM's description, in one buffer.
TEST(measurement)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    u8 data[4096] = { 0 }, log[64 + 64 + 64 + 256] = "ECREATE", expected[32], got[32];
    memset(data + 512, 0x5a, 256);
    memcpy(log + 8, &s.ssaframesize, 4);
    memcpy(log + 12, &s.size, 8);
    u64 offset = 3 * 4096, flags = REG | RW;
    memcpy(log + 64, "EADD", 5);
    memcpy(log + 72, &offset, 8);
    memcpy(log + 80, &flags, 8);
    offset += 512;
    memcpy(log + 128, "EEXTEND", 8);
    memcpy(log + 136, &offset, 8);
    memset(log + 192, 0x5a, 256);
    sha256(log, sizeof(log), expected);
    CHECK(IS_OK(create(&s)));
    CHECK(IS_OK(add(2, 3, flags, data)));
    CHECK(IS_OK(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(2) + 512)));
    struct sha256 measured = secs_private_of(&vm.model, P_SECS)->measurement;
    sha256_final(&measured, got);
    CHECK(memcmp(expected, got, 32) == 0);
}

// Each line spoils a right SIGSTRUCT; `again` signs it after that.
#define BAD_SIG(name, again, change, code)                                      \
    TEST(einit_##name)                                                          \
    {                                                                           \
        struct sgx_sigstruct sig;                                               \
        machine_init(true);                                                     \
        struct sgx_secs s = secs_default();                                     \
        CHECK(IS_OK(create(&s)));                                               \
        sign(&sig);                                                             \
        change;                                                                 \
        if (again)                                                              \
            resign(&sig);                                                       \
        CHECK(IS_ERROR(sgx_einit(&vm.model, &sig, SECS_ADDRESS), code));        \
        CHECK(!(secs_of(&vm.model, P_SECS)->attributes.flags & SGX_ATTR_INIT)); \
    }
BAD_SIG(header, true, sig.header[0] ^= 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(header2, true, sig.header2[0] ^= 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(vendor, true, sig.vendor = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(reserved1, true, sig.reserved1[83] = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(reserved2, true, sig.reserved2[0] = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(reserved3, true, sig.reserved3[0] = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(reserved4, true, sig.reserved4[0] = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(family_without_kss, true, sig.isvfamilyid[0] = 1, SGX_INVALID_SIG_STRUCT)
BAD_SIG(exponent, true, sig.exponent = 5, SGX_INVALID_SIG_STRUCT)
BAD_SIG(signature, false, sig.signature[5] ^= 1, SGX_INVALID_SIGNATURE)
BAD_SIG(q1, false, sig.q1[5] ^= 1, SGX_INVALID_SIGNATURE)
BAD_SIG(q2, false, sig.q2[5] ^= 1, SGX_INVALID_SIGNATURE)
BAD_SIG(signed_part, false, sig.isvsvn++, SGX_INVALID_SIGNATURE)
BAD_SIG(hash, true, sig.enclavehash[0] ^= 1, SGX_INVALID_MEASUREMENT)
BAD_SIG(attributes, true, sig.attributes.flags ^= SGX_ATTR_DEBUG, SGX_INVALID_ATTRIBUTE)
BAD_SIG(xfrm, true, sig.attributes.xfrm = 3, SGX_INVALID_ATTRIBUTE)
BAD_SIG(miscselect, true, sig.miscselect ^= 1, SGX_INVALID_ATTRIBUTE)
BAD_SIG(signer, true, vm.model.lepubkeyhash[0] ^= 1, SGX_INVALID_EINITTOKEN)

TEST(einit)
{
    struct sgx_sigstruct sig;
    machine_init(true);
    struct sgx_secs s = secs_default();
    CHECK(IS_OK(create(&s)));
    sign(&sig);
    CHECK(IS_GP(sgx_einit(&vm.model, &sig, SECS_ADDRESS + 1)));
    CHECK(IS_PF_EPC(sgx_einit(&vm.model, &sig, EPC(2)), EPC(2)));
    CHECK(IS_PF_EPC(sgx_einit(&vm.model, &sig, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_OK(sgx_einit(&vm.model, &sig, SECS_ADDRESS)));
    const struct sgx_secs *got = secs_of(&vm.model, P_SECS);
    CHECK(got->attributes.flags & SGX_ATTR_INIT);
    CHECK(memcmp(got->mrenclave, sig.enclavehash, 32) == 0);
    CHECK(memcmp(got->mrsigner, vm.model.lepubkeyhash, 32) == 0);
    CHECK_EQ(got->isvprodid, 7);
    CHECK_EQ(got->isvsvn, 5);
    CHECK(IS_GP(sgx_einit(&vm.model, &sig, SECS_ADDRESS)));
    CHECK(IS_GP(add(2, 0, REG | RW, NULL)));
}

TEST(einit_token_key_needs_launch_signer)
{
    struct sgx_sigstruct sig;
    machine_init(true);
    struct sgx_secs s = secs_default();
    s.attributes.flags |= SGX_ATTR_EINITTOKEN_KEY;
    CHECK(IS_OK(create(&s)));
    sign(&sig);
    vm.model.lepubkeyhash[0] ^= 1;
    CHECK(IS_ERROR(sgx_einit(&vm.model, &sig, SECS_ADDRESS), SGX_INVALID_ATTRIBUTE));
}

TEST(eextend_after_einit)
{
    machine_init(true);
    build(0);
    CHECK(IS_GP(sgx_eextend(&vm.model, SECS_ADDRESS, EPC(P_DATA))));
}

TEST(eremove)
{
    machine_init(true);
    build(0);
    CHECK(IS_GP(sgx_eremove(&vm.model, EPC(2) + 1)));
    CHECK(IS_PF_EPC(sgx_eremove(&vm.model, EPC(EPC_PAGES)), EPC(EPC_PAGES)));
    CHECK(IS_OK(sgx_eremove(&vm.model, EPC(P_FREE)))); // invalid page: nothing to do
    CHECK(IS_ERROR(sgx_eremove(&vm.model, SECS_ADDRESS), SGX_CHILD_PRESENT));
    CHECK(IS_OK(enter(0)));
    CHECK(IS_ERROR(sgx_eremove(&vm.model, EPC(P_DATA)), SGX_ENCLAVE_ACT));
    CHECK(IS_ERROR(sgx_eremove(&vm.model, EPC(P_TCS)), SGX_ENCLAVE_ACT));
    CHECK(IS_OK(leave(0)));
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), 6);
    for (u32 p = P_TCS; p <= P_INFO; p++)
        CHECK(IS_OK(sgx_eremove(&vm.model, EPC(p))));
    CHECK_EQ(sgx_child_count(&vm.model, P_SECS), 0);
    CHECK(!vm.epcm[P_DATA].valid);
    CHECK(IS_OK(sgx_eremove(&vm.model, SECS_ADDRESS)));
    CHECK(!vm.epcm[P_SECS].valid);
}

TEST(debug_access)
{
    machine_init(true);
    build(0);
    u64 value = 0;
    CHECK(IS_GP(sgx_edbgrd(&vm.model, EPC(P_DATA) + 4, &value)));
    CHECK(IS_PF_EPC(sgx_edbgrd(&vm.model, EPC(EPC_PAGES), &value), EPC(EPC_PAGES)));
    CHECK(IS_PF_EPC(sgx_edbgrd(&vm.model, EPC(P_FREE), &value), EPC(P_FREE)));
    CHECK(IS_PF_EPC(sgx_edbgrd(&vm.model, SECS_ADDRESS, &value), SECS_ADDRESS));
    CHECK(IS_OK(sgx_edbgwr(&vm.model, EPC(P_DATA) + 8, 0x1234)));
    CHECK(IS_OK(sgx_edbgrd(&vm.model, EPC(P_DATA) + 8, &value)));
    CHECK_EQ(value, 0x1234);
    CHECK(IS_GP(sgx_edbgwr(&vm.model, EPC(P_TCS), 1)));
    CHECK(IS_GP(sgx_edbgwr(&vm.model, EPC(P_TCS) + 16, 1)));
    CHECK(IS_OK(sgx_edbgwr(&vm.model, EPC(P_TCS) + 8, SGX_TCS_DBGOPTIN)));
    CHECK(IS_OK(aug(P_FREE, L_FREE)));
    CHECK(IS_ERROR(sgx_edbgrd(&vm.model, EPC(P_FREE), &value), SGX_PAGE_NOT_DEBUGGABLE));
    CHECK(IS_ERROR(sgx_edbgwr(&vm.model, EPC(P_FREE), 1), SGX_PAGE_NOT_DEBUGGABLE));
    CHECK(IS_OK(modt(P_DATA, SGX_SECINFO_PT(SGX_PT_TRIM))));
    CHECK(IS_PF_EPC(sgx_edbgrd(&vm.model, EPC(P_DATA), &value), EPC(P_DATA))); // neither REG nor TCS nor VA
}

TEST(debug_access_needs_debug)
{
    machine_init(true);
    struct sgx_secs s = secs_default();
    u64 value;
    s.attributes.flags &= ~SGX_ATTR_DEBUG;
    CHECK(IS_OK(create(&s)));
    CHECK(IS_OK(add(2, 0, REG | RW, NULL)));
    CHECK(IS_GP(sgx_edbgrd(&vm.model, EPC(2), &value)));
    CHECK(IS_GP(sgx_edbgwr(&vm.model, EPC(2), 1)));
}

TEST(cpuid)
{
    for (u32 sgx2 = 0; sgx2 < 2; sgx2++) {
        u32 r[4] = { 0xd, 0, 0, 0 }, leaf7[4] = { 0, 0xffffffff, 0xffffffff, 0xffffffff };
        machine_init(sgx2);
        sgx_cpuid(&vm.model, 0, 0, r);
        CHECK_EQ(r[0], 0x12);
        sgx_cpuid(&vm.model, 7, 0, leaf7);
        CHECK_EQ(leaf7[1], 0xffffffff & ~0xdc230000u);
        CHECK_EQ(leaf7[2], 0xffffffff & ~0x5842u);
        sgx_cpuid(&vm.model, 0x12, 0, r);
        CHECK_EQ(r[0], sgx2 ? 3 : 1);
        CHECK_EQ(r[1], sgx2);
        CHECK_EQ(r[3], 46 << 8 | 31);
        sgx_cpuid(&vm.model, 0x12, 1, r);
        CHECK_EQ(r[0], 0xb6);
        CHECK_EQ(r[2], 7);
        sgx_cpuid(&vm.model, 0x12, 2, r);
        CHECK_EQ(r[0], 0x70000001);
        CHECK_EQ(r[2], EPC_PAGES * 4096 + 1);
        sgx_cpuid(&vm.model, 0x12, 3, r);
        CHECK_EQ(r[0] | r[1] | r[2] | r[3], 0);
    }
}

TEST(init_configuration)
{
    struct sgx_config c = vm.model.config;
    struct sgx_ops ops = vm.model.ops;
    machine_init(true);
    c = vm.model.config, ops = vm.model.ops;
    CHECK(sgx_model_init(&vm.model, &c, &ops, NULL, vm.epcm, 0) < 0);
    c.xfrm = 4;
    CHECK(sgx_model_init(&vm.model, &c, &ops, NULL, vm.epcm, 4) < 0);
    c.xfrm = 3 | 1 << 9;
    CHECK(sgx_model_init(&vm.model, &c, &ops, NULL, vm.epcm, 4) < 0);
    c.xfrm = 3, ops.walk = NULL;
    CHECK(sgx_model_init(&vm.model, &c, &ops, NULL, vm.epcm, 4) < 0);
}
