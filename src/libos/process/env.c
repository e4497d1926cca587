// SPDX-License-Identifier: BSD-3-Clause
// What the signed configuration says of the host's part in starting a program: which paths, which variables.
#include "base/string.h"
#include "libos/mem/heap.h"
#include "libos/process/process.h"

static const char *config_string(const struct occlum_config *config, u32 offset)
{
    return (const char *)config + offset;
}

static const char *list_item(const struct occlum_config *config, const struct occlum_string_list *list, u32 i)
{
    const u32 *offsets = (const u32 *)((const u8 *)config + list->offset);
    return config_string(config, offsets[i]);
}

// An entry is a path prefix in whole components: "/bin" allows "/bin/ls" but not "/binary".
bool entry_point_allowed(const struct occlum_config *config, const char *path)
{
    if (path[0] != '/' || strlen(path) < 2)
        return false;
    for (const char *p = path; (p = strchr(p, '/')) != NULL; p++)
        if (strncmp(p, "/..", 3) == 0 && (p[3] == '/' || p[3] == '\0'))
            return false;
    for (u32 i = 0; i < config->entry_points.count; i++) {
        const char *entry = list_item(config, &config->entry_points, i);
        size_t len = strlen(entry);
        while (len > 1 && entry[len - 1] == '/')
            len--;
        if (!len)
            continue; // an empty entry permits nothing
        if (len == 1 && entry[0] == '/')
            return true;
        if (strncmp(path, entry, len) == 0 && (path[len] == '/' || path[len] == '\0'))
            return true;
    }
    return false;
}

// Length of NAME in "NAME=value", or of a bare name.
static size_t name_length(const char *text)
{
    const char *equals = strchr(text, '=');
    return equals ? (size_t)(equals - text) : strlen(text);
}

static bool same_name(const char *a, const char *b)
{
    size_t n = name_length(a);
    return n == name_length(b) && strncmp(a, b, n) == 0;
}

static char *host_value(char **host_envp, const char *name)
{
    for (size_t i = 0; host_envp[i]; i++)
        if (strchr(host_envp[i], '=') && same_name(host_envp[i], name))
            return host_envp[i];
    return NULL;
}

static bool listed(const struct occlum_config *config, const char *name)
{
    for (u32 i = 0; i < config->env_untrusted.count; i++)
        if (same_name(list_item(config, &config->env_untrusted, i), name))
            return true;
    return false;
}

char **environment_make(const struct occlum_config *config, char **host_envp)
{
    size_t n = 0;
    char **env = kzalloc((config->env_default.count + config->env_untrusted.count + 1) * sizeof(char *));
    if (!env)
        return NULL;
    for (u32 i = 0; i < config->env_default.count; i++) {
        const char *text = list_item(config, &config->env_default, i);
        char *host = listed(config, text) ? host_value(host_envp, text) : NULL;
        env[n++] = host ? host : (char *)(uintptr_t)text;
    }
    for (u32 i = 0; i < config->env_untrusted.count; i++) {
        char *host = host_value(host_envp, list_item(config, &config->env_untrusted, i));
        bool have = false;
        for (size_t k = 0; host && k < n; k++)
            have |= same_name(env[k], host);
        if (host && !have)
            env[n++] = host;
    }
    return env;
}
