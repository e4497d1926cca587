// SPDX-License-Identifier: BSD-3-Clause
#include "base/fmt.h"
#include "base/string.h"

struct sink {
    char *buf;
    size_t size, len;
};

struct spec {
    bool zero, left, plus, space, alt;
    int width, precision; // precision < 0: not given
    int length;           // -2 hh, -1 h, 0 int, 1 l, 2 ll and z
};

static void put(struct sink *out, char c)
{
    if (out->len + 1 < out->size)
        out->buf[out->len] = c;
    out->len++;
}

static void put_padded(struct sink *out, const struct spec *spec, const char *prefix, const char *text, size_t len,
                       size_t zeros)
{
    size_t prefix_len = strlen(prefix), total = prefix_len + zeros + len;
    size_t pad = spec->width > 0 && (size_t)spec->width > total ? (size_t)spec->width - total : 0;

    for (size_t i = 0; !spec->left && i < pad; i++)
        put(out, ' ');
    for (size_t i = 0; i < prefix_len; i++)
        put(out, prefix[i]);
    for (size_t i = 0; i < zeros; i++)
        put(out, '0');
    for (size_t i = 0; i < len; i++)
        put(out, text[i]);
    for (size_t i = 0; spec->left && i < pad; i++)
        put(out, ' ');
}

static void put_number(struct sink *out, const struct spec *spec, u64 value, unsigned base, bool upper,
                       const char *prefix)
{
    char digits[24];
    size_t len = 0, zeros = 0;
    const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";

    do {
        digits[sizeof(digits) - ++len] = set[value % base];
        value /= base;
    } while (value);
    if (spec->precision >= 0) {
        if ((size_t)spec->precision > len)
            zeros = (size_t)spec->precision - len;
    } else if (spec->zero && !spec->left && spec->width > 0) {
        size_t used = len + strlen(prefix);
        zeros = (size_t)spec->width > used ? (size_t)spec->width - used : 0;
    }
    put_padded(out, spec, prefix, digits + sizeof(digits) - len, len, zeros);
}

static u64 next_unsigned(va_list *args, int length)
{
    switch (length) {
    case -2:
        return (u8)va_arg(*args, unsigned);
    case -1:
        return (u16)va_arg(*args, unsigned);
    case 0:
        return va_arg(*args, unsigned);
    default:
        return va_arg(*args, unsigned long);
    }
}

static s64 next_signed(va_list *args, int length)
{
    switch (length) {
    case -2:
        return (s8)va_arg(*args, int);
    case -1:
        return (s16)va_arg(*args, int);
    case 0:
        return va_arg(*args, int);
    default:
        return va_arg(*args, long);
    }
}

static const char *parse_spec(const char *p, struct spec *spec, va_list *args)
{
    *spec = (struct spec){ .precision = -1 };
    for (;; p++) {
        if (*p == '0')
            spec->zero = true;
        else if (*p == '-')
            spec->left = true;
        else if (*p == '+')
            spec->plus = true;
        else if (*p == ' ')
            spec->space = true;
        else if (*p == '#')
            spec->alt = true;
        else
            break;
    }
    if (*p == '*') {
        spec->width = va_arg(*args, int);
        if (spec->width < 0) {
            spec->left = true;
            spec->width = -spec->width;
        }
        p++;
    }
    while (*p >= '0' && *p <= '9')
        spec->width = spec->width * 10 + (*p++ - '0');
    if (*p == '.') {
        spec->precision = 0;
        if (*++p == '*') {
            spec->precision = va_arg(*args, int);
            p++;
        }
        while (*p >= '0' && *p <= '9')
            spec->precision = spec->precision * 10 + (*p++ - '0');
    }
    for (;; p++) {
        if (*p == 'l')
            spec->length++;
        else if (*p == 'h')
            spec->length--;
        else if (*p == 'z')
            spec->length = 2;
        else
            return p;
    }
}

static void put_signed(struct sink *out, const struct spec *spec, s64 value)
{
    const char *sign = spec->space ? " " : "";
    if (spec->plus)
        sign = "+";
    if (value < 0)
        sign = "-";
    put_number(out, spec, value < 0 ? 0 - (u64)value : (u64)value, 10, false, sign);
}

static void put_string(struct sink *out, const struct spec *spec, const char *s)
{
    if (!s)
        s = "(null)";
    size_t len = spec->precision >= 0 ? strnlen(s, (size_t)spec->precision) : strlen(s);
    put_padded(out, spec, "", s, len, 0);
}

size_t fmt_vformat(char *buf, size_t size, const char *format, va_list caller_args)
{
    struct sink out = { .buf = buf, .size = size };
    va_list args;

    va_copy(args, caller_args);
    for (const char *p = format; *p; p++) {
        if (*p != '%') {
            put(&out, *p);
            continue;
        }
        struct spec spec;
        p = parse_spec(p + 1, &spec, &args);
        if (*p == 'd' || *p == 'i') {
            put_signed(&out, &spec, next_signed(&args, spec.length));
        } else if (*p == 'u') {
            put_number(&out, &spec, next_unsigned(&args, spec.length), 10, false, "");
        } else if (*p == 'o') {
            put_number(&out, &spec, next_unsigned(&args, spec.length), 8, false, "");
        } else if (*p == 'x' || *p == 'X') {
            put_number(&out, &spec, next_unsigned(&args, spec.length), 16, *p == 'X', spec.alt ? "0x" : "");
        } else if (*p == 'p') {
            put_number(&out, &spec, (u64)(uintptr_t)va_arg(args, void *), 16, false, "0x");
        } else if (*p == 's') {
            put_string(&out, &spec, va_arg(args, const char *));
        } else if (*p == 'c') {
            char c = (char)va_arg(args, int);
            put_padded(&out, &spec, "", &c, 1, 0);
        } else if (*p == '%') {
            put(&out, '%');
        } else {
            break; // an unknown conversion ends the text: its argument's type is unknown
        }
    }
    va_end(args);
    if (size)
        buf[MIN(out.len, size - 1)] = '\0';
    return out.len;
}

size_t fmt_format(char *buf, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t len = fmt_vformat(buf, size, format, args);
    va_end(args);
    return len;
}
