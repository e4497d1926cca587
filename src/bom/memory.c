// SPDX-License-Identifier: BSD-3-Clause
#include "bom/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10 };

struct arena_block {
    struct arena_block *before;
    size_t used, size;
    _Alignas(16) u8 data[];
};

static _Noreturn void out_of_memory(void)
{
    fputs("copy_bom: out of memory\n", stderr);
    exit(1);
}

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->last;
    if (size > SIZE_MAX / 4)
        out_of_memory();
    size = ALIGN_UP(size ? size : 1, 16);
    if (!block || block->size - block->used < size) {
        size_t room = MAX(size, (size_t)BLOCK_SIZE);
        block = calloc(1, sizeof(*block) + room);
        if (!block)
            out_of_memory();
        block->size = room;
        block->before = arena->last;
        arena->last = block;
    }
    void *memory = block->data + block->used;
    block->used += size;
    return memory;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (length)
        memcpy(copy, text, length);
    return copy;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        out_of_memory();
    char *text = arena_alloc(arena, (size_t)length + 1);
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

void arena_free(struct arena *arena)
{
    while (arena->last) {
        struct arena_block *before = arena->last->before;
        free(arena->last);
        arena->last = before;
    }
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return items;
    size_t more = *room ? *room * 2 : 8;
    if (more > SIZE_MAX / 4 / size)
        out_of_memory();
    void *grown = arena_alloc(arena, more * size);
    if (count)
        memcpy(grown, items, count * size);
    *room = more;
    return grown;
}
