// SPDX-License-Identifier: BSD-3-Clause
// A JSON reader (RFC 8259) that also takes // and /* */ comments and trailing commas, and keeps positions.
#pragma once

#include "config/errors.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum { JSON_DEPTH_MAX = 64, JSON_MEMBERS_MAX = 4096 };
#define JSON_SIZE_MAX MIB(4)

struct json_value {
    enum json_type type;
    struct json_pos pos;
    char *key; // name in the enclosing object, NULL elsewhere
    struct json_pos key_pos;
    char *text; // JSON_STRING: decoded, UTF-8, no NUL inside. JSON_NUMBER: as written
    bool boolean;
    struct json_value *first, *next; // elements or members, in the order of the file
};

// Parses text[0..size). A syntax error ends the parse; a duplicate key is reported and parsing goes on.
// Returns NULL after an error that leaves no tree (-> errors). The caller frees the tree with json_free.
struct json_value *json_parse(const char *text, size_t size, struct config_errors *errors);
// Accepts NULL.
void json_free(struct json_value *value);
// "a string", "an object", ...: for messages.
const char *json_type_name(enum json_type type);
