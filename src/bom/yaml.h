// SPDX-License-Identifier: BSD-3-Clause
// Reading a YAML document by tables: each mapping is a list of fields, each field a function. Every complaint names the
// place, the key, what was found and what would be right.
#pragma once

#include <yaml.h>

#include "bom/bom.h"

struct reader {
    struct arena *arena;
    struct report *report;
    yaml_document_t *document;
    const char *name, *folder; // of the file
    size_t entries;            // list entries so far
    bool full;                 // BOM_ENTRIES_MAX was told
};

// One key of a mapping; `read` puts its value at `into` + offset.
struct field {
    const char *name;
    void (*read)(struct reader *reader, yaml_node_t *node, const char *key, void *into);
    size_t offset;
    bool required;
};

struct place yaml_place(const struct reader *reader, const yaml_node_t *node);
// "`key`: found WHAT; it must be `wanted`".
void yaml_expected(struct reader *reader, const yaml_node_t *node, const char *key, const char *wanted);
// An empty value, ~ or null: as if the key was not given.
bool yaml_is_null(const yaml_node_t *node);

// Reads all fields of a mapping; complains about keys that are unknown, given twice or missing. `fields` ends with a
// NULL name.
void yaml_read_mapping(struct reader *reader, yaml_node_t *node, const char *key, const struct field *fields,
                       void *into, const char *wanted);
// Calls `read` for each entry of a list.
void yaml_read_list(struct reader *reader, yaml_node_t *node, const char *key, const char *wanted,
                    void (*read)(struct reader *, yaml_node_t *, const char *key, void *into), void *into);
// A text without NUL, not empty, not longer than a path, with its variables expanded. Returns false after an error.
bool yaml_read_text(struct reader *reader, yaml_node_t *node, const char *key, struct bom_text *ret);
// The same without expansion of variables.
bool yaml_read_plain(struct reader *reader, yaml_node_t *node, const char *key, struct bom_text *ret);
