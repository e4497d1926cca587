// SPDX-License-Identifier: BSD-3-Clause
// The list of mounts. What Occlum's template writes for "/" (two sefs layers) means here: the verified image, and above
// it an encrypted volume in the second layer's source, or memory when the layer is temporary; any other meaning of sefs
// is refused by name.
#include <stdlib.h>
#include <string.h>

#include "config/schema.h"

static const char *const mount_keys[] = { "target", "type", "source", "options", NULL };
static const char *const root_options[] = { "layers", "temporary", NULL };
static const char *const layer_options[] = { "MAC", "temporary", "cache_size", "disk_size", "freshness", NULL };
static const char *const ramfs_options[] = { "size", NULL };
static const char *const volume_options[] = { "disk_size", "freshness", NULL };
static const char *const no_options[] = { NULL };

enum { SMALLEST_VOLUME = 16 << 20 };
static const u64 default_volume = GIB(16), largest_volume = GIB(8192);

static const struct json_value *member(const struct json_value *object, const char *key)
{
    for (const struct json_value *m = object ? object->first : NULL; m; m = m->next)
        if (strcmp(m->key, key) == 0)
            return m;
    return NULL;
}

static void check_keys(const struct json_value *object, const char *path, const char *const *names,
                       struct config_errors *errors)
{
    for (const struct json_value *m = object ? object->first : NULL; m; m = m->next) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], m->key) != 0)
            i++;
        if (!names[i])
            field_unknown(m, path, names, errors);
    }
}

// The string under key; NULL if it is absent (an error if required) or no string.
static const char *string_member(const struct json_value *object, const char *path, const char *key, bool required,
                                 struct config_errors *errors)
{
    char full[352];
    const struct json_value *m = member(object, key);
    snprintf(full, sizeof(full), "%s.%s", path, key);
    if (!m && required)
        config_error(errors, object->pos, "%s: found nothing; expected a string", full);
    return m && field_expect(m, JSON_STRING, full, "a string", errors) ? m->text : NULL;
}

static const struct json_value *options_of(const struct json_value *mount, const char *path,
                                           struct config_errors *errors)
{
    char full[352];
    const struct json_value *options = member(mount, "options");
    snprintf(full, sizeof(full), "%s.options", path);
    return options && field_expect(options, JSON_OBJECT, full, "an object", errors) ? options : NULL;
}

static void refuse_member(const struct json_value *m, const char *path, const char *expected,
                          struct config_errors *errors)
{
    char found[96];
    config_error(errors, m->pos, "%s.%s: found %s; expected %s", path, m->key, field_found(m, found, sizeof(found)),
                 expected);
}

// Bytes of a volume at most. *ret_size stays when there is no such key.
static void read_disk_size(const struct json_value *options, const char *path, struct config_errors *errors,
                           u64 *ret_size)
{
    const struct json_value *m = member(options, "disk_size");
    char full[384];

    snprintf(full, sizeof(full), "%s.disk_size", path);
    if (!m || !field_size(m, full, errors, ret_size))
        return;
    if (*ret_size < SMALLEST_VOLUME || *ret_size > largest_volume)
        refuse_member(m, path, "16MB to 8TB", errors);
}

// *ret_anchor: the file of "host:FILE", to be freed. Stays when there is none.
static void read_freshness(const struct json_value *options, const char *path, struct config_errors *errors,
                           char **ret_anchor)
{
    static const char host[] = "host:";
    const struct json_value *m = member(options, "freshness");

    if (!m || (m->type == JSON_STRING && strcmp(m->text, "none") == 0))
        return;
    size_t len = m->type == JSON_STRING ? strlen(m->text) : 0;
    if (len <= strlen(host) || strncmp(m->text, host, strlen(host)) != 0 || m->text[len - 1] == '/' || *ret_anchor)
        refuse_member(m, path, "\"none\" or \"host:FILE\", a file of the host that names the newest commit", errors);
    else
        *ret_anchor = strdup(m->text + strlen(host));
}

// *ret_temporary: what the layer writes lies in memory. Stays when the key is not there.
static void read_temporary(const struct json_value *options, const char *path, struct config_errors *errors,
                           bool *ret_temporary)
{
    const struct json_value *m = member(options, "temporary");

    if (m && m->type != JSON_BOOL)
        refuse_member(m, path, "true or false", errors);
    else if (m)
        *ret_temporary = m->boolean;
}

static void check_layer_options(const struct json_value *options, const char *path, struct config_errors *errors)
{
    const struct json_value *m;
    check_keys(options, path, layer_options, errors);
    if ((m = member(options, "MAC")) && (m->type != JSON_STRING || *m->text))
        refuse_member(m, path, "\"\": the image is verified by its root hash, MAC is not supported", errors);
    if ((m = member(options, "cache_size")))
        refuse_member(m, path, "no such key: the cache size of sefs is not supported", errors);
}

// The writable layer of "/".
struct config_root {
    bool temporary;
    u64 size;
    char *anchor;
};

static void check_layer(const struct json_value *layer, const char *path, size_t index, struct config_errors *errors,
                        struct config_root *root)
{
    static const char *const sources[] = { "./build/mount/__ROOT", "./run/mount/__ROOT" };
    char options_path[320];
    if (!field_expect(layer, JSON_OBJECT, path, "an object", errors))
        return;
    check_keys(layer, path, mount_keys, errors);
    const char *type = string_member(layer, path, "type", true, errors);
    const char *target = string_member(layer, path, "target", true, errors);
    const char *source = string_member(layer, path, "source", true, errors);
    if (type && strcmp(type, "sefs") != 0)
        refuse_member(member(layer, "type"), path, "\"sefs\": other layers are not supported", errors);
    if (target && strcmp(target, "/") != 0)
        refuse_member(member(layer, "target"), path, "\"/\"", errors);
    if (source && index < 2 && strcmp(source, sources[index]) != 0)
        refuse_member(member(layer, "source"), path, index ? "\"./run/mount/__ROOT\"" : "\"./build/mount/__ROOT\"",
                      errors);
    snprintf(options_path, sizeof(options_path), "%s.options", path);
    const struct json_value *options = options_of(layer, path, errors);
    check_layer_options(options, options_path, errors);
    if (index != 1)
        return;
    read_temporary(options, options_path, errors, &root->temporary);
    read_disk_size(options, options_path, errors, &root->size);
    read_freshness(options, options_path, errors, &root->anchor);
}

static void check_root(const struct json_value *options, const char *path, struct config_errors *errors,
                       struct config_root *root)
{
    const struct json_value *layers = member(options, "layers");
    char full[256], item[288];
    size_t count = 0;
    check_keys(options, path, root_options, errors);
    snprintf(full, sizeof(full), "%s.layers", path);
    if (!layers || !field_expect(layers, JSON_ARRAY, full, "an array of two layers", errors))
        return;
    for (const struct json_value *layer = layers->first; layer; layer = layer->next) {
        snprintf(item, sizeof(item), "%s[%zu]", full, count);
        check_layer(layer, item, count++, errors, root);
    }
    if (count != 2)
        config_error(errors, layers->pos, "%s: found %zu layers; expected 2", full, count);
    read_temporary(options, path, errors, &root->temporary); // that of the mount counts more than a layer's
}

static enum occlum_mount_type mount_type(const struct json_value *mount, const char *path, const char *type,
                                         struct config_errors *errors)
{
    static const struct {
        const char *name;
        enum occlum_mount_type type;
    } types[] = {
        { "unionfs", OCCLUM_MOUNT_ROOT }, { "hostfs", OCCLUM_MOUNT_HOSTFS }, { "ramfs", OCCLUM_MOUNT_TMPFS },
        { "ext2", OCCLUM_MOUNT_VOLUME },  { "procfs", OCCLUM_MOUNT_PROCFS }, { "devfs", OCCLUM_MOUNT_DEVFS }
    };
    for (size_t i = 0; type && i < ARRAY_SIZE(types); i++)
        if (strcmp(type, types[i].name) == 0)
            return types[i].type;
    if (type)
        refuse_member(member(mount, "type"), path,
                      strcmp(type, "sefs") == 0 ? "\"ext2\": sefs is a layer of \"/\" only"
                                                : "unionfs, hostfs, ramfs, ext2, procfs or devfs",
                      errors);
    return 0;
}

static bool clean_target(const char *target)
{
    if (target[0] != '/')
        return false;
    for (const char *part = target; part && target[1]; part = strchr(part + 1, '/')) {
        size_t n = strcspn(part + 1, "/");
        if (n == 0 || n > 255 || (n == 1 && part[1] == '.') || (n == 2 && part[1] == '.' && part[2] == '.'))
            return false;
    }
    return true;
}

static void check_options(const struct json_value *options, const char *path, struct config_errors *errors,
                          struct config_mount *out)
{
    char full[224];
    snprintf(full, sizeof(full), "%s.options", path);
    if (out->type == OCCLUM_MOUNT_ROOT) {
        struct config_root root = { .size = default_volume };
        check_root(options, full, errors, &root);
        out->size = root.temporary ? 0 : root.size;
        out->anchor = root.anchor;
        return;
    }
    if (out->type == OCCLUM_MOUNT_VOLUME) {
        out->size = default_volume;
        check_keys(options, full, volume_options, errors);
        read_disk_size(options, full, errors, &out->size);
        read_freshness(options, full, errors, &out->anchor);
        return;
    }
    check_keys(options, full, out->type == OCCLUM_MOUNT_TMPFS ? ramfs_options : no_options, errors);
    const struct json_value *size = out->type == OCCLUM_MOUNT_TMPFS ? member(options, "size") : NULL;
    snprintf(full, sizeof(full), "%s.options.size", path);
    if (size)
        (void)field_size(size, full, errors, &out->size);
}

static void check_place(const struct json_value *mount, const char *path, const struct config_mount *out,
                        const struct occlum_json *json, struct config_errors *errors)
{
    const struct json_value *target = member(mount, "target"), *source = member(mount, "source");
    if (!clean_target(out->target))
        refuse_member(target, path, "an absolute path without . and .. components, each of at most 255 bytes", errors);
    else if ((strcmp(out->target, "/") == 0) != (out->type == OCCLUM_MOUNT_ROOT) && out->type)
        refuse_member(target, path,
                      out->type == OCCLUM_MOUNT_ROOT ? "\"/\" for unionfs" : "unionfs at \"/\", this type elsewhere",
                      errors);
    for (size_t i = 0; i < json->mount_count; i++)
        if (strcmp(json->mounts[i].target, out->target) == 0)
            refuse_member(target, path, "each target once", errors);
    bool of_host = out->type == OCCLUM_MOUNT_HOSTFS || out->type == OCCLUM_MOUNT_VOLUME;
    if (of_host ? !*out->source : *out->source && out->type) {
        if (source)
            refuse_member(source, path, of_host ? "a folder of the host" : "no source for this type", errors);
        else
            config_error(errors, mount->pos, "%s.source: found nothing; expected a folder of the host", path);
    }
}

static void read_mount(const struct json_value *mount, const char *path, struct config_errors *errors,
                       struct occlum_json *json)
{
    if (!field_expect(mount, JSON_OBJECT, path, "an object", errors))
        return;
    check_keys(mount, path, mount_keys, errors);
    const char *target = string_member(mount, path, "target", true, errors);
    const char *source = string_member(mount, path, "source", false, errors);
    struct config_mount out = { .type =
                                    mount_type(mount, path, string_member(mount, path, "type", true, errors), errors) };
    if (!target)
        return;
    out.target = strdup(target);
    out.source = strdup(source ? source : "");
    if (out.target && out.source) {
        const struct json_value *options = options_of(mount, path, errors);
        if (out.type)
            check_options(options, path, errors, &out);
        check_place(mount, path, &out, json, errors);
        if (out.type == OCCLUM_MOUNT_ROOT && out.size) {
            free(out.source);
            out.source = strdup("run/mount/__ROOT");
        }
    }
    struct config_mount *mounts = realloc(json->mounts, (json->mount_count + 1) * sizeof(*mounts));
    if (mounts)
        json->mounts = mounts;
    if (mounts && out.target && out.source) {
        mounts[json->mount_count++] = out;
        return;
    }
    config_error(errors, mount->pos, "%s: out of memory", path);
    free(out.target);
    free(out.source);
    free(out.anchor);
}

void mounts_read(const struct json_value *value, struct config_errors *errors, struct occlum_json *json)
{
    char path[32];
    size_t index = 0;
    bool root = false;
    if (!field_expect(value, JSON_ARRAY, "mount", "an array of mounts", errors))
        return;
    for (const struct json_value *mount = value->first; mount; mount = mount->next) {
        snprintf(path, sizeof(path), "mount[%zu]", index++);
        read_mount(mount, path, errors, json);
    }
    for (size_t i = 0; i < json->mount_count; i++)
        root = root || strcmp(json->mounts[i].target, "/") == 0;
    if (json->mount_count > OCCLUM_MOUNTS_MAX - CONFIG_EXTRA_MOUNTS)
        config_error(errors, value->pos, "mount: found %zu mounts; expected at most %d", json->mount_count,
                     OCCLUM_MOUNTS_MAX - CONFIG_EXTRA_MOUNTS);
    if (!root)
        config_error(errors, value->pos, "mount: found no mount at \"/\"; expected a unionfs there");
}
