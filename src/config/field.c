// SPDX-License-Identifier: BSD-3-Clause
// Values of Occlum.json: from JSON to numbers and strings.
#include "config/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

const char *field_found(const struct json_value *value, char *buffer, size_t size)
{
    if (value->type == JSON_STRING)
        snprintf(buffer, size, "\"%.80s\"", value->text);
    else if (value->type == JSON_NUMBER)
        snprintf(buffer, size, "%.80s", value->text);
    else if (value->type == JSON_BOOL)
        snprintf(buffer, size, "%s", value->boolean ? "true" : "false");
    else
        snprintf(buffer, size, "%s", json_type_name(value->type));
    return buffer;
}

static void refuse(const struct json_value *value, const char *path, const char *expected, struct config_errors *errors)
{
    char found[96];
    config_error(errors, value->pos, "%s: found %s; expected %s", path, field_found(value, found, sizeof(found)),
                 expected);
}

bool field_expect(const struct json_value *value, enum json_type type, const char *path, const char *expected,
                  struct config_errors *errors)
{
    if (value->type == type)
        return true;
    refuse(value, path, expected, errors);
    return false;
}

// "12 MB" -> bytes. False if the text has another form or the value does not fit 64 bits.
bool config_parse_size(const char *text, u64 *ret_size)
{
    static const char *const units[] = { "B", "KB", "MB", "GB", "TB" };
    u64 number = 0;
    if (*text < '0' || *text > '9')
        return false;
    for (; *text >= '0' && *text <= '9'; text++)
        if (mul_overflow_u64(number, 10, &number) || add_overflow_u64(number, (u64)(*text - '0'), &number))
            return false;
    if (*text == ' ')
        text++;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(text, units[i]) == 0)
            return !mul_overflow_u64(number, 1ull << (10 * i), ret_size);
    return false;
}

bool field_size(const struct json_value *value, const char *path, struct config_errors *errors, u64 *ret_size)
{
    u64 size;
    const char *form = "a size such as \"32MB\" (units B KB MB GB TB, below 2^64 bytes)";
    if (!field_expect(value, JSON_STRING, path, form, errors))
        return false;
    if (!config_parse_size(value->text, &size)) {
        refuse(value, path, form, errors);
        return false;
    }
    if (size == 0 || !IS_ALIGNED(size, PAGE_SIZE)) {
        refuse(value, path, size ? "a multiple of 4KB" : "a size over 0", errors);
        return false;
    }
    *ret_size = size;
    return true;
}

// Plain decimal digits only: 1.0, 1e3 and -0 are refused rather than guessed.
static bool read_number(const struct field *field, const struct json_value *value, struct config_errors *errors,
                        u64 *ret)
{
    char expected[64];
    snprintf(expected, sizeof(expected), "an integer from %llu to %llu", (unsigned long long)field->min,
             (unsigned long long)field->max);
    if (!field_expect(value, JSON_NUMBER, field->path, expected, errors))
        return false;
    char *end;
    errno = 0;
    u64 number = strtoull(value->text, &end, 10);
    if (value->text[0] == '-' || *end || errno || number < field->min || number > field->max) {
        refuse(value, field->path, expected, errors);
        return false;
    }
    *ret = number;
    return true;
}

static bool read_hex(const struct field *field, const struct json_value *value, struct config_errors *errors, u64 *ret)
{
    const char *form = "1 to 16 hexadecimal digits such as \"0x1f\"";
    if (!field_expect(value, JSON_STRING, field->path, form, errors))
        return false;
    const char *digits = strncmp(value->text, "0x", 2) == 0 ? value->text + 2 : value->text;
    size_t length = strlen(digits);
    if (length == 0 || length > 16 || strspn(digits, "0123456789abcdefABCDEF") != length) {
        refuse(value, field->path, form, errors);
        return false;
    }
    *ret = strtoull(digits, NULL, 16);
    return true;
}

static bool below_maximum(const struct field *field, const struct json_value *value, u64 size,
                          struct config_errors *errors)
{
    char expected[48];
    if (!field->max || size <= field->max)
        return true;
    snprintf(expected, sizeof(expected), "at most %lluMB", (unsigned long long)field->max >> 20);
    refuse(value, field->path, expected, errors);
    return false;
}

static void read_scalar(const struct field *field, const struct json_value *value, struct config_errors *errors,
                        struct config_scalar *scalar)
{
    bool good;
    scalar->pos = value->pos;
    if (field->kind == FIELD_SIZE)
        good = field_size(value, field->path, errors, &scalar->value) &&
               below_maximum(field, value, scalar->value, errors);
    else if (field->kind == FIELD_NUMBER)
        good = read_number(field, value, errors, &scalar->value);
    else if (field->kind == FIELD_HEX)
        good = read_hex(field, value, errors, &scalar->value);
    else if ((good = field_expect(value, JSON_BOOL, field->path, "true or false", errors)))
        scalar->value = value->boolean;
    scalar->given = good;
    if (good && field->refuse && scalar->value) {
        char expected[128];
        snprintf(expected, sizeof(expected), "%s: %s", field->kind == FIELD_BOOL ? "false" : "0", field->refuse);
        refuse(value, field->path, expected, errors);
    }
}

static bool append_string(struct config_strings *list, const char *text)
{
    char **items = realloc(list->items, (list->count + 1) * sizeof(*items));
    if (!items)
        return false;
    list->items = items;
    items[list->count] = strdup(text);
    return items[list->count] && ++list->count;
}

static bool repeats(const struct config_strings *list, const char *text)
{
    size_t name = strcspn(text, "=");
    for (size_t i = 0; i < list->count; i++)
        if (strncmp(list->items[i], text, name) == 0 && (list->items[i][name] == '=' || !list->items[i][name]))
            return true;
    return false;
}

static void read_strings(const struct field *field, const struct json_value *value, struct config_errors *errors,
                         struct config_strings *list)
{
    size_t index = 0;
    char path[96];
    list->given = true;
    if (!field_expect(value, JSON_ARRAY, field->path, "an array of strings", errors))
        return;
    for (const struct json_value *item = value->first; item; item = item->next) {
        snprintf(path, sizeof(path), "%s[%zu]", field->path, index++);
        if (!field_expect(item, JSON_STRING, path, "a string", errors))
            continue;
        const char *expected = field->check(item->text);
        if (!expected && repeats(list, item->text))
            expected = "each name once";
        if (expected)
            refuse(item, path, expected, errors);
        else if (!append_string(list, item->text))
            config_error(errors, item->pos, "%s: out of memory", path);
    }
}

void field_read(const struct field *field, const struct json_value *value, struct config_errors *errors,
                struct occlum_json *json)
{
    void *member = (char *)json + field->offset;
    if (field->kind == FIELD_STRINGS)
        read_strings(field, value, errors, member);
    else if (field->kind == FIELD_MOUNTS)
        mounts_read(value, errors, json);
    else
        read_scalar(field, value, errors, member);
}
