// SPDX-License-Identifier: BSD-3-Clause
#include "fake_lower.h"

#include "base/string.h"
#include "libos/fs/image_fs.h"

const struct fake_lower_node fake_lower_nodes[] = {
    { "", S_IFDIR | 0755, NULL, 0 },       { "a", S_IFDIR | 0755, NULL, 0 },
    { "a/b", S_IFDIR | 0755, NULL, 0 },    { "a/b/f", S_IFREG | 0644, "deep file. ", 9000 },
    { "a/f", S_IFREG | 0755, "small", 5 }, { "a/l", S_IFLNK | 0777, "b/f", 3 },
    { "b", S_IFDIR | 0700, NULL, 0 },      { "b/g", S_IFREG | 0600, "0123456789abcdef", 20000 },
    { "b/l", S_IFLNK | 0777, "../a", 4 },  { "f", S_IFREG | 0644, "", 0 },
    { "l", S_IFLNK | 0777, "/a/b", 4 },
};
const size_t fake_lower_count = ARRAY_SIZE(fake_lower_nodes);

u8 fake_lower_byte(const struct fake_lower_node *node, u64 offset)
{
    return (u8)node->text[offset % strlen(node->text)];
}

static int attr(u64 handle, struct lower_attr *ret_attr)
{
    const struct fake_lower_node *node = &fake_lower_nodes[handle];
    u32 nlink = 1;
    if (S_ISDIR(node->mode)) {
        size_t len = strlen(node->path);
        nlink = 2;
        for (size_t i = 1; i < fake_lower_count; i++) {
            const char *path = fake_lower_nodes[i].path, *last = strrchr(path, '/');
            size_t parent = last ? (size_t)(last - path) : 0;
            nlink += S_ISDIR(fake_lower_nodes[i].mode) && parent == len && strncmp(path, node->path, len) == 0;
        }
    }
    *ret_attr = (struct lower_attr){ .mode = node->mode, .nlink = nlink, .size = node->size, .ino = handle + 1 };
    return 0;
}

static int for_each(u64 handle, lower_visit visit, void *arg)
{
    const char *dir = fake_lower_nodes[handle].path;
    size_t len = strlen(dir);
    int stop = 0;

    for (u64 i = 1; i < fake_lower_count && !stop; i++) {
        const char *path = fake_lower_nodes[i].path, *last = strrchr(path, '/');
        size_t parent = last ? (size_t)(last - path) : 0;
        const char *name = last ? last + 1 : path;
        if (parent == len && strncmp(path, dir, len) == 0)
            stop = visit(name, strlen(name), i, i + 1, (fake_lower_nodes[i].mode & S_IFMT) >> 12, arg);
    }
    return stop;
}

static long read_file(u64 handle, u64 offset, void *buf, size_t size)
{
    const struct fake_lower_node *node = &fake_lower_nodes[handle];
    if (offset >= node->size)
        return 0;
    size = MIN(size, node->size - offset);
    for (size_t i = 0; i < size; i++)
        ((u8 *)buf)[i] = fake_lower_byte(node, offset + i);
    return (long)size;
}

static long readlink(u64 handle, char *buf, size_t size)
{
    size_t len = MIN(strlen(fake_lower_nodes[handle].text), size);
    memcpy(buf, fake_lower_nodes[handle].text, len);
    return (long)len;
}

const struct lower_tree fake_lower = {
    .attr = attr, .for_each = for_each, .read = read_file, .read_once = read_file, .readlink = readlink
};

int image_fs_open(const struct occlum_image *info, const struct host_image *host, const struct lower_tree **ret_tree,
                  u64 *ret_root)
{
    *ret_tree = &fake_lower;
    *ret_root = 0;
    return 0;
}
