// SPDX-License-Identifier: BSD-3-Clause
#include "bom/yaml.h"

#include <limits.h>
#include <string.h>

#include "base/nearest.h"

struct place yaml_place(const struct reader *reader, const yaml_node_t *node)
{
    return (struct place){ reader->name, (u32)node->start_mark.line + 1, (u32)node->start_mark.column + 1 };
}

static const char *describe(struct reader *reader, const yaml_node_t *node)
{
    if (node->type == YAML_MAPPING_NODE)
        return "a mapping";
    if (node->type == YAML_SEQUENCE_NODE)
        return "a list";
    if (yaml_is_null(node))
        return "nothing";
    size_t length = node->data.scalar.length;
    return arena_format(reader->arena, "\"%.*s\"%s", (int)MIN(length, (size_t)60),
                        (const char *)node->data.scalar.value, length > 60 ? "..." : "");
}

void yaml_expected(struct reader *reader, const yaml_node_t *node, const char *key, const char *wanted)
{
    report_error(reader->report, yaml_place(reader, node), "%s%sfound %s; it must be %s", key, *key ? ": " : "",
                 describe(reader, node), wanted);
}

bool yaml_is_null(const yaml_node_t *node)
{
    if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    const char *text = (const char *)node->data.scalar.value;
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static const struct field *find_field(const struct field *fields, const char *name)
{
    for (; fields->name; fields++)
        if (strcmp(fields->name, name) == 0)
            return fields;
    return NULL;
}

// A comma-separated list of the keys, for the message about an unknown one.
static const char *all_names(struct arena *arena, const struct field *fields, struct text_list *ret_names)
{
    const char *text = "";
    for (; fields->name; fields++) {
        text = arena_format(arena, "%s%s%s", text, *text ? ", " : "", fields->name);
        ARENA_PUSH(arena, ret_names, fields->name);
    }
    ARENA_PUSH(arena, ret_names, NULL);
    return text;
}

static void unknown_key(struct reader *reader, const yaml_node_t *node, const char *key, const char *found,
                        const struct field *fields)
{
    struct text_list names = { 0 };
    const char *all = all_names(reader->arena, fields, &names), *near = nearest_word(found, names.items);
    report_error(reader->report, yaml_place(reader, node), "%s%sunknown key \"%.60s\"%s%s%s; known here: %s", key,
                 *key ? ": " : "", found, near ? ", did you mean " : "", near ? near : "", near ? "?" : "", all);
}

static void read_pair(struct reader *reader, const yaml_node_pair_t *pair, const char *key, const struct field *fields,
                      void *into, u64 *given)
{
    yaml_node_t *name = yaml_document_get_node(reader->document, pair->key),
                *value = yaml_document_get_node(reader->document, pair->value);
    if (!name || !value)
        return;
    if (name->type != YAML_SCALAR_NODE) {
        yaml_expected(reader, name, key, "a key");
        return;
    }
    const char *text = (const char *)name->data.scalar.value;
    const struct field *field = find_field(fields, text);
    if (!field) {
        unknown_key(reader, name, key, text, fields);
        return;
    }
    u64 bit = 1ull << (field - fields);
    if (*given & bit) {
        report_error(reader->report, yaml_place(reader, name), "%s%skey %s is given twice", key, *key ? ": " : "",
                     text);
        return;
    }
    *given |= bit;
    if (yaml_is_null(value) && !field->required)
        return;
    field->read(reader, value, arena_format(reader->arena, "%s%s%s", key, *key ? "." : "", text),
                (char *)into + field->offset);
}

void yaml_read_mapping(struct reader *reader, yaml_node_t *node, const char *key, const struct field *fields,
                       void *into, const char *wanted)
{
    u64 given = 0;
    if (node->type != YAML_MAPPING_NODE) {
        yaml_expected(reader, node, key, wanted);
        return;
    }
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
        read_pair(reader, pair, key, fields, into, &given);
    for (const struct field *field = fields; field->name; field++)
        if (field->required && !(given & (1ull << (field - fields))))
            report_error(reader->report, yaml_place(reader, node), "%s%skey %s is missing", key, *key ? ": " : "",
                         field->name);
}

void yaml_read_list(struct reader *reader, yaml_node_t *node, const char *key, const char *wanted,
                    void (*read)(struct reader *, yaml_node_t *, const char *key, void *into), void *into)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        yaml_expected(reader, node, key, wanted);
        return;
    }
    for (const yaml_node_item_t *item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
        yaml_node_t *entry = yaml_document_get_node(reader->document, *item);
        if (!entry)
            continue;
        // Aliases could name one list in each entry of another, and so on.
        if (reader->entries++ >= BOM_ENTRIES_MAX) {
            if (!reader->full)
                report_error(reader->report, yaml_place(reader, entry), "%s: more than %d list entries in one file",
                             key, BOM_ENTRIES_MAX);
            reader->full = true;
            return;
        }
        read(reader, entry,
             arena_format(reader->arena, "%s[%zu]", key, (size_t)(item - node->data.sequence.items.start)), into);
    }
}

bool yaml_read_plain(struct reader *reader, yaml_node_t *node, const char *key, struct bom_text *ret)
{
    if (node->type != YAML_SCALAR_NODE || yaml_is_null(node)) {
        yaml_expected(reader, node, key, "a text");
        return false;
    }
    size_t length = node->data.scalar.length;
    const char *text = (const char *)node->data.scalar.value;
    const char *fault = memchr(text, '\0', length) ? "it holds a NUL character"
                        : length >= PATH_MAX       ? "it is longer than a path may be"
                                                   : NULL;
    if (fault) {
        report_error(reader->report, yaml_place(reader, node), "%s: %s", key, fault);
        return false;
    }
    *ret = (struct bom_text){ .text = arena_copy(reader->arena, text, length),
                              .key = key,
                              .place = yaml_place(reader, node) };
    return true;
}

bool yaml_read_text(struct reader *reader, yaml_node_t *node, const char *key, struct bom_text *ret)
{
    struct bom_text text;
    if (!yaml_read_plain(reader, node, key, &text))
        return false;
    const char *written = text.text;
    text.text = bom_expand(reader->arena, reader->report, &text, reader->folder, written);
    if (!text.text)
        return false;
    if (!*text.text) {
        report_error(reader->report, text.place, "%s: empty%s%s; it must be a path", key,
                     *written ? " after expansion of " : "", written);
        return false;
    }
    if (strlen(text.text) >= PATH_MAX) {
        report_error(reader->report, text.place, "%s: longer than a path may be after expansion of %.200s", key,
                     written);
        return false;
    }
    *ret = text;
    return true;
}
