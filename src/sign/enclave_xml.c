// SPDX-License-Identifier: BSD-3-Clause
#include "sign/enclave_xml.h"

#include <ctype.h>
#include <errno.h>
#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "sign/enclave_xml_check.h"

#define ROOT "EnclaveConfiguration"
#define TEXT_MAX 64
#define ERRORS_MAX 100 // a hostile file must not fill the disk with messages

struct parser {
    XML_Parser expat;
    struct xml_report report;
    struct enclave_xml xml;
    struct xml_seen seen[XML_ELEMENT_COUNT];
    int depth;
    int current; // index of the open element; -1: none, or an unknown one
    bool seen_root;
    char text[TEXT_MAX];
    size_t text_len;
    bool text_too_long;
};

static struct xml_pos here(struct parser *p)
{
    return (struct xml_pos){ (unsigned long)XML_GetCurrentLineNumber(p->expat),
                             (unsigned long)XML_GetCurrentColumnNumber(p->expat) + 1 };
}

// A control character in a name or value must not reach the terminal.
static void put_masked(const char *text, FILE *out)
{
    for (; *text; text++)
        fputc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text, out);
}

void xml_error(struct xml_report *report, struct xml_pos pos, const char *element, const char *found,
               const char *expected)
{
    report->count++;
    if (report->count > ERRORS_MAX)
        return;
    fprintf(report->errors, "%s:%lu:%lu: ", report->name, pos.line, pos.column);
    put_masked(element, report->errors);
    fputs(": found ", report->errors);
    put_masked(found, report->errors);
    fprintf(report->errors, "; expected %s\n", expected);
}

static int find_element(const char *name)
{
    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        if (strcmp(xml_elements[i].name, name) == 0)
            return i;
    return -1;
}

static void unknown_element(struct parser *p, const char *name)
{
    const char *names[XML_ELEMENT_COUNT + 1] = { 0 }, *nearest;
    char shown[80], expected[80] = "the elements of Enclave.xml";

    for (int i = 0; i < XML_ELEMENT_COUNT; i++)
        names[i] = xml_elements[i].name;
    nearest = nearest_word(name, names);
    snprintf(shown, sizeof(shown), "%.64s", name);
    if (nearest)
        snprintf(expected, sizeof(expected), "\"%s\"?", nearest);
    xml_error(&p->report, here(p), shown, "an unknown element", expected);
}

static void open_value(struct parser *p, const char *name)
{
    p->current = find_element(name);
    p->text_len = 0;
    p->text_too_long = false;
    if (p->current < 0) {
        unknown_element(p, name);
    } else if (p->seen[p->current].pos.line) {
        xml_error(&p->report, here(p), name, "it a second time", "each element once");
        p->current = -1;
    } else {
        p->seen[p->current].pos = here(p);
    }
}

static void on_start(void *data, const XML_Char *name, const XML_Char **attributes)
{
    struct parser *p = data;
    char shown[80];

    snprintf(shown, sizeof(shown), "%.64s", name);
    if (attributes[0])
        xml_error(&p->report, here(p), shown, "an attribute", "none");
    if (p->depth == 0) {
        p->seen_root = strcmp(name, ROOT) == 0;
        if (!p->seen_root)
            xml_error(&p->report, here(p), shown, "it as the root element", ROOT);
    } else if (p->depth == 1) {
        open_value(p, name);
    } else {
        xml_error(&p->report, here(p), shown, "an element within a value", "a number");
        p->current = -1;
    }
    p->depth++;
}

static bool parse_number(const char *text, u64 *ret)
{
    u64 value = 0, base = 10;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (!*text)
        return false;
    for (; *text; text++) {
        u64 digit;
        if (*text >= '0' && *text <= '9')
            digit = (u64)(*text - '0');
        else if (base == 16 && isxdigit((unsigned char)*text))
            digit = (u64)(tolower((unsigned char)*text) - 'a' + 10);
        else
            return false;
        if (__builtin_mul_overflow(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return false;
    }
    *ret = value;
    return true;
}

static char *trim(char *text, size_t len)
{
    text[len] = '\0';
    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    while (*text && strchr(" \t\r\n", *text))
        text++;
    return text;
}

static void on_end(void *data, const XML_Char *name)
{
    struct parser *p = data;

    if (--p->depth != 1 || p->current < 0)
        return;
    const struct xml_element *element = &xml_elements[p->current];
    char *text = trim(p->text, p->text_len), found[TEXT_MAX + 8];
    u64 value;

    snprintf(found, sizeof(found), *text ? "\"%s\"" : "%snothing", text);
    struct xml_seen *seen = &p->seen[p->current];
    seen->good = !p->text_too_long && parse_number(text, &value);
    if (seen->good)
        *xml_value(&p->xml, p->current) = value;
    else
        xml_error(&p->report, seen->pos, element->name, p->text_too_long ? "an overlong text" : found,
                  "a decimal or 0x number below 2^64");
    p->current = -1;
}

static void on_text(void *data, const XML_Char *text, int len)
{
    struct parser *p = data;

    for (int i = 0; i < len; i++) {
        if (p->depth == 2 && p->current >= 0) {
            if (p->text_len + 1 < TEXT_MAX)
                p->text[p->text_len++] = text[i];
            else
                p->text_too_long = true;
        } else if (!strchr(" \t\r\n", text[i])) {
            xml_error(&p->report, here(p), p->depth == 1 ? ROOT : "(unknown)", "text", "elements only");
            return;
        }
    }
}

// A document type could name entities, files and other hosts: nothing of it is needed here.
static void on_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public, int subset)
{
    struct parser *p = data;
    xml_error(&p->report, here(p), "DOCTYPE", "a document type", "none");
    XML_StopParser(p->expat, XML_FALSE);
}

static void find_missing(struct parser *p, bool edmm)
{
    for (int i = 0; i < XML_ELEMENT_COUNT; i++) {
        bool user_region = strcmp(xml_elements[i].name, "UserRegionSize") == 0;
        if (!p->seen[i].pos.line && (!user_region || edmm))
            xml_error(&p->report, here(p), xml_elements[i].name, "nothing",
                      user_region ? "this element in an EDMM build" : "this element");
        else if (p->seen[i].pos.line && user_region && !edmm)
            xml_error(&p->report, p->seen[i].pos, "UserRegionSize", "it", "no such element without EDMM");
    }
}

static void run(struct parser *p, const char *text, size_t len, bool edmm)
{
    XML_SetUserData(p->expat, p);
    XML_SetElementHandler(p->expat, on_start, on_end);
    XML_SetCharacterDataHandler(p->expat, on_text);
    XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
    if (XML_Parse(p->expat, text, (int)len, XML_TRUE) != XML_STATUS_OK) {
        enum XML_Error code = XML_GetErrorCode(p->expat);
        if (code != XML_ERROR_ABORTED)
            xml_error(&p->report, here(p), "XML", XML_ErrorString(code), "a well-formed document");
        return;
    }
    find_missing(p, edmm);
    xml_check(&p->xml, p->seen, edmm, &p->report);
}

int enclave_xml_parse(const char *text, size_t len, const char *name, bool edmm, FILE *errors,
                      struct enclave_xml *ret_xml)
{
    struct parser p = { .report = { errors, name, 0 }, .current = -1 };

    if (len > MIB(1)) {
        xml_error(&p.report, (struct xml_pos){ 1, 1 }, "XML", "more than 1 MB", "an Enclave.xml");
        return -EINVAL;
    }
    p.expat = XML_ParserCreate(NULL);
    if (!p.expat)
        return -ENOMEM;
    run(&p, text, len, edmm);
    XML_ParserFree(p.expat);
    if (p.report.count > ERRORS_MAX)
        fprintf(errors, "%s: %lu more errors\n", name, p.report.count - ERRORS_MAX);
    if (p.report.count)
        return -EINVAL;
    *ret_xml = p.xml;
    return 0;
}
