// SPDX-License-Identifier: BSD-3-Clause
#include "config/json.h"

#include <stdlib.h>
#include <string.h>

#include "config/json_text.h"

const char *json_type_name(enum json_type type)
{
    static const char *const names[] = { "null", "a boolean", "a number", "a string", "an array", "an object" };
    return names[type];
}

void json_free(struct json_value *value)
{
    while (value) { // recursion only into children: depth is limited, length is not
        struct json_value *next = value->next;
        json_free(value->first);
        free(value->key);
        free(value->text);
        free(value);
        value = next;
    }
}

static struct json_value *parse_value(struct json_text *in, unsigned depth);

static bool key_exists(const struct json_value *object, const char *key)
{
    for (const struct json_value *member = object->first; member; member = member->next)
        if (strcmp(member->key, key) == 0)
            return true;
    return false;
}

// The key and the colon of a member. NULL after an error.
static char *parse_key(struct json_text *in)
{
    if (json_peek(in) != '"') {
        json_expected(in, "a key in double quotes");
        return NULL;
    }
    char *key = json_string(in);
    if (!key)
        return NULL;
    json_skip(in);
    if (json_peek(in) == ':') {
        json_next(in);
        return key;
    }
    json_expected(in, "':' after the key");
    free(key);
    return NULL;
}

static struct json_value *parse_member(struct json_text *in, const struct json_value *parent, unsigned depth)
{
    struct json_pos pos = in->pos;
    char *key = parse_key(in);
    if (!key)
        return NULL;
    if (key_exists(parent, key))
        config_error(in->errors, pos, "%s: found a second value for this key; expected one", key);
    json_skip(in);
    struct json_value *value = parse_value(in, depth);
    if (!value) {
        free(key);
        return NULL;
    }
    value->key = key;
    value->key_pos = pos;
    return value;
}

// Elements up to the closing bracket, into parent. False after an error.
static bool parse_elements(struct json_text *in, struct json_value *parent, unsigned depth)
{
    char close = parent->type == JSON_OBJECT ? '}' : ']';
    struct json_value **link = &parent->first;
    json_next(in);
    for (unsigned count = 0;; count++) {
        json_skip(in);
        if (json_peek(in) == close) {
            json_next(in);
            return !in->failed;
        }
        if (count == JSON_MEMBERS_MAX) {
            json_expected(in, "at most 4096 elements here");
            return false;
        }
        *link = parent->type == JSON_OBJECT ? parse_member(in, parent, depth) : parse_value(in, depth);
        if (!*link)
            return false;
        link = &(*link)->next;
        json_skip(in);
        if (json_peek(in) == ',')
            json_next(in);
        else if (json_peek(in) != close) {
            json_expected(in, close == '}' ? "',' or '}'" : "',' or ']'");
            return false;
        }
    }
}

static bool parse_word(struct json_text *in, struct json_value *value)
{
    static const struct {
        const char *word;
        enum json_type type;
        bool boolean;
    } words[] = { { "true", JSON_BOOL, true }, { "false", JSON_BOOL, false }, { "null", JSON_NULL, false } };
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (json_word(in, words[i].word)) {
            value->type = words[i].type;
            value->boolean = words[i].boolean;
            return true;
        }
    json_expected(in, "a value");
    return false;
}

static bool parse_into(struct json_text *in, struct json_value *value, unsigned depth)
{
    int c = json_peek(in);
    if (c == '{' || c == '[') {
        value->type = c == '{' ? JSON_OBJECT : JSON_ARRAY;
        if (depth < JSON_DEPTH_MAX)
            return parse_elements(in, value, depth + 1);
        json_expected(in, "at most 64 levels of nesting");
        return false;
    }
    if (c == '"') {
        value->type = JSON_STRING;
        return (value->text = json_string(in)) != NULL;
    }
    if (c == '-' || (c >= '0' && c <= '9')) {
        value->type = JSON_NUMBER;
        return (value->text = json_number(in)) != NULL;
    }
    return parse_word(in, value);
}

static struct json_value *parse_value(struct json_text *in, unsigned depth)
{
    struct json_value *value = calloc(1, sizeof(*value));
    if (!value) {
        json_expected(in, "more memory");
        return NULL;
    }
    value->pos = in->pos;
    if (parse_into(in, value, depth))
        return value;
    json_free(value);
    return NULL;
}

struct json_value *json_parse(const char *text, size_t size, struct config_errors *errors)
{
    struct json_text in = { .at = text, .end = text + size, .pos = { 1, 1 }, .errors = errors };
    if (size > JSON_SIZE_MAX) {
        config_error(errors, (struct json_pos){ 0, 0 }, "found a file of %zu bytes; expected at most 4 MiB", size);
        return NULL;
    }
    if (!json_check_bytes(&in))
        return NULL;
    json_skip(&in);
    struct json_value *value = parse_value(&in, 0);
    if (!value)
        return NULL;
    json_skip(&in);
    if (!in.failed && in.at == in.end)
        return value;
    json_expected(&in, "the end of the file");
    json_free(value);
    return NULL;
}
