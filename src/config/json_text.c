// SPDX-License-Identifier: BSD-3-Clause
#include "config/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void json_next(struct json_text *in)
{
    if (*in->at == '\n') {
        in->pos.line++;
        in->pos.column = 1;
    } else {
        in->pos.column++;
    }
    in->at++;
}

void json_expected(struct json_text *in, const char *what)
{
    char found[16] = "the end";
    int c = json_peek(in);
    if (in->failed)
        return;
    in->failed = true;
    if (c >= 0x80 || (c >= 0 && c < ' '))
        snprintf(found, sizeof(found), "byte 0x%02x", (unsigned)c);
    else if (c >= 0)
        snprintf(found, sizeof(found), "'%c'", c);
    config_error(in->errors, in->pos, "syntax: found %s; expected %s", found, what);
}

static bool starts(const struct json_text *in, const char *prefix)
{
    size_t length = strlen(prefix);
    return (size_t)(in->end - in->at) >= length && memcmp(in->at, prefix, length) == 0;
}

static void skip_block_comment(struct json_text *in)
{
    struct json_pos start = in->pos;
    json_next(in);
    json_next(in);
    while (in->at < in->end && !starts(in, "*/"))
        json_next(in);
    if (in->at == in->end) {
        if (!in->failed)
            config_error(in->errors, start, "syntax: found a comment without an end; expected */");
        in->failed = true;
        return;
    }
    json_next(in);
    json_next(in);
}

void json_skip(struct json_text *in)
{
    for (;;) {
        int c = json_peek(in);
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            json_next(in);
        else if (starts(in, "//"))
            while (in->at < in->end && *in->at != '\n')
                json_next(in);
        else if (starts(in, "/*"))
            skip_block_comment(in);
        else
            return;
    }
}

static bool word_byte(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool json_word(struct json_text *in, const char *word)
{
    struct json_text rest = *in;
    if (!starts(in, word))
        return false;
    while (*word++)
        json_next(&rest);
    if (word_byte(json_peek(&rest)))
        return false;
    *in = rest;
    return true;
}

static bool skip_digits(struct json_text *in)
{
    if (json_peek(in) < '0' || json_peek(in) > '9') {
        json_expected(in, "a digit");
        return false;
    }
    while (json_peek(in) >= '0' && json_peek(in) <= '9')
        json_next(in);
    return true;
}

char *json_number(struct json_text *in)
{
    const char *start = in->at;
    if (json_peek(in) == '-')
        json_next(in);
    if (json_peek(in) == '0')
        json_next(in);
    else if (!skip_digits(in))
        return NULL;
    if (json_peek(in) == '.') {
        json_next(in);
        if (!skip_digits(in))
            return NULL;
    }
    if (json_peek(in) == 'e' || json_peek(in) == 'E') {
        json_next(in);
        if (json_peek(in) == '+' || json_peek(in) == '-')
            json_next(in);
        if (!skip_digits(in))
            return NULL;
    }
    if (!word_byte(json_peek(in)))
        return strndup(start, (size_t)(in->at - start));
    json_expected(in, "a number such as 32");
    return NULL;
}
