// SPDX-License-Identifier: BSD-3-Clause
#include "abi/occlum/layout.h"
#include "sign/enclave_xml_check.h"

#include <inttypes.h>
#include <string.h>

#define SIZE_LIMIT ENCLAVE_ELRANGE_MAX

#define ELEMENT(name, member, kind, min, max)                      \
    {                                                              \
        name, offsetof(struct enclave_xml, member), kind, min, max \
    }

const struct xml_element xml_elements[XML_ELEMENT_COUNT] = {
    ELEMENT("ProdID", prod_id, XML_NUMBER, 0, UINT16_MAX), // ISVPRODID and ISVSVN have 16 bits
    ELEMENT("ISVSVN", isv_svn, XML_NUMBER, 0, UINT16_MAX),
    ELEMENT("StackMaxSize", stack_max, XML_SIZE, PAGE_SIZE, ENCLAVE_STACK_MAX),
    ELEMENT("StackMinSize", stack_min, XML_SIZE, PAGE_SIZE, ENCLAVE_STACK_MAX),
    ELEMENT("HeapInitSize", heap_init, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("HeapMaxSize", heap_max, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("HeapMinSize", heap_min, XML_SIZE, PAGE_SIZE, SIZE_LIMIT),
    ELEMENT("TCSNum", tcs_num, XML_NUMBER, 1, ENCLAVE_SLOTS_MAX),
    ELEMENT("TCSMaxNum", tcs_max, XML_NUMBER, 1, ENCLAVE_SLOTS_MAX),
    ELEMENT("TCSMinPool", tcs_min_pool, XML_NUMBER, 1, ENCLAVE_SLOTS_MAX),
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
    struct xml_seen *seen;
    struct xml_report *report;
};

#define INDEX(member) element_at(offsetof(struct enclave_xml, member))

static int element_at(size_t offset)
{
    int i = 0;
    while (xml_elements[i].offset != offset)
        i++;
    return i;
}

static void wrong(const struct check *c, int i, const char *expected)
{
    char found[32];
    snprintf(found, sizeof(found), "%" PRIu64, *xml_value(c->xml, i));
    xml_error(c->report, c->seen[i].pos, xml_elements[i].name, found, expected);
}

static void check_range(const struct check *c, int i)
{
    const struct xml_element *element = &xml_elements[i];
    u64 value = *xml_value(c->xml, i);
    char expected[96];

    if (!c->seen[i].good)
        return;
    if (element->min == element->max)
        snprintf(expected, sizeof(expected), "%" PRIu64, element->min);
    else
        snprintf(expected, sizeof(expected), "%" PRIu64 " to %" PRIu64, element->min, element->max);
    c->seen[i].good = value >= element->min && value <= element->max;
    if (!c->seen[i].good) {
        wrong(c, i, expected);
    } else if (element->kind == XML_SIZE && !IS_ALIGNED(value, PAGE_SIZE)) {
        c->seen[i].good = false;
        wrong(c, i, "a multiple of 4096");
    }
}

// Reports that a, which is good like b, does not fit b.
#define DEMAND(c, condition, a, b, expected)                                      \
    do {                                                                          \
        if ((c)->seen[INDEX(a)].good && (c)->seen[INDEX(b)].good && !(condition)) \
            wrong(c, INDEX(a), expected);                                         \
    } while (0)

// The format has three names for one value in these places; a difference would be ignored silently.
static void check_equal(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    DEMAND(c, x->stack_min == x->stack_max, stack_min, stack_max, "StackMaxSize");
    DEMAND(c, x->heap_min == x->heap_init, heap_min, heap_init, "HeapInitSize");
    DEMAND(c, x->tcs_min_pool == x->tcs_num, tcs_min_pool, tcs_num, "TCSNum");
    DEMAND(c, x->reserved_min == x->reserved_init, reserved_min, reserved_init, "ReservedMemInitSize");
    DEMAND(c, x->reserved_max == x->reserved_init, reserved_max, reserved_init, "ReservedMemInitSize");
}

static void check_edmm(const struct check *c)
{
    const struct enclave_xml *x = c->xml;
    bool region_fits =
        x->user_region == x->reserved_init || (x->user_region >= ENCLAVE_XML_EXTRA_USER_REGION &&
                                               x->user_region - ENCLAVE_XML_EXTRA_USER_REGION >= x->reserved_init);

    DEMAND(c, x->heap_init <= x->heap_max, heap_init, heap_max, "at most HeapMaxSize");
    DEMAND(c, x->tcs_num <= x->tcs_max, tcs_num, tcs_max, "at most TCSMaxNum");
    DEMAND(c, x->misc_select & 1, misc_select, misc_select, "1 in an EDMM build (fault addresses)");
    DEMAND(c, region_fits, user_region, reserved_init,
           "ReservedMemInitSize, or the user maximum (not below it) + 1 GB");
}

static void check_static(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    DEMAND(c, x->heap_init == x->heap_max, heap_init, heap_max, "HeapMaxSize without EDMM");
    DEMAND(c, x->tcs_num == x->tcs_max, tcs_num, tcs_max, "TCSMaxNum without EDMM");
}

static void check_kss(const struct check *c)
{
    const struct enclave_xml *x = c->xml;

    DEMAND(c, x->enable_kss || !x->ext_prod_id_high, ext_prod_id_high, enable_kss, "0 when EnableKSS is 0");
    DEMAND(c, x->enable_kss || !x->ext_prod_id_low, ext_prod_id_low, enable_kss, "0 when EnableKSS is 0");
    DEMAND(c, x->enable_kss || !x->family_id_high, family_id_high, enable_kss, "0 when EnableKSS is 0");
    DEMAND(c, x->enable_kss || !x->family_id_low, family_id_low, enable_kss, "0 when EnableKSS is 0");
}

void xml_check(struct enclave_xml *xml, struct xml_seen seen[XML_ELEMENT_COUNT], bool edmm, struct xml_report *report)
{
    const struct check c = { xml, seen, report };

    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        check_range(&c, i);
    check_equal(&c);
    if (edmm)
        check_edmm(&c);
    else
        check_static(&c);
    check_kss(&c);
}
