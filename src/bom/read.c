// SPDX-License-Identifier: BSD-3-Clause
// The fields of a BOM, from the YAML document to struct bom.
#include <string.h>

#include "bom/yaml.h"

#define FIELD(type, member, function, needed)                    \
    {                                                            \
#member, function, offsetof(struct type, member), needed \
    }

static void read_one_text(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_text(reader, node, key, into);
}

// `from` may be empty, which means the working folder.
static void read_from(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    if (node->type == YAML_SCALAR_NODE && node->data.scalar.length == 0)
        *(struct bom_text *)into = (struct bom_text){ .text = "", .key = key, .place = yaml_place(reader, node) };
    else
        yaml_read_text(reader, node, key, into);
}

static void read_texts_entry(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_texts *list = into;
    struct bom_text text;
    if (yaml_read_text(reader, node, key, &text))
        ARENA_PUSH(reader->arena, list, text);
}

static void read_texts(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_list(reader, node, key, "a list of texts", read_texts_entry, into);
}

static void read_bool(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    static const char *const words[] = { "true", "True", "TRUE", "false", "False", "FALSE" };
    const char *text = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : "";
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *(bool *)into = i < 3;
            return;
        }
    yaml_expected(reader, node, key, "true or false");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(const char *text, u8 hash[32])
{
    if (strlen(text) != 64)
        return false;
    for (size_t i = 0; i < 32; i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        hash[i] = (u8)(high << 4 | low);
    }
    return true;
}

static void read_hash(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_file *file = container_of(into, struct bom_file, hash);
    struct bom_text text;
    if (node->type == YAML_SCALAR_NODE && yaml_read_plain(reader, node, key, &text) &&
        parse_hash(text.text, file->hash))
        file->hashed = true;
    else
        yaml_expected(reader, node, key, "a SHA-256: 64 hexadecimal digits, as sha256sum prints them");
}

static const struct field file_fields[] = { FIELD(bom_file, name, read_one_text, true),
                                            FIELD(bom_file, hash, read_hash, false),
                                            FIELD(bom_file, autodep, read_bool, false),
                                            FIELD(bom_file, rename, read_one_text, false),
                                            { 0 } };

static void read_file(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_files *files = into;
    struct bom_file file = { .autodep = true };
    if (node->type == YAML_SCALAR_NODE)
        yaml_read_text(reader, node, key, &file.name);
    else
        yaml_read_mapping(reader, node, key, file_fields, &file,
                          "a path, or a mapping with name, hash, autodep, rename");
    if (file.name.text)
        ARENA_PUSH(reader->arena, files, file);
}

static void read_files(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_list(reader, node, key, "a list of files", read_file, into);
}

static const struct field link_fields[] = { FIELD(bom_link, src, read_one_text, true),
                                            FIELD(bom_link, linkname, read_one_text, true),
                                            { 0 } };

static void read_link(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_links *links = into;
    struct bom_link link = { 0 };
    yaml_read_mapping(reader, node, key, link_fields, &link, "a mapping with src and linkname");
    if (link.src.text && link.linkname.text)
        ARENA_PUSH(reader->arena, links, link);
}

static void read_links(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_list(reader, node, key, "a list of mappings with src and linkname", read_link, into);
}

static const struct field copy_fields[] = { FIELD(bom_copy, from, read_from, false),
                                            FIELD(bom_copy, dirs, read_texts, false),
                                            FIELD(bom_copy, files, read_files, false),
                                            { 0 } };

// True if the mapping has the key with a value.
static bool has_key(const struct reader *reader, const yaml_node_t *node, const char *name)
{
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(reader->document, pair->value);
        if (key && value && key->type == YAML_SCALAR_NODE && strcmp((const char *)key->data.scalar.value, name) == 0)
            return !yaml_is_null(value);
    }
    return false;
}

static void read_copy(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_copies *copies = into;
    struct bom_copy copy = { 0 };
    yaml_read_mapping(reader, node, key, copy_fields, &copy, "a mapping with from, dirs, files");
    if (node->type != YAML_MAPPING_NODE)
        return;
    copy.whole = !has_key(reader, node, "dirs") && !has_key(reader, node, "files");
    bool refused = has_key(reader, node, "from") && !copy.from.text; // told; what lies below it cannot be looked for
    bool empty = !copy.from.text || !*copy.from.text;
    if (copy.whole && empty && !refused)
        report_error(reader->report, yaml_place(reader, node), "%s: nothing to copy: give from, dirs or files", key);
    else if (!refused)
        ARENA_PUSH(reader->arena, copies, copy);
}

static void read_copies(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_list(reader, node, key, "a list of mappings with from, dirs, files", read_copy, into);
}

static const struct field target_fields[] = { FIELD(bom_target, target, read_one_text, true),
                                              FIELD(bom_target, mkdirs, read_texts, false),
                                              { "createlinks", read_links, offsetof(struct bom_target, links), false },
                                              { "copy", read_copies, offsetof(struct bom_target, copies), false },
                                              { 0 } };

static void read_target(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    struct bom_targets *targets = into;
    struct bom_target target = { 0 };
    yaml_read_mapping(reader, node, key, target_fields, &target, "a mapping with target, mkdirs, createlinks, copy");
    if (target.target.text)
        ARENA_PUSH(reader->arena, targets, target);
}

static void read_targets(struct reader *reader, yaml_node_t *node, const char *key, void *into)
{
    yaml_read_list(reader, node, key, "a list of targets", read_target, into);
}

static const struct field bom_fields[] = { FIELD(bom, includes, read_texts, false),
                                           FIELD(bom, excludes, read_texts, false),
                                           FIELD(bom, targets, read_targets, false),
                                           { 0 } };

static const char wanted_bom[] = "a mapping with includes, excludes, targets";

static void syntax_error(struct report *report, const char *name, const yaml_parser_t *parser)
{
    bool placed = parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR ||
                  parser->error == YAML_COMPOSER_ERROR;
    struct place place = { name, placed ? (u32)parser->problem_mark.line + 1 : 0,
                           (u32)parser->problem_mark.column + 1 };
    const char *problem = parser->problem ? parser->problem : "no memory";
    if (parser->error == YAML_READER_ERROR)
        report_error(report, place, "not YAML: %s at byte %zu", problem, parser->problem_offset);
    else
        report_error(report, place, "not YAML: %s%s%s", problem, parser->context ? " " : "",
                     parser->context ? parser->context : "");
}

static void read_document(struct reader *reader, yaml_parser_t *parser, struct bom *ret)
{
    yaml_document_t document, second;
    if (!yaml_parser_load(parser, &document)) {
        syntax_error(reader->report, reader->name, parser);
        return;
    }
    reader->document = &document;
    yaml_node_t *root = yaml_document_get_root_node(&document);
    if (!root)
        report_error(reader->report, (struct place){ .file = reader->name }, "empty; it must be %s", wanted_bom);
    else
        yaml_read_mapping(reader, root, "", bom_fields, ret, wanted_bom);
    if (root && !yaml_parser_load(parser, &second)) {
        syntax_error(reader->report, reader->name, parser);
    } else if (root) {
        const yaml_node_t *other = yaml_document_get_root_node(&second);
        if (other)
            report_error(reader->report, yaml_place(reader, other), "a second YAML document; a BOM is one");
        yaml_document_delete(&second);
    }
    yaml_document_delete(&document);
}

void bom_read(struct arena *arena, struct report *report, const char *name, const char *folder, const void *text,
              size_t size, struct bom *ret)
{
    struct reader reader = { .arena = arena, .report = report, .name = name, .folder = folder };
    yaml_parser_t parser;

    *ret = (struct bom){ .name = name, .folder = folder };
    if (!yaml_parser_initialize(&parser)) {
        report_error(report, (struct place){ .file = name }, "no memory");
        return;
    }
    yaml_parser_set_input_string(&parser, text, size);
    read_document(&reader, &parser, ret);
    yaml_parser_delete(&parser);
}
