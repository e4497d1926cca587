// SPDX-License-Identifier: BSD-3-Clause
#include "bom/source.h"

#include <cpuid.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "bom/paths.h"
#include "crypto/sha256.h"

enum { NAMES_MAX = 10000 };

void source_hash_init(void)
{
    unsigned a, b = 0, c, d;
    sha256_select(__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) && __builtin_cpu_supports("sse4.1"));
}

int source_hash(int fd, u8 ret_hash[32])
{
    static u8 buffer[256 << 10];
    struct sha256 hash;
    sha256_init(&hash);
    for (;;) {
        ssize_t n = read(fd, buffer, sizeof(buffer));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        sha256_update(&hash, buffer, (size_t)n);
    }
    sha256_final(&hash, ret_hash);
    return 0;
}

const char *source_hash_text(struct arena *arena, const u8 hash[32])
{
    char *text = arena_alloc(arena, 65);
    for (size_t i = 0; i < 32; i++) {
        text[2 * i] = "0123456789abcdef"[hash[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[hash[i] & 15];
    }
    return text;
}

const char *source_nearest(struct arena *arena, const char *path)
{
    struct text_list names = { 0 };
    DIR *folder = opendir(path_parent(arena, path));
    if (!folder)
        return NULL;
    for (const struct dirent *entry; names.count < NAMES_MAX && (entry = readdir(folder)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ARENA_PUSH(arena, &names, arena_copy(arena, entry->d_name, strlen(entry->d_name)));
    closedir(folder);
    ARENA_PUSH(arena, &names, NULL);
    return nearest_word(path_name(arena, path), names.items);
}
