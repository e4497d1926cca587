// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>

#include "test.h"
#include "xml_text.h"

static char text[8192], messages[65536];

static int parse(const char *xml, size_t len, bool edmm, struct enclave_xml *ret)
{
    FILE *errors = fmemopen(messages, sizeof(messages), "w");
    int err = enclave_xml_parse(xml, len, "E.xml", edmm, errors, ret);
    fclose(errors);
    return err;
}

static int with(bool edmm, const char *name, const char *value)
{
    struct enclave_xml xml;
    size_t len = build_xml(text, sizeof(text), edmm, name, value);
    messages[0] = '\0';
    return parse(text, len, edmm, &xml);
}

TEST(worked_values)
{
    struct enclave_xml xml;
    size_t len = build_xml(text, sizeof(text), true, NULL, NULL);
    CHECK_EQ(parse(text, len, true, &xml), 0);
    CHECK_EQ(xml.user_region, 18253611008);
    CHECK_EQ(xml.misc_mask, 0xffffffff);
    CHECK_EQ(xml.tcs_max, 4096);
    len = build_xml(text, sizeof(text), false, NULL, NULL);
    CHECK_EQ(parse(text, len, false, &xml), 0);
    CHECK_EQ(xml.user_region, 0);
    CHECK_EQ(xml.heap_init, 33554432);
}

TEST(every_missing_element_is_named)
{
    for (int i = 0; i < XML_ELEMENT_COUNT; i++) {
        CHECK_EQ(with(true, xml_elements[i].name, NULL), -EINVAL);
        CHECK(strstr(messages, xml_elements[i].name));
        CHECK(strstr(messages, "found nothing"));
    }
}

TEST(bad_numbers)
{
    static const char *const bad[] = {
        "",    "-1",   "+1",    "1.5",   "1e9", "0x", "0xg", "1 1", "18446744073709551616", "0x10000000000000000",
        "one", "10MB", "0x1_0", "&#49;x"
    };
    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        for (size_t j = 0; j < ARRAY_SIZE(bad); j++) {
            CHECK_EQ(with(true, xml_elements[i].name, bad[j]), -EINVAL);
            CHECK(strncmp(messages, "E.xml:", 6) == 0 && strstr(messages, xml_elements[i].name));
        }
}

TEST(inconsistent_values)
{
    static const struct {
        bool edmm;
        const char *name, *value;
    } bad[] = {
        { true, "HeapInitSize", "2147483648" },
        { true, "TCSNum", "5000" },
        { true, "MiscSelect", "0" },
        { true, "UserRegionSize", "314576896" },
        { true, "UserRegionSize", "0" },
        { true, "StackMinSize", "4096" },
        { true, "StackMaxSize", "4097" },
        { true, "HeapMaxSize", "0xffffffffffffffff" },
        { true, "ISVFAMILYID_H", "1" },
        { true, "ReservedMemExecutable", "0" },
        { false, "HeapMaxSize", "67108864" },
        { false, "TCSMaxNum", "64" },
        { false, "ProdID", "65536" },
        { false, "UserRegionSize", "314572800" },
        { false, "TCSPolicy", "1" },
        { false, "AMX", "3" },
        { false, "ReservedMemInitSize", "4096" },
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        CHECK_EQ(with(bad[i].edmm, NULL, NULL), 0);
        CHECK_EQ(with(bad[i].edmm, bad[i].name, bad[i].value), -EINVAL);
        CHECK(strstr(messages, "; expected "));
    }
}

TEST(good_edges)
{
    CHECK_EQ(with(true, "UserRegionSize", "314572800"), 0);
    CHECK_EQ(with(true, "UserRegionSize", "1388314624"), 0);
    CHECK_EQ(with(true, "ProdID", " \n 0xFFFF\t"), 0);
    CHECK_EQ(with(true, "ProdID", "1<b/>"), -EINVAL);
    CHECK(strstr(messages, "b: found an element within a value"));
}

TEST(all_errors_in_one_run)
{
    static const char xml[] = "<EnclaveConfiguration>\n<ProdID>x</ProdID>\n<Nonsense>1</Nonsense>\n<ISVSVN>1</ISVSVN>\n"
                              "<ISVSVN>1</ISVSVN>\n<AMX a='b'>1</AMX>\nstray</EnclaveConfiguration>\n";
    struct enclave_xml ret;
    CHECK_EQ(parse(xml, sizeof(xml) - 1, false, &ret), -EINVAL);
    CHECK(strstr(messages, "E.xml:2:1: ProdID: found \"x\"; expected a decimal"));
    CHECK(strstr(messages, "E.xml:3:1: Nonsense: found an unknown element"));
    CHECK(strstr(messages, "E.xml:5:1: ISVSVN: found it a second time"));
    CHECK(strstr(messages, "E.xml:6:1: AMX: found an attribute"));
    CHECK(strstr(messages, "found text"));
    CHECK(strstr(messages, "PKRU: found nothing"));
}

TEST(hostile_documents)
{
    static const char *const bad[] = {
        "",
        "<",
        "<EnclaveConfiguration>",
        "<Other/>",
        "\xff\xfe",
        "<EnclaveConfiguration/><EnclaveConfiguration/>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><EnclaveConfiguration>&x;</EnclaveConfiguration>",
        "<!DOCTYPE EnclaveConfiguration SYSTEM 'http://host/x.dtd'><EnclaveConfiguration/>",
        "<EnclaveConfiguration>&unknown;</EnclaveConfiguration>",
    };
    struct enclave_xml ret;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        CHECK_EQ(parse(bad[i], strlen(bad[i]), false, &ret), -EINVAL);
}
