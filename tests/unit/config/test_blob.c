// SPDX-License-Identifier: BSD-3-Clause
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "test.h"

static const char limits[] = "\"resource_limits\": {\"kernel_space_heap_size\": \"4MB\", \"kernel_space_stack_size\": "
                             "\"1MB\", \"user_space_size\": \"8MB\","
                             "\"max_num_of_threads\": 4}, \"process\": {\"default_stack_size\": \"1MB\", "
                             "\"default_heap_size\": \"2MB\", \"default_mmap_size\": \"3MB\"}";

static bool make(const char *rest, void **ret_blob, size_t *ret_size)
{
    char text[2048];
    struct config_errors errors = { 0 };
    struct occlum_json json;
    struct occlum_image image = { .data_blocks = 7, .present = 1 };
    snprintf(text, sizeof(text), "{%s%s}", limits, rest);
    bool good = occlum_json_parse(text, strlen(text), &errors, &json) == 0;
    good = good && !errors.count;
    config_errors_clear(&errors);
    if (!good)
        return false;
    good = config_blob(&json, &image, ret_blob, ret_size) == 0;
    occlum_json_free(&json);
    return good;
}

static const char *string_at(const struct occlum_config *config, u32 table, u32 index)
{
    u32 offset;
    memcpy(&offset, (const char *)config + table + index * sizeof(offset), sizeof(offset));
    return (const char *)config + offset;
}

TEST(mounts_are_sorted_and_completed)
{
    static const char *const targets[] = { "/", "/a", "/a/b", "/dev", "/proc" };
    void *blob;
    size_t size;
    CHECK(make(",\"mount\": [{\"target\": \"/a/b\", \"type\": \"ramfs\"}, {\"target\": \"/a\", \"type\": \"hostfs\", "
               "\"source\": \"x\"},"
               "{\"target\": \"/\", \"type\": \"unionfs\"}]",
               &blob, &size));
    const struct occlum_config *config = blob;
    CHECK_EQ(config->magic, OCCLUM_CONFIG_MAGIC);
    CHECK_EQ(config->size, size);
    CHECK_EQ(config->image.data_blocks, 7);
    CHECK_EQ(config->default_heap_size, MIB(2));
    CHECK_EQ(config->mount_count, ARRAY_SIZE(targets));
    const struct occlum_mount *mounts = (const void *)((const char *)blob + config->mount_offset);
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++)
        CHECK_STR((const char *)blob + mounts[i].target, targets[i]);
    CHECK_STR((const char *)blob + mounts[1].source, "x");
    free(blob);
}

TEST(lists_and_defaults)
{
    void *blob;
    size_t size;
    CHECK(make(",\"env\": {\"default\": [\"A=1\", \"B=\"]}, \"metadata\": {\"debuggable\": true}", &blob, &size));
    const struct occlum_config *config = blob;
    CHECK_EQ(config->flags, OCCLUM_CONFIG_DEBUGGABLE);
    CHECK_EQ(config->env_default.count, 2);
    CHECK_STR(string_at(config, config->env_default.offset, 1), "B=");
    CHECK_STR(string_at(config, config->entry_points.offset, 0), "/bin");
    free(blob);
    CHECK(make(",\"entry_points\": []", &blob, &size));
    config = blob;
    CHECK_EQ(config->entry_points.count, 0); // an empty list permits nothing
    CHECK_EQ(config->flags, OCCLUM_CONFIG_DISABLE_LOG);
    free(blob);
}

TEST(same_input_same_bytes)
{
    void *one, *two;
    size_t size_one, size_two;
    CHECK(make("", &one, &size_one) && make("", &two, &size_two));
    CHECK_EQ(size_one, size_two);
    CHECK(memcmp(one, two, size_one) == 0);
    free(one);
    free(two);
}
