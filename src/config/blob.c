// SPDX-License-Identifier: BSD-3-Clause
// The measured configuration (abi/occlum/config.h): header, mounts, string tables, strings.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

struct writer {
    char *data;
    size_t size, capacity;
};

// Zeroed, 8-byte aligned space for size bytes; its offset, or 0 when memory is short or the blob exceeds 32 bits.
static u32 reserve(struct writer *out, size_t size)
{
    size_t offset = ALIGN_UP(out->size, 8ul), end = offset + size;
    if (end > UINT32_MAX / 2)
        return 0;
    if (end > out->capacity) {
        char *data = realloc(out->data, 2 * end);
        if (!data)
            return 0;
        memset(data + out->capacity, 0, 2 * end - out->capacity);
        out->data = data;
        out->capacity = 2 * end;
    }
    out->size = end;
    return (u32)offset;
}

static bool put_string(struct writer *out, const char *text, u32 *ret_offset)
{
    size_t length = strlen(text) + 1;
    u32 offset = reserve(out, length);
    if (!offset)
        return false;
    memcpy(out->data + offset, text, length);
    *ret_offset = offset;
    return true;
}

static bool put_list(struct writer *out, const struct config_strings *list, struct occlum_string_list *ret_list)
{
    struct occlum_string_list table = { reserve(out, list->count * sizeof(u32)), (u32)list->count };
    if (!table.offset)
        return false;
    for (size_t i = 0; i < list->count; i++) {
        u32 offset;
        if (!put_string(out, list->items[i], &offset))
            return false;
        memcpy(out->data + table.offset + i * sizeof(u32), &offset, sizeof(offset));
    }
    *ret_list = table;
    return true;
}

// A path sorts before everything below it.
static int by_target(const void *a, const void *b)
{
    return strcmp(((const struct config_mount *)a)->target, ((const struct config_mount *)b)->target);
}

static size_t all_mounts(const struct occlum_json *json, struct config_mount *mounts)
{
    static char proc[] = "/proc", dev[] = "/dev", none[] = "";
    const struct config_mount extra[CONFIG_EXTRA_MOUNTS] = { { OCCLUM_MOUNT_PROCFS, proc, none, 0, NULL },
                                                             { OCCLUM_MOUNT_DEVFS, dev, none, 0, NULL } };
    size_t count = json->mount_count;
    memcpy(mounts, json->mounts, count * sizeof(*mounts));
    for (size_t i = 0; i < CONFIG_EXTRA_MOUNTS; i++) {
        bool present = false;
        for (size_t k = 0; k < json->mount_count; k++)
            present = present || strcmp(json->mounts[k].target, extra[i].target) == 0;
        if (!present)
            mounts[count++] = extra[i];
    }
    qsort(mounts, count, sizeof(*mounts), by_target);
    return count;
}

static bool put_mounts(struct writer *out, const struct occlum_json *json, struct occlum_config *config)
{
    struct config_mount *mounts = calloc(json->mount_count + CONFIG_EXTRA_MOUNTS, sizeof(*mounts));
    if (!mounts)
        return false;
    config->mount_count = (u32)all_mounts(json, mounts);
    config->mount_offset = reserve(out, config->mount_count * sizeof(struct occlum_mount));
    bool good = config->mount_offset;
    for (u32 i = 0; i < config->mount_count && good; i++) {
        struct occlum_mount mount = { .type = mounts[i].type, .size = mounts[i].size };
        good = put_string(out, mounts[i].target, &mount.target) && put_string(out, mounts[i].source, &mount.source) &&
               put_string(out, mounts[i].anchor ? mounts[i].anchor : "", &mount.anchor);
        if (good)
            memcpy(out->data + config->mount_offset + i * sizeof(mount), &mount, sizeof(mount));
    }
    free(mounts);
    return good;
}

int config_blob(const struct occlum_json *json, const struct occlum_image *image, void **ret_blob, size_t *ret_size)
{
    struct writer out = { 0 };
    struct occlum_config config = {
        .magic = OCCLUM_CONFIG_MAGIC,
        .version = OCCLUM_CONFIG_VERSION,
        .flags = (json->debuggable.value ? OCCLUM_CONFIG_DEBUGGABLE : 0u) |
                 (json->disable_log.value ? OCCLUM_CONFIG_DISABLE_LOG : 0u) |
                 (json->disable_log.given && json->disable_log.value ? OCCLUM_CONFIG_SILENT : 0u) |
                 (json->user_max_size.given ? OCCLUM_CONFIG_USER_MAX : 0u) |
                 (json->heap_max_size.given ? OCCLUM_CONFIG_HEAP_MAX : 0u) |
                 (json->host_signals.value ? OCCLUM_CONFIG_HOST_SIGNALS : 0u) |
                 (json->loopback.given && !json->loopback.value ? OCCLUM_CONFIG_NO_LOOPBACK : 0u),
        .default_stack_size = json->default_stack_size.value,
        .default_heap_size = json->default_heap_size.value,
        .default_mmap_size = json->default_mmap_size.value,
        .image = *image,
    };
    reserve(&out, sizeof(config)); // offset 0 is the header's; a failure shows in the next call
    if (!out.data || !put_mounts(&out, json, &config) || !put_list(&out, &json->entry_points, &config.entry_points) ||
        !put_list(&out, &json->env_default, &config.env_default) ||
        !put_list(&out, &json->env_untrusted, &config.env_untrusted)) {
        free(out.data);
        return -ENOMEM;
    }
    config.size = (u32)out.size;
    memcpy(out.data, &config, sizeof(config));
    *ret_blob = out.data;
    *ret_size = out.size;
    return 0;
}
