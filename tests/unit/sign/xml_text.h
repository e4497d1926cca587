// SPDX-License-Identifier: BSD-3-Clause
// A valid Enclave.xml to change: build_xml(buffer, size, edmm, name, value) replaces the value of one element.
#pragma once

#include <stdio.h>
#include <string.h>

#include "sign/enclave_xml_check.h"

static const char *const xml_static_values[XML_ELEMENT_COUNT] = {
    "0", "0",         "1048576",   "1048576",   "33554432", "33554432", "33554432", "32", "32", "32", "0", "0", "0",
    "0", "314572800", "314572800", "314572800", "1",        NULL,       "0",        "0",  "0",  "0",  "0", "0", "0",
};
static const char *const xml_edmm_values[XML_ELEMENT_COUNT] = {
    "0",           "0", "1048576", "1048576", "33554432",   "1073741824", "33554432",  "16",        "4096",
    "16",          "0", "0",       "1",       "0xFFFFFFFF", "314572800",  "314572800", "314572800", "1",
    "18253611008", "0", "0",       "0",       "0",          "0",          "0",         "0",
};

// value NULL: the element is left out. Returns the length.
static inline size_t build_xml(char *buffer, size_t size, bool edmm, const char *name, const char *value)
{
    const char *const *values = edmm ? xml_edmm_values : xml_static_values;
    size_t at = (size_t)snprintf(buffer, size, "<EnclaveConfiguration>\n");

    for (int i = 0; i < XML_ELEMENT_COUNT; i++) {
        const char *v = name && strcmp(xml_elements[i].name, name) == 0 ? value : values[i];
        if (v)
            at += (size_t)snprintf(buffer + at, size - at, "<%s>%s</%s>\n", xml_elements[i].name, v,
                                   xml_elements[i].name);
    }
    return at + (size_t)snprintf(buffer + at, size - at, "</EnclaveConfiguration>\n");
}
