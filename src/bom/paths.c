// SPDX-License-Identifier: BSD-3-Clause
#include "bom/paths.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

const char *path_join(struct arena *arena, const char *folder, const char *name)
{
    if (!*folder || *name == '/')
        return name;
    return arena_format(arena, "%s%s%s", folder, path_ends_with_slash(folder) ? "" : "/", name);
}

static size_t without_slashes(const char *path)
{
    size_t length = strlen(path);
    while (length && path[length - 1] == '/')
        length--;
    return length;
}

const char *path_parent(struct arena *arena, const char *path)
{
    size_t length = without_slashes(path);
    while (length && path[length - 1] != '/')
        length--;
    while (length > 1 && path[length - 1] == '/')
        length--;
    return length ? arena_copy(arena, path, length) : *path == '/' ? "/" : ".";
}

const char *path_name(struct arena *arena, const char *path)
{
    size_t end = without_slashes(path), begin = end;
    while (begin && path[begin - 1] != '/')
        begin--;
    return arena_copy(arena, path + begin, end - begin);
}

const char *path_normalize(struct arena *arena, const char *path)
{
    char *result = arena_alloc(arena, strlen(path) + 2);
    size_t length = 0;
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.') {
            while (length && result[--length] != '/')
                ;
        } else if (n && !(n == 1 && path[0] == '.')) {
            result[length++] = '/';
            memcpy(result + length, path, n);
            length += n;
        }
        path += n + (path[n] == '/');
    }
    if (!length)
        result[length++] = '/';
    result[length] = '\0';
    return result;
}

const char *path_absolute(struct arena *arena, const char *path)
{
    char here[PATH_MAX];
    return *path == '/' || !getcwd(here, sizeof(here)) ? path : path_join(arena, here, path);
}

bool path_climbs(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        if (n == 2 && path[0] == '.' && path[1] == '.')
            return true;
        path += n + (path[n] == '/');
    }
    return false;
}

bool path_ends_with_slash(const char *path)
{
    size_t length = strlen(path);
    return length && path[length - 1] == '/';
}
