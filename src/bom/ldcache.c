// SPDX-License-Identifier: BSD-3-Clause
#include "bom/ldcache.h"

#include <errno.h>
#include <string.h>

#include "base/checked.h"

static const char old_magic[] = "ld.so-1.7.0", new_magic[] = "glibc-ld.so.cache1.1";

struct old_header {
    char magic[sizeof(old_magic) - 1]; // without NUL
    u8 pad;
    u32 count;
};
enum { OLD_ENTRY_SIZE = 12, NEW_HEADER_SIZE = 48 };
static_assert(sizeof(struct old_header) == 16, "as ldconfig writes it");

struct new_header {
    char magic[sizeof(new_magic) - 1];
    u32 count, string_size;
    u8 flags; // byte order: 0 unset, 2 little
    u8 pad[3];
    u32 extensions, unused[3];
};
static_assert(sizeof(struct new_header) == NEW_HEADER_SIZE, "as ldconfig writes it");

struct entry {
    s32 flags;
    u32 key, value; // of strings, counted from the header
    u32 os_version;
    u64 hwcap; // not 0: of a folder of glibc-hwcaps, or for CPUs with certain features
};
static_assert(sizeof(struct entry) == 24, "as ldconfig writes it");

enum { FLAGS_X86_64_LIBC6 = 0x0303, BYTE_ORDER_MASK = 3, BYTE_ORDER_LITTLE = 2 };

int ldcache_open(const void *bytes, size_t size, struct ldcache *ret)
{
    struct old_header old;
    struct new_header header;
    u64 at = 0;
    if (size >= sizeof(old)) {
        memcpy(&old, bytes, sizeof(old));
        if (memcmp(old.magic, old_magic, sizeof(old.magic)) == 0)
            at = ALIGN_UP(sizeof(old) + (u64)old.count * OLD_ENTRY_SIZE, 8);
    }
    if (!range_within(at, sizeof(header), 0, size))
        return -EINVAL;
    memcpy(&header, (const u8 *)bytes + at, sizeof(header));
    if (memcmp(header.magic, new_magic, sizeof(header.magic)) != 0 ||
        !range_within(at + sizeof(header), (u64)header.count * sizeof(struct entry), 0, size))
        return -EINVAL;
    u8 order = header.flags & BYTE_ORDER_MASK;
    if (order != 0 && order != BYTE_ORDER_LITTLE)
        return -EINVAL;
    *ret = (struct ldcache){ .bytes = (const u8 *)bytes + at, .size = size - (size_t)at, .count = header.count };
    return 0;
}

static const char *string_at(const struct ldcache *cache, u32 at)
{
    if (at >= cache->size || !memchr(cache->bytes + at, '\0', cache->size - at))
        return NULL;
    return (const char *)cache->bytes + at;
}

const char *ldcache_find(const struct ldcache *cache, const char *name, size_t n)
{
    for (u32 i = 0; cache->bytes && i < cache->count; i++) {
        struct entry entry;
        memcpy(&entry, cache->bytes + sizeof(struct new_header) + (size_t)i * sizeof(entry), sizeof(entry));
        if (entry.flags != FLAGS_X86_64_LIBC6 || entry.hwcap != 0)
            continue;
        const char *key = string_at(cache, entry.key), *value = string_at(cache, entry.value);
        if (key && value && value[0] == '/' && strcmp(key, name) == 0 && n-- == 0)
            return value;
    }
    return NULL;
}
