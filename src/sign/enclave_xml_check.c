// SPDX-License-Identifier: BSD-3-Clause
#include "sign/enclave_xml_check.h"

#include <inttypes.h>
#include <string.h>

#define SIZE_LIMIT (1ull << 45) // ELRANGE may have 2^46 bytes

#define ELEMENT(name, member, kind, min, max) { name, offsetof(struct enclave_xml, member), kind, min, max }

const struct xml_element xml_elements[XML_ELEMENT_COUNT] = {
    ELEMENT("ProdID", prod_id, XML_NUMBER, 0, UINT16_MAX), // ISVPRODID and ISVSVN have 16 bits
    ELEMENT("ISVSVN", isv_svn, XML_NUMBER, 0, UINT16_MAX),
    ELEMENT("StackMaxSize", stack_max, XML_SIZE, PAGE_SIZE, GIB(1)),
    ELEMENT("StackMinSize", stack_min, XML_SIZE, PAGE_SIZE, GIB(1)),
    ELEMENT("HeapInitSize", heap_init, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("HeapMaxSize", heap_max, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("HeapMinSize", heap_min, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("TCSNum", tcs_num, XML_NUMBER, 1, 65536),
    ELEMENT("TCSMaxNum", tcs_max, XML_NUMBER, 1, 65536),
    ELEMENT("TCSMinPool", tcs_min_pool, XML_NUMBER, 1, 65536),
    ELEMENT("TCSPolicy", tcs_policy, XML_NUMBER, 0, 0),
    ELEMENT("DisableDebug", disable_debug, XML_NUMBER, 0, 1),
    ELEMENT("MiscSelect", misc_select, XML_NUMBER, 0, 1),
    ELEMENT("MiscMask", misc_mask, XML_NUMBER, 0, UINT32_MAX),
    ELEMENT("ReservedMemMaxSize", reserved_max, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("ReservedMemMinSize", reserved_min, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("ReservedMemInitSize", reserved_init, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("ReservedMemExecutable", reserved_executable, XML_NUMBER, 1, 1), // programs run there
    ELEMENT("UserRegionSize", user_region, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("EnableKSS", enable_kss, XML_NUMBER, 0, 1),
    ELEMENT("ISVEXTPRODID_H", ext_prod_id_high, XML_NUMBER, 0, UINT64_MAX),
    ELEMENT("ISVEXTPRODID_L", ext_prod_id_low, XML_NUMBER, 0, UINT64_MAX),
    ELEMENT("ISVFAMILYID_H", family_id_high, XML_NUMBER, 0, UINT64_MAX),
    ELEMENT("ISVFAMILYID_L", family_id_low, XML_NUMBER, 0, UINT64_MAX),
    ELEMENT("PKRU", pkru, XML_NUMBER, 0, 2),
    ELEMENT("AMX", amx, XML_NUMBER, 0, 2),
};

struct check {
    struct enclave_xml *xml;
    const unsigned long *line;
    struct xml_report *report;
};

static unsigned long line_of(const struct check *c, const char *name)
{
    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        if (strcmp(xml_elements[i].name, name) == 0)
            return c->line[i];
    return 0;
}

static void wrong(const struct check *c, const char *name, u64 value, const char *expected)
{
    char found[32];
    snprintf(found, sizeof(found), "%" PRIu64, value);
    xml_error(c->report, line_of(c, name), name, found, expected);
}

static void check_range(const struct check *c, int i)
{
    const struct xml_element *element = &xml_elements[i];
    u64 value = *xml_value(c->xml, i);
    char expected[96];

    if (!c->line[i])
        return;
    if (element->min == element->max)
        snprintf(expected, sizeof(expected), "%" PRIu64, element->min);
    else
        snprintf(expected, sizeof(expected), "%" PRIu64 " to %" PRIu64, element->min, element->max);
    if (value < element->min || value > element->max)
        wrong(c, element->name, value, expected);
    else if (element->kind == XML_SIZE && !IS_ALIGNED(value, PAGE_SIZE))
        wrong(c, element->name, value, "a multiple of 4096");
}

// The format has three names for one value in these places; a difference would be ignored silently.
static void check_equal(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    if (x->stack_min != x->stack_max)
        wrong(c, "StackMinSize", x->stack_min, "StackMaxSize");
    if (x->heap_min != x->heap_init)
        wrong(c, "HeapMinSize", x->heap_min, "HeapInitSize");
    if (x->tcs_min_pool != x->tcs_num)
        wrong(c, "TCSMinPool", x->tcs_min_pool, "TCSNum");
    if (x->reserved_min != x->reserved_init)
        wrong(c, "ReservedMemMinSize", x->reserved_min, "ReservedMemInitSize");
    if (x->reserved_max != x->reserved_init)
        wrong(c, "ReservedMemMaxSize", x->reserved_max, "ReservedMemInitSize");
}

static void check_edmm(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    if (x->heap_init > x->heap_max)
        wrong(c, "HeapInitSize", x->heap_init, "at most HeapMaxSize");
    if (x->tcs_num > x->tcs_max)
        wrong(c, "TCSNum", x->tcs_num, "at most TCSMaxNum");
    if (!(x->misc_select & 1))
        wrong(c, "MiscSelect", x->misc_select, "1 in an EDMM build (fault addresses)");
    if (x->user_region != x->reserved_init &&
        (x->user_region < ENCLAVE_XML_EXTRA_USER_REGION ||
         x->user_region - ENCLAVE_XML_EXTRA_USER_REGION < x->reserved_init))
        wrong(c, "UserRegionSize", x->user_region, "ReservedMemInitSize, or the user maximum (not below it) + 1 GB");
}

static void check_static(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    if (x->heap_init != x->heap_max)
        wrong(c, "HeapInitSize", x->heap_init, "HeapMaxSize without EDMM");
    if (x->tcs_num != x->tcs_max)
        wrong(c, "TCSNum", x->tcs_num, "TCSMaxNum without EDMM");
}

static void check_kss(const struct check *c)
{
    static const char *const names[] = { "ISVEXTPRODID_H", "ISVEXTPRODID_L", "ISVFAMILYID_H", "ISVFAMILYID_L" };
    const u64 values[] = { c->xml->ext_prod_id_high, c->xml->ext_prod_id_low, c->xml->family_id_high,
                           c->xml->family_id_low };

    for (size_t i = 0; i < ARRAY_SIZE(names) && !c->xml->enable_kss; i++)
        if (values[i])
            wrong(c, names[i], values[i], "0 when EnableKSS is 0");
}

void xml_check(struct enclave_xml *xml, const unsigned long line[XML_ELEMENT_COUNT], bool edmm,
               struct xml_report *report)
{
    const struct check c = { xml, line, report };

    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        check_range(&c, i);
    check_equal(&c);
    if (edmm)
        check_edmm(&c);
    else
        check_static(&c);
    check_kss(&c);
}
