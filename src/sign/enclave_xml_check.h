// SPDX-License-Identifier: BSD-3-Clause
// The elements of Enclave.xml and the rules between their values (design/edmm.md, section 2).
#pragma once

#include <stdio.h>

#include "sign/enclave_xml.h"

enum xml_kind { XML_NUMBER, XML_SIZE }; // a size is a multiple of the page

struct xml_element {
    const char *name;
    size_t offset; // of its u64 in struct enclave_xml
    enum xml_kind kind;
    u64 min, max;
};

#define XML_ELEMENT_COUNT 26
extern const struct xml_element xml_elements[XML_ELEMENT_COUNT];

static inline u64 *xml_value(struct enclave_xml *xml, int element)
{
    return (u64 *)((char *)xml + xml_elements[element].offset);
}

struct xml_report {
    FILE *errors;
    const char *name; // of the file
    unsigned long count;
};

struct xml_pos {
    unsigned long line, column; // from 1; line 0: nowhere
};

// What is known of an element.
struct xml_seen {
    struct xml_pos pos; // where it began; nowhere: not seen
    bool good;          // its value was read, and is in range once that was checked
};

// Reports file:line:column: element: found; expected.
void xml_error(struct xml_report *report, struct xml_pos pos, const char *element, const char *found,
               const char *expected);

// Checks the range of every value that was read, and the rules between those that are good.
void xml_check(struct enclave_xml *xml, struct xml_seen seen[XML_ELEMENT_COUNT], bool edmm, struct xml_report *report);
