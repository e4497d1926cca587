// SPDX-License-Identifier: BSD-3-Clause
#include "libos/net/resolv_text.h"
#include "base/string.h"

enum { WORD_MAX = 253 }; // a name's longest

static const struct rule {
    const char *keyword, *others; // characters besides letters and digits
    size_t words;
} rules[] = {
    { "nameserver", ".:%", 1 },
    { "search", ".-_", 6 },
    { "domain", ".-_", 1 },
    { "options", ":-_", 16 },
};

struct text {
    char *at;
    size_t size;
};

static void add(struct text *text, const char *part, size_t n)
{
    if (text->size + n <= RESOLV_MAX) {
        memcpy(text->at + text->size, part, n);
        text->size += n;
    }
}

static bool is_blank(char c) { return c == ' ' || c == '\t'; }

// The next word of a line, or NULL.
static const char *word(const char **at, const char *end, size_t *ret_size)
{
    while (*at < end && is_blank(**at))
        (*at)++;
    const char *begin = *at;
    while (*at < end && !is_blank(**at))
        (*at)++;
    *ret_size = (size_t)(*at - begin);
    return *ret_size ? begin : NULL;
}

static bool is_plain(const char *text, size_t size, const char *others)
{
    for (size_t i = 0; i < size; i++) {
        char c = text[i], low = (char)(c | 0x20);
        bool known = (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z');
        for (const char *o = others; *o && !known; o++)
            known = c == *o;
        if (!known)
            return false;
    }
    return size <= WORD_MAX;
}

static const struct rule *rule_of(const char *keyword, size_t size)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (strlen(rules[i].keyword) == size && !memcmp(rules[i].keyword, keyword, size))
            return &rules[i];
    return NULL;
}

// One line without its end; true: it was a nameserver.
static bool take_line(const char *at, const char *end, struct text *text)
{
    size_t size, before = text->size, words = 0;
    const char *part = word(&at, end, &size);
    const struct rule *rule = part ? rule_of(part, size) : NULL;

    if (!rule)
        return false;
    add(text, part, size);
    while (words < rule->words && (part = word(&at, end, &size))) {
        if (!is_plain(part, size, rule->others) || text->size + size + 2 > RESOLV_MAX)
            break;
        add(text, " ", 1);
        add(text, part, size);
        words++;
    }
    if (!words || text->size + 1 > RESOLV_MAX) {
        text->size = before;
        return false;
    }
    add(text, "\n", 1);
    return rule == &rules[0];
}

size_t resolv_text(const char *from, size_t size, char ret_text[RESOLV_MAX])
{
    const char *end = from + size;
    struct text text = { ret_text, 0 };
    u32 servers = 0;

    add(&text, RESOLV_MARK, sizeof(RESOLV_MARK) - 1);
    while (from < end) {
        const char *line_end = memchr(from, '\n', (size_t)(end - from));
        if (!line_end)
            line_end = end;
        size_t before = text.size;
        if (take_line(from, line_end, &text) && ++servers > RESOLV_NAMESERVERS)
            text.size = before;
        from = line_end + 1;
    }
    return servers ? text.size : 0;
}
