// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes: one block for each file that has any; entries from its start, values from its end.
#include <linux/xattr.h>

#include "ext2/ext2_impl.h"

enum { MAX_ENTRIES = 256 };

// Prefixes that the format writes as a number.
static const struct prefix {
    u8 index;
    const char *text;
} prefixes[] = { { 1, "user." }, { 4, "trusted." }, { 6, "security." } };

// One attribute, wherever it lies. value may be that of the caller.
struct attribute {
    u8 name_index, name_len;
    const char *name;
    const void *value;
    u32 size;
};

static int split(const char *whole, struct attribute *a)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        size_t n = strlen(prefixes[i].text);
        if (strncmp(whole, prefixes[i].text, n) != 0)
            continue;
        size_t left = strlen(whole + n);
        if (!left || left > 255)
            return left ? -ERANGE : -EINVAL;
        *a = (struct attribute){ .name_index = prefixes[i].index, .name = whole + n, .name_len = (u8)left };
        return 0;
    }
    return -EOPNOTSUPP;
}

static int compare(const struct attribute *a, const struct attribute *b)
{
    if (a->name_index != b->name_index)
        return a->name_index - b->name_index;
    if (a->name_len != b->name_len)
        return a->name_len - b->name_len;
    return memcmp(a->name, b->name, a->name_len);
}

// The attributes of a block, pointing into it. Their number, or -EUCLEAN.
static int parse(const u8 *bytes, struct attribute *list)
{
    const struct ext2_xattr_header *header = (const void *)bytes;
    size_t at = sizeof(*header);
    int count = 0;

    if (header->magic != EXT2_XATTR_MAGIC || header->blocks != 1)
        return -EUCLEAN;
    for (;; count++) {
        const struct ext2_xattr_entry *entry = (const void *)(bytes + at);
        if (at + 4 > EXT2_BLOCK)
            return -EUCLEAN;
        if (!(entry->name_len | entry->name_index | entry->value_offs))
            return count;
        size_t size = ALIGN_UP(sizeof(*entry) + entry->name_len, (size_t)4);
        if (count == MAX_ENTRIES || size > EXT2_BLOCK - at || entry->value_inum || entry->value_offs > EXT2_BLOCK ||
            entry->value_size > (u32)(EXT2_BLOCK - entry->value_offs))
            return -EUCLEAN;
        list[count] = (struct attribute){ .name_index = entry->name_index,
                                          .name_len = entry->name_len,
                                          .name = entry->name,
                                          .value = bytes + entry->value_offs,
                                          .size = entry->value_size };
        at += size;
    }
}

// The hash of an entry, as Linux and e2fsck compute it over the name and the value's words.
static u32 entry_hash(const struct attribute *a, const u8 *padded)
{
    u32 hash = 0;

    for (size_t i = 0; i < a->name_len; i++)
        hash = hash << 5 ^ hash >> 27 ^ (u8)a->name[i];
    for (u32 i = 0; i < DIV_ROUND_UP(a->size, 4u); i++) {
        u32 word;
        memcpy(&word, padded + 4 * i, 4);
        hash = hash << 16 ^ hash >> 16 ^ word;
    }
    return hash;
}

// Writes the list, which is in order, into a fresh block. -ENOSPC when it does not fit.
static int build(const struct attribute *list, int count, u8 *bytes)
{
    struct ext2_xattr_header *header = (void *)bytes;
    size_t at = sizeof(*header), end = EXT2_BLOCK;

    memset(bytes, 0, EXT2_BLOCK);
    *header = (struct ext2_xattr_header){ .magic = EXT2_XATTR_MAGIC, .refcount = 1, .blocks = 1 };
    for (int i = 0; i < count; i++) {
        const struct attribute *a = &list[i];
        size_t size = ALIGN_UP(sizeof(struct ext2_xattr_entry) + a->name_len, (size_t)4);
        size_t room = ALIGN_UP((size_t)a->size, (size_t)4);
        if (a->size > EXT2_BLOCK || at + size + 4 + room > end)
            return -ENOSPC;
        end -= room;
        struct ext2_xattr_entry *entry = (void *)(bytes + at);
        if (a->size)
            memcpy(bytes + end, a->value, a->size);
        *entry = (struct ext2_xattr_entry){ .name_len = a->name_len,
                                            .name_index = a->name_index,
                                            .value_offs = (u16)(a->size ? end : 0),
                                            .value_size = a->size,
                                            .hash = entry_hash(a, bytes + end) };
        memcpy(entry->name, a->name, a->name_len);
        header->hash = header->hash << 16 ^ header->hash >> 16 ^ entry->hash;
        at += size;
    }
    return 0;
}

static long get_from(const u8 *bytes, struct attribute *list, const struct attribute *wanted, void *buf, size_t size)
{
    int count = parse(bytes, list);

    for (int i = 0; i < count; i++) {
        if (compare(&list[i], wanted) != 0)
            continue;
        if (size && list[i].size > size)
            return -ERANGE;
        if (size)
            memcpy(buf, list[i].value, list[i].size);
        return list[i].size;
    }
    return count < 0 ? count : -ENODATA;
}

long ext2_get_xattr(struct ext2 *fs, struct ext2_file *file, const char *name, void *buf, size_t size)
{
    struct attribute wanted;
    struct ext2_block block;
    long result = split(name, &wanted);

    if (result || !file->raw.file_acl)
        return result ? result : -ENODATA;
    struct attribute *list = fs->env->alloc(MAX_ENTRIES * sizeof(*list));
    result = list ? ext2_map_block(fs, file->raw.file_acl, false, &block) : -ENOMEM;
    if (!result) {
        result = get_from(block.bytes, list, &wanted, buf, size);
        ext2_unmap_block(&block);
    }
    if (list)
        fs->env->free(list, MAX_ENTRIES * sizeof(*list));
    return result;
}

// The list with the attribute put in, replaced or (no value) taken out, still in order. The new number, or -errno.
static int change_list(struct attribute *list, int count, const struct attribute *change, int flags)
{
    int at = 0;

    while (at < count && compare(&list[at], change) < 0)
        at++;
    bool there = at < count && compare(&list[at], change) == 0;
    if (there && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!there && (!change->value || (flags & XATTR_REPLACE)))
        return -ENODATA;
    if (there && !change->value) {
        memmove(&list[at], &list[at + 1], (size_t)(count - at - 1) * sizeof(*list));
        return count - 1;
    }
    if (!there && count == MAX_ENTRIES)
        return -ENOSPC;
    if (!there)
        memmove(&list[at + 1], &list[at], (size_t)(count - at) * sizeof(*list));
    list[at] = *change;
    return there ? count : count + 1;
}

// Frees the block of a file without attributes, or makes one for the first.
static int adjust_block(struct ext2 *fs, struct ext2_file *file, bool wanted)
{
    int err = 0;

    if (wanted && !file->raw.file_acl) {
        err = ext2_alloc_block(fs, file->goal, &file->raw.file_acl);
        file->raw.blocks += err ? 0 : EXT2_SECTORS;
    } else if (!wanted && file->raw.file_acl) {
        err = ext2_free_block(fs, file->raw.file_acl);
        file->raw.file_acl = 0;
        file->raw.blocks -= EXT2_SECTORS;
    }
    return err;
}

// work: old contents, then new ones.
static int set_in(struct ext2 *fs, struct ext2_file *file, const struct attribute *change, int flags, u8 *work,
                  struct attribute *list)
{
    struct ext2_block block;
    int count = 0;

    if (file->raw.file_acl) {
        int err = volume_read(fs->volume, file->raw.file_acl, work, 1);
        count = err ? err : parse(work, list);
    }
    if (count >= 0)
        count = change_list(list, count, change, flags);
    int err = count < 0 ? count : build(list, count, work + EXT2_BLOCK);
    if (!err)
        err = adjust_block(fs, file, count > 0);
    if (err)
        return err;
    if (count) {
        err = ext2_map_block(fs, file->raw.file_acl, true, &block);
        if (err)
            return err;
        memcpy(block.data, work + EXT2_BLOCK, EXT2_BLOCK);
        ext2_unmap_block(&block);
    }
    return ext2_store(fs, file);
}

int ext2_set_xattr(struct ext2 *fs, struct ext2_file *file, const char *name, const void *value, size_t size, int flags)
{
    struct attribute change;
    int err = split(name, &change);

    if (err || size > EXT2_BLOCK)
        return err ? err : -ENOSPC;
    change.value = value;
    change.size = (u32)size;
    u8 *work = fs->env->alloc(2 * EXT2_BLOCK);
    struct attribute *list = fs->env->alloc(MAX_ENTRIES * sizeof(*list));
    err = work && list ? set_in(fs, file, &change, flags, work, list) : -ENOMEM;
    if (list)
        fs->env->free(list, MAX_ENTRIES * sizeof(*list));
    if (work)
        fs->env->free(work, 2 * EXT2_BLOCK);
    return err;
}

static const char *prefix_text(u8 index)
{
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (prefixes[i].index == index)
            return prefixes[i].text;
    return NULL;
}

static long list_from(const u8 *bytes, struct attribute *list, char *buf, size_t size)
{
    int count = parse(bytes, list);
    size_t used = 0;

    for (int i = 0; i < count; i++) {
        const char *prefix = prefix_text(list[i].name_index);
        if (!prefix)
            continue; // of a kind that Linux knows and we do not show
        size_t n = strlen(prefix), len = n + list[i].name_len + 1;
        if (size && used + len > size)
            return -ERANGE;
        if (size) {
            memcpy(buf + used, prefix, n);
            memcpy(buf + used + n, list[i].name, list[i].name_len);
            buf[used + len - 1] = '\0';
        }
        used += len;
    }
    return count < 0 ? count : (long)used;
}

long ext2_list_xattr(struct ext2 *fs, struct ext2_file *file, char *buf, size_t size)
{
    struct ext2_block block;

    if (!file->raw.file_acl)
        return 0;
    struct attribute *list = fs->env->alloc(MAX_ENTRIES * sizeof(*list));
    long result = list ? ext2_map_block(fs, file->raw.file_acl, false, &block) : -ENOMEM;
    if (!result) {
        result = list_from(block.bytes, list, buf, size);
        ext2_unmap_block(&block);
    }
    if (list)
        fs->env->free(list, MAX_ENTRIES * sizeof(*list));
    return result;
}
