// SPDX-License-Identifier: BSD-3-Clause
#include "abi/occlum/layout.h"
#include "config/schema.h"

#include <string.h>

// Names that steer the dynamic linker or the allocator of every program: never from the host (security.md D6).
static bool steers_loader(const char *name)
{
    return strncmp(name, "LD_", 3) == 0 || strncmp(name, "GCONV_", 6) == 0 || strncmp(name, "MALLOC_", 7) == 0 ||
           strcmp(name, "GLIBC_TUNABLES") == 0;
}

static const char *check_path(const char *item)
{
    const char *expected = "an absolute path without . and .. components, such as \"/bin\"";
    if (item[0] != '/')
        return expected;
    for (const char *part = item; part; part = strchr(part + 1, '/')) {
        size_t length = strcspn(part + 1, "/");
        if ((length == 0 && item[1]) || (length == 1 && part[1] == '.') ||
            (length == 2 && part[1] == '.' && part[2] == '.'))
            return expected;
    }
    return NULL;
}

static const char *check_setting(const char *item)
{
    const char *equals = strchr(item, '=');
    return equals && equals != item ? NULL : "\"NAME=value\"";
}

static const char *check_name(const char *item)
{
    if (!*item || strchr(item, '='))
        return "a name without '='";
    return steers_loader(item) ? "a name that the host may set; put this one into env.default" : NULL;
}

#define AT(member) .offset = offsetof(struct occlum_json, member)
#define SIZE(name, member, need, ...)                                               \
    {                                                                               \
        .path = name, .kind = FIELD_SIZE, .required = need, AT(member), __VA_ARGS__ \
    }
#define NUMBER(name, member, low, high, ...)                                                 \
    {                                                                                        \
        .path = name, .kind = FIELD_NUMBER, AT(member), .min = low, .max = high, __VA_ARGS__ \
    }
#define BOOLEAN(name, member, ...)                                \
    {                                                             \
        .path = name, .kind = FIELD_BOOL, AT(member), __VA_ARGS__ \
    }
#define HEX(name, member)                           \
    {                                               \
        .path = name, .kind = FIELD_HEX, AT(member) \
    }
#define OBJECT(name, need)                                   \
    {                                                        \
        .path = name, .kind = FIELD_OBJECT, .required = need \
    }
#define STRINGS(name, member, test)                                    \
    {                                                                  \
        .path = name, .kind = FIELD_STRINGS, AT(member), .check = test \
    }

// An object comes before its members.
const struct field schema[] = {
    OBJECT("resource_limits", true),
    SIZE("resource_limits.kernel_space_heap_size", heap_size, true),
    SIZE("resource_limits.kernel_space_heap_max_size", heap_max_size, false),
    SIZE("resource_limits.kernel_space_stack_size", stack_size, true, .max = ENCLAVE_STACK_MAX),
    SIZE("resource_limits.user_space_size", user_size, true),
    SIZE("resource_limits.user_space_max_size", user_max_size, false),
    NUMBER("resource_limits.init_num_of_threads", init_threads, 1, ENCLAVE_SLOTS_MAX),
    NUMBER("resource_limits.max_num_of_threads", max_threads, 1, ENCLAVE_SLOTS_MAX, .required = true),
    SIZE("resource_limits.marshal_buffer_size", marshal_buffer_size, false),
    OBJECT("process", true),
    SIZE("process.default_stack_size", default_stack_size, true),
    SIZE("process.default_heap_size", default_heap_size, true),
    SIZE("process.default_mmap_size", default_mmap_size, true),
    STRINGS("entry_points", entry_points, check_path),
    OBJECT("env", false),
    STRINGS("env.default", env_default, check_setting),
    STRINGS("env.untrusted", env_untrusted, check_name),
    OBJECT("metadata", false),
    NUMBER("metadata.product_id", product_id, 0, UINT16_MAX), // ISVPRODID and ISVSVN: 16 bits (SDM, SECS)
    NUMBER("metadata.version_number", version_number, 0, UINT16_MAX),
    BOOLEAN("metadata.debuggable", debuggable),
    BOOLEAN("metadata.disable_log", disable_log),
    BOOLEAN("metadata.enable_kss", enable_kss),
    OBJECT("metadata.family_id", false),
    HEX("metadata.family_id.high", family_id_high),
    HEX("metadata.family_id.low", family_id_low),
    OBJECT("metadata.ext_prod_id", false),
    HEX("metadata.ext_prod_id.high", ext_prod_id_high),
    HEX("metadata.ext_prod_id.low", ext_prod_id_low),
    OBJECT("network", false),
    BOOLEAN("network.loopback", loopback),
    OBJECT("feature", false),
    NUMBER("feature.amx", amx, 0, 2),
    NUMBER("feature.pkru", pkru, 0, 2),
    NUMBER("feature.io_uring", io_uring, 0, 16, .refuse = "io_uring is not supported yet"),
    BOOLEAN("feature.enable_edmm", enable_edmm),
    BOOLEAN("feature.enable_posix_shm", enable_posix_shm),
    BOOLEAN("feature.enforce_max_limits", enforce_max_limits),
    BOOLEAN("feature.host_signals", host_signals),
    { .path = "mount", .kind = FIELD_MOUNTS },
};
const size_t schema_count = ARRAY_SIZE(schema);
