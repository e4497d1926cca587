// SPDX-License-Identifier: BSD-3-Clause
// Unknown keys, and what their writer probably meant.
#include <string.h>

#include "config/schema.h"

enum { WORD_MAX = 64 };

// Levenshtein distance of two words shorter than WORD_MAX.
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], length = strlen(b);
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t replaced = diagonal + (a[i] != b[j]);
            diagonal = row[j + 1];
            size_t inserted = MIN(diagonal, row[j]) + 1;
            row[j + 1] = MIN(replaced, inserted);
        }
    }
    return row[length];
}

void field_unknown(const struct json_value *value, const char *prefix, const char *const *names, struct config_errors *errors)
{
    const char *nearest = NULL;
    size_t best = strlen(value->key) / 2 + 1;
    if (strlen(value->key) < WORD_MAX)
        for (; *names; names++) {
            size_t d = distance(value->key, *names);
            if (d < best) {
                best = d;
                nearest = *names;
            }
        }
    const char *dot = *prefix ? "." : "";
    if (nearest)
        config_error(errors, value->key_pos, "%s%s%.64s: found an unknown key; expected \"%s\"?", prefix, dot, value->key, nearest);
    else
        config_error(errors, value->key_pos, "%s%s%.64s: found an unknown key; expected one that the schema knows", prefix, dot, value->key);
}
