// SPDX-License-Identifier: BSD-3-Clause
// Memory that lives as long as one run of copy_bom. Running out of it ends the program: nothing is half done by then,
// because files are renamed into place.
#pragma once

#include "base/types.h"

struct arena_block;
struct arena {
    struct arena_block *last;
};

// Zeroed, aligned to 16 bytes. Never NULL.
void *arena_alloc(struct arena *arena, size_t size);
char *arena_copy(struct arena *arena, const char *text, size_t length); // NUL-terminated
char *arena_format(struct arena *arena, const char *format, ...) __printf_like(2, 3);
void arena_free(struct arena *arena);

// Room for one more of `size` bytes each in an array of *room that holds count; returns the array, grown when it was
// full.
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *room, size_t size);
#define ARENA_PUSH(arena, list, ...)                                                                            \
    do {                                                                                                        \
        (list)->items = arena_grow(arena, (list)->items, (list)->count, &(list)->room, sizeof(*(list)->items)); \
        (list)->items[(list)->count++] = (__VA_ARGS__);                                                         \
    } while (0)

struct text_list {
    const char **items;
    size_t count, room;
};

// Texts to pointers; keys are not copied. Zeroed, it is empty.
struct table_entry;
struct table {
    struct table_entry **buckets;
    size_t bucket_count, count;
};
void *table_get(const struct table *table, const char *key);                            // NULL: not there
void table_put(struct arena *arena, struct table *table, const char *key, void *value); // the key is not there yet
