// SPDX-License-Identifier: BSD-3-Clause
// The word somebody probably meant.
#pragma once

#include "base/types.h"

enum { NEAREST_WORD_MAX = 64 }; // longer words have no nearest one

static inline size_t nearest_length(const char *word)
{
    size_t n = 0;
    while (word[n])
        n++;
    return n;
}

// Levenshtein distance; b is shorter than NEAREST_WORD_MAX. A beginning of b is at distance 1.
static inline size_t nearest_distance(const char *a, const char *b)
{
    size_t row[NEAREST_WORD_MAX + 1], length = nearest_length(b), i;
    for (i = 0; a[i] && a[i] == b[i]; i++)
        ;
    if (i && !a[i])
        return b[i] ? 1 : 0;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (i = 0; a[i]; i++) {
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

// The one of names (NULL-terminated) nearest to word, or NULL when more than half of word would have to change.
static inline const char *nearest_word(const char *word, const char *const *names)
{
    const char *nearest = NULL;
    size_t length = nearest_length(word), best = length / 2 + 1;
    for (; length < NEAREST_WORD_MAX && *names; names++) {
        size_t d = nearest_length(*names) < NEAREST_WORD_MAX ? nearest_distance(word, *names) : best;
        if (d < best) {
            best = d;
            nearest = *names;
        }
    }
    return nearest;
}
