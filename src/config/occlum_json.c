// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

enum { SCHEMA_LEVEL_MAX = 63 }; // direct members of one object in the schema: far fewer

// The members of one object: read those the schema knows, report the others and the missing ones.
static void read_object(const struct json_value *object, const char *prefix, struct config_errors *errors,
                        struct occlum_json *json);

// The name of field below prefix if it is a direct member there, else NULL.
static const char *name_below(const struct field *field, const char *prefix)
{
    size_t length = strlen(prefix);
    const char *rest = field->path;
    if (length) {
        if (strncmp(rest, prefix, length) != 0 || rest[length] != '.')
            return NULL;
        rest += length + 1;
    }
    return strchr(rest, '.') ? NULL : rest;
}

static const char *expected_of(const struct field *field)
{
    return field->kind == FIELD_OBJECT ? "an object"
           : field->kind == FIELD_SIZE ? "a size such as \"32MB\""
                                       : "an integer";
}

// Every required field below a missing object is named too: one run tells all.
static void report_missing(const struct field *field, struct json_pos pos, struct config_errors *errors)
{
    if (!field->required)
        return;
    config_error(errors, pos, "%s: found nothing; expected %s", field->path, expected_of(field));
    if (field->kind == FIELD_OBJECT)
        for (size_t i = 0; i < schema_count; i++)
            if (name_below(&schema[i], field->path))
                report_missing(&schema[i], pos, errors);
}

static void read_member(const struct json_value *member, const char *prefix, struct config_errors *errors,
                        struct occlum_json *json)
{
    const char *names[SCHEMA_LEVEL_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < schema_count; i++) {
        const char *name = name_below(&schema[i], prefix);
        if (!name)
            continue;
        names[count++] = name;
        if (strcmp(name, member->key) != 0)
            continue;
        if (schema[i].kind != FIELD_OBJECT)
            field_read(&schema[i], member, errors, json);
        else if (field_expect(member, JSON_OBJECT, schema[i].path, "an object", errors))
            read_object(member, schema[i].path, errors, json);
        return;
    }
    names[count] = NULL;
    field_unknown(member, prefix, names, errors);
}

static void read_object(const struct json_value *object, const char *prefix, struct config_errors *errors,
                        struct occlum_json *json)
{
    for (const struct json_value *member = object->first; member; member = member->next)
        read_member(member, prefix, errors, json);
    for (size_t i = 0; i < schema_count; i++) {
        const char *name = name_below(&schema[i], prefix);
        bool found = false;
        for (const struct json_value *member = object->first; name && member && !found; member = member->next)
            found = strcmp(member->key, name) == 0;
        if (name && !found)
            report_missing(&schema[i], object->pos, errors);
    }
}

static int set_defaults(struct occlum_json *json)
{
    if (!json->disable_log.given)
        json->disable_log.value = !json->debuggable.value;
    if (!json->entry_points.given) { // an empty list is an answer: nothing may be started
        json->entry_points.items = calloc(1, sizeof(char *));
        if (!json->entry_points.items || !(json->entry_points.items[0] = strdup("/bin")))
            return -ENOMEM;
        json->entry_points.count = 1;
    }
    if (!json->mounts) {
        json->mounts = calloc(1, sizeof(*json->mounts));
        if (!json->mounts)
            return -ENOMEM;
        json->mount_count = 1;
        json->mounts[0] = (struct config_mount){ OCCLUM_MOUNT_ROOT, strdup("/"), strdup(""), 0, NULL };
        if (!json->mounts[0].target || !json->mounts[0].source)
            return -ENOMEM;
    }
    return 0;
}

static void warn(const struct occlum_json *json, struct config_errors *errors)
{
    const struct config_scalar *const ids[] = { &json->family_id_high, &json->family_id_low, &json->ext_prod_id_high,
                                                &json->ext_prod_id_low };
    for (size_t i = 0; i < ARRAY_SIZE(ids) && !json->enable_kss.value; i++)
        if (ids[i]->value)
            config_warning(errors, ids[i]->pos, "metadata: this id has no effect without metadata.enable_kss");
    if (json->marshal_buffer_size.given)
        config_warning(errors, json->marshal_buffer_size.pos,
                       "resource_limits.marshal_buffer_size: has no effect, HYPER mode is not supported");
    if (json->enable_posix_shm.value)
        config_warning(errors, json->enable_posix_shm.pos,
                       "feature.enable_posix_shm: has no effect, processes can always share memory");
    if (json->debuggable.value)
        config_warning(errors, json->debuggable.pos,
                       "metadata.debuggable: the host can read this enclave's memory; for debugging only");
}

int occlum_json_parse(const char *text, size_t size, struct config_errors *errors, struct occlum_json *ret_json)
{
    struct occlum_json json = { 0 };
    unsigned before = errors->count;
    struct json_value *root = json_parse(text, size, errors);
    bool object = root && field_expect(root, JSON_OBJECT, "(root)", "an object", errors);
    if (object)
        read_object(root, "", errors, &json);
    json_free(root);
    int err = object ? set_defaults(&json) : -EINVAL;
    if (err) {
        occlum_json_free(&json);
        return err;
    }
    if (errors->count == before)
        warn(&json, errors);
    *ret_json = json;
    return 0;
}

static void free_strings(struct config_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

void occlum_json_free(struct occlum_json *json)
{
    free_strings(&json->entry_points);
    free_strings(&json->env_default);
    free_strings(&json->env_untrusted);
    for (size_t i = 0; i < json->mount_count; i++) {
        free(json->mounts[i].target);
        free(json->mounts[i].source);
        free(json->mounts[i].anchor);
    }
    free(json->mounts);
    *json = (struct occlum_json){ 0 };
}
