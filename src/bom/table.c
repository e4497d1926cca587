// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "bom/memory.h"

struct table_entry {
    const char *key;
    void *value;
    struct table_entry *next;
};

// FNV-1a.
static struct table_entry **bucket_of(const struct table *table, const char *key)
{
    u64 hash = 0xcbf29ce484222325;
    for (; *key; key++)
        hash = (hash ^ (u8)*key) * 0x100000001b3;
    return &table->buckets[hash % table->bucket_count];
}

void *table_get(const struct table *table, const char *key)
{
    if (!table->count)
        return NULL;
    for (const struct table_entry *entry = *bucket_of(table, key); entry; entry = entry->next)
        if (strcmp(entry->key, key) == 0)
            return entry->value;
    return NULL;
}

static void insert(struct table *table, struct table_entry *entry)
{
    struct table_entry **bucket = bucket_of(table, entry->key);
    entry->next = *bucket;
    *bucket = entry;
}

static void grow(struct arena *arena, struct table *table)
{
    struct table larger = { .bucket_count = table->bucket_count ? table->bucket_count * 4 : 256,
                            .count = table->count };
    larger.buckets = arena_alloc(arena, larger.bucket_count * sizeof(struct table_entry *));
    for (size_t i = 0; i < table->bucket_count; i++)
        for (struct table_entry *entry = table->buckets[i], *next; entry; entry = next) {
            next = entry->next;
            insert(&larger, entry);
        }
    *table = larger;
}

void table_put(struct arena *arena, struct table *table, const char *key, void *value)
{
    struct table_entry *entry = arena_alloc(arena, sizeof(*entry));
    if (table->count >= table->bucket_count)
        grow(arena, table);
    *entry = (struct table_entry){ .key = key, .value = value };
    insert(table, entry);
    table->count++;
}
