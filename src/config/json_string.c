// SPDX-License-Identifier: BSD-3-Clause
// Strings of JSON: UTF-8 (RFC 3629) and escapes (RFC 8259 section 7).
#include <stdlib.h>
#include <string.h>

#include "config/json_text.h"

// Bytes of a sequence that begins so; 0: none does (RFC 3629).
static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first >= 0xf5)
        return 0;
    if (first < 0xe0)
        return 2;
    return first < 0xf0 ? 3 : 4;
}

// Bytes of the well-formed sequence at p, 0 if there is none.
static size_t utf8_length(const unsigned char *p, size_t left)
{
    size_t length = sequence_length(p[0]);
    if (length == 0 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    // Overlong forms, surrogates and values over U+10FFFF differ in the second byte.
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf0 && p[1] < 0x90) ||
        (p[0] == 0xf4 && p[1] >= 0x90))
        return 0;
    return length;
}

bool json_check_bytes(struct json_text *in)
{
    struct json_text scan = *in;
    while (scan.at < scan.end) {
        size_t length = utf8_length((const unsigned char *)scan.at, (size_t)(scan.end - scan.at));
        if (length == 0 || *scan.at == 0) {
            json_expected(&scan, length ? "text without NUL bytes" : "valid UTF-8");
            return false;
        }
        while (length--)
            json_next(&scan);
    }
    return true;
}

// -1: c is none.
static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int hex4(struct json_text *in)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        int c = json_peek(in);
        int digit = hex_digit(c);
        if (digit < 0) {
            json_expected(in, "four hexadecimal digits after \\u");
            return -1;
        }
        value = value * 16 + digit;
        json_next(in);
    }
    return value;
}

// The code point of \uXXXX (a surrogate pair takes two); the position is behind the first u. -1 after an error.
static int unicode_escape(struct json_text *in)
{
    int high = hex4(in);
    if (high == 0) {
        json_expected(in, "no NUL character in a string");
        return -1;
    }
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high < 0xdc00 && in->end - in->at > 2 && in->at[0] == '\\' && in->at[1] == 'u') {
        json_next(in);
        json_next(in);
        int low = hex4(in);
        if (low >= 0xdc00 && low <= 0xdfff)
            return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    }
    json_expected(in, "a complete surrogate pair");
    return -1;
}

static char *put_utf8(char *out, unsigned c)
{
    if (c < 0x80) {
        *out++ = (char)c;
        return out;
    }
    if (c < 0x800) {
        *out++ = (char)(0xc0 | c >> 6);
    } else {
        if (c < 0x10000) {
            *out++ = (char)(0xe0 | c >> 12);
        } else {
            *out++ = (char)(0xf0 | c >> 18);
            *out++ = (char)(0x80 | (c >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (c >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (c & 0x3f));
    return out;
}

// Decodes the escape whose backslash was passed. NULL after an error.
static char *escape(struct json_text *in, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = json_peek(in);
    const char *known = c > 0 ? strchr(from, c) : NULL;
    if (known) {
        json_next(in);
        *out = to[known - from];
        return out + 1;
    }
    if (c != 'u') {
        json_expected(in, "one of \" \\ / b f n r t u after a backslash");
        return NULL;
    }
    json_next(in);
    int code = unicode_escape(in);
    return code < 0 ? NULL : put_utf8(out, (unsigned)code);
}

// Bytes up to the closing quote, an upper bound of the decoded size.
static size_t raw_length(const struct json_text *in)
{
    const char *p = in->at;
    while (p < in->end && *p != '"' && *p != '\n')
        p += *p == '\\' ? 2 : 1;
    return p > in->end ? (size_t)(in->end - in->at) : (size_t)(p - in->at);
}

char *json_string(struct json_text *in)
{
    json_next(in);
    char *text = malloc(raw_length(in) + 1), *out = text;
    if (!text)
        json_expected(in, "more memory");
    while (out && json_peek(in) != '"') {
        if (json_peek(in) < ' ') {
            json_expected(in, "'\"' at the end of the string");
            out = NULL;
        } else if (*in->at == '\\') {
            json_next(in);
            out = escape(in, out);
        } else {
            *out++ = *in->at;
            json_next(in);
        }
    }
    if (!out) {
        free(text);
        return NULL;
    }
    json_next(in);
    *out = 0;
    return text;
}
