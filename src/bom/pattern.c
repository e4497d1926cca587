// SPDX-License-Identifier: BSD-3-Clause
#include "bom/pattern.h"

#include <string.h>

// How much work one match may be: patterns with many stars are exponential.
enum { STEPS_MAX = 100000 };

struct matching {
    const char *end; // of the pattern
    int steps;
};

// Matches one character against the set behind a [; *ret_rest follows its ]. False with *ret_rest NULL: the set has no
// end.
static bool in_set(const char *pattern, const char *end, char c, const char **ret_rest)
{
    bool negated = pattern < end && (*pattern == '!' || *pattern == '^'), found = false;
    const char *at = pattern + negated, *first = at;
    while (at < end && (*at != ']' || at == first)) {
        if (*at == '\\' && at + 1 < end)
            at++;
        char low = *at, high = low;
        if (end - at > 2 && at[1] == '-' && at[2] != ']') {
            high = at[2];
            at += 2;
        }
        found = found || ((u8)c >= (u8)low && (u8)c <= (u8)high);
        at++;
    }
    *ret_rest = at < end ? at + 1 : NULL;
    return *ret_rest && c && c != '/' && found != negated;
}

static bool matches(struct matching *matching, const char *pattern, const char *text);

static bool matches_star(struct matching *matching, const char *pattern, const char *text)
{
    bool deep = false;
    for (; pattern < matching->end && *pattern == '*'; pattern++)
        deep = deep || (pattern + 1 < matching->end && pattern[1] == '*');
    for (;; text++) {
        if (matches(matching, pattern, text))
            return true;
        if (!*text || (*text == '/' && !deep) || matching->steps >= STEPS_MAX)
            return false;
    }
}

static bool matches(struct matching *matching, const char *pattern, const char *text)
{
    const char *rest;
    for (; pattern < matching->end; text++) {
        if (matching->steps >= STEPS_MAX)
            return false;
        matching->steps++;
        if (*pattern == '*')
            return matches_star(matching, pattern, text);
        if (*pattern == '[') {
            bool good = in_set(pattern + 1, matching->end, *text, &rest);
            if (rest) {
                if (!good)
                    return false;
                pattern = rest;
                continue;
            }
        }
        if (*pattern == '?' ? !*text || *text == '/' : false)
            return false;
        if (*pattern == '\\' && pattern + 1 < matching->end)
            pattern++;
        else if (*pattern == '?') {
            pattern++;
            continue;
        }
        if (*pattern++ != *text)
            return false;
    }
    return !*text;
}

bool pattern_excludes(const char *pattern, const char *path, bool is_folder)
{
    size_t length = strlen(pattern);
    if (length > 4 &&
        strcmp(pattern + length - 4, "/***") == 0) // a folder and all in it: what excluding the folder does
        length -= 3;
    bool folders_only = length > 1 && pattern[length - 1] == '/';
    length -= folders_only;
    if ((folders_only && !is_folder) || length == 0)
        return false;
    struct matching matching = { .end = pattern + length };
    if (pattern[0] == '/')
        return matches(&matching, pattern + 1, path);
    bool many = memchr(pattern, '/', length) != NULL;
    for (size_t i = 0; !many && i + 1 < length; i++)
        many = pattern[i] == '*' && pattern[i + 1] == '*';
    if (!many) {
        const char *slash = strrchr(path, '/');
        return matches(&matching, pattern, slash ? slash + 1 : path);
    }
    if (length > 3 && strncmp(pattern, "**/", 3) == 0 &&
        matches(&matching, pattern + 3, path)) // no folder at all is one of "any"
        return true;
    for (const char *at = path;; at++) {
        if (matches(&matching, pattern, at))
            return true;
        at = strchr(at, '/');
        if (!at)
            return false;
    }
}
