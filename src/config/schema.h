// SPDX-License-Identifier: BSD-3-Clause
// The keys of Occlum.json, one table.
#pragma once

#include "config/config.h"
#include "config/json.h"

enum field_kind {
    FIELD_OBJECT,
    FIELD_SIZE,   // "32MB", a multiple of 4 KiB
    FIELD_NUMBER, // min..max
    FIELD_BOOL,
    FIELD_HEX,     // "0x1f", 64 bits
    FIELD_STRINGS, // array, each element checked by check
    FIELD_MOUNTS,
};

struct field {
    const char *path; // dotted
    enum field_kind kind;
    bool required;
    size_t offset; // in struct occlum_json
    u64 max;       // FIELD_NUMBER; FIELD_SIZE: 0 if it has none
    u64 min, initial;
    // FIELD_STRINGS: what an element must be, or NULL if item is fine.
    const char *(*check)(const char *item);
    const char *refuse; // if not NULL: a value other than 0 is refused with this reason
};

extern const struct field schema[];
extern const size_t schema_count;

// Scalars and lists of the table; each reports its own errors under the name path.
void field_read(const struct field *field, const struct json_value *value, struct config_errors *errors,
                struct occlum_json *json);
bool field_size(const struct json_value *value, const char *path, struct config_errors *errors, u64 *ret_size);
void mounts_read(const struct json_value *value, struct config_errors *errors, struct occlum_json *json);
// Reports that value is of another type than expected; false then.
bool field_expect(const struct json_value *value, enum json_type type, const char *path, const char *expected,
                  struct config_errors *errors);
// What value is, for messages: its text in quotes, its number, or its type. buffer has size bytes.
const char *field_found(const struct json_value *value, char *buffer, size_t size);
// Reports value's key as unknown below prefix, naming the nearest of names (NULL-terminated).
void field_unknown(const struct json_value *value, const char *prefix, const char *const *names,
                   struct config_errors *errors);
