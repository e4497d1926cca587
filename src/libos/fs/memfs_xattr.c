// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes of the file system in memory: a list in the order of names, in the kernel's heap, and therefore
// with limits.
#include <linux/xattr.h>

#include "base/string.h"
#include "libos/fs/memfs_node.h"
#include "libos/mem/heap.h"

enum { NODE_BYTES = 128 << 10, FS_BYTES = 4 << 20 };

struct memfs_xattr {
    struct list_head link;
    size_t size;
    const char *name; // behind the value
    u8 value[];
};

static size_t cost_of(const struct memfs_xattr *x) { return sizeof(*x) + x->size + strlen(x->name) + 1; }

static struct list_head *list_of(struct memfs_node *node)
{
    if (!node->xattrs.next)
        list_init(&node->xattrs);
    return &node->xattrs;
}

// The attribute, or NULL; *ret_after is the link it stands or would stand behind.
static struct memfs_xattr *find(struct memfs_node *node, const char *name, struct list_head **ret_after)
{
    struct memfs_xattr *x;
    *ret_after = list_of(node);
    list_for_each (x, list_of(node), link) {
        int order = strcmp(x->name, name);
        if (order >= 0)
            return order ? NULL : x;
        *ret_after = &x->link;
    }
    return NULL;
}

long memfs_get_xattr(struct inode *inode, const char *name, void *buf, size_t size)
{
    struct list_head *after;
    mutex_lock(&inode->lock);
    const struct memfs_xattr *x = find(node_of(inode), name, &after);
    long n = x ? (long)x->size : -ENODATA;
    if (x && size && x->size > size)
        n = -ERANGE;
    else if (x && size)
        memcpy(buf, x->value, x->size);
    mutex_unlock(&inode->lock);
    return n;
}

long memfs_list_xattr(struct inode *inode, char *buf, size_t size)
{
    const struct memfs_xattr *x;
    size_t used = 0;
    mutex_lock(&inode->lock);
    list_for_each (x, list_of(node_of(inode)), link) {
        size_t len = strlen(x->name) + 1;
        if (size && used + len <= size)
            memcpy(buf + used, x->name, len);
        used += len;
    }
    mutex_unlock(&inode->lock);
    return size && used > size ? -ERANGE : (long)used;
}

static struct memfs_xattr *xattr_alloc(const char *name, const void *value, size_t size)
{
    size_t len = strlen(name) + 1;
    struct memfs_xattr *x = kmalloc(sizeof(*x) + size + len);
    if (!x)
        return NULL;
    x->size = size;
    memcpy(x->value, value, size);
    x->name = memcpy(x->value + size, name, len);
    return x;
}

// The bytes of attributes change by so many. False: there is no room. inode.lock held.
static bool charge(struct memfs_node *node, s64 bytes)
{
    if (bytes > 0 && node->xattr_bytes + (u64)bytes > NODE_BYTES)
        return false;
    s64 all = __atomic_add_fetch(&node->fs->xattr_bytes, bytes, __ATOMIC_RELAXED);
    if (bytes > 0 && all > FS_BYTES) {
        __atomic_sub_fetch(&node->fs->xattr_bytes, bytes, __ATOMIC_RELAXED);
        return false;
    }
    node->xattr_bytes += (u32)bytes;
    return true;
}

// new: NULL removes. *ret_old is to be freed. inode.lock held.
static int exchange(struct memfs_node *node, const char *name, struct memfs_xattr *new, int flags,
                    struct memfs_xattr **ret_old)
{
    struct list_head *after;
    struct memfs_xattr *old = find(node, name, &after);

    if (old && (flags & XATTR_CREATE))
        return -EEXIST;
    if (!old && (!new || (flags & XATTR_REPLACE)))
        return -ENODATA;
    if (!charge(node, (new ? (s64)cost_of(new) : 0) - (old ? (s64)cost_of(old) : 0)))
        return -ENOSPC;
    if (old)
        list_del(&old->link);
    if (new)
        list_add(&new->link, after);
    *ret_old = old;
    node->ctime = memfs_now();
    return 0;
}

int memfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
    struct memfs_xattr *new = value ? xattr_alloc(name, value, size) : NULL, *old = NULL;

    if (value && !new)
        return -ENOMEM;
    mutex_lock(&inode->lock);
    int err = exchange(node_of(inode), name, new, flags, &old);
    mutex_unlock(&inode->lock);
    kfree(err ? new : old);
    return err;
}

void memfs_xattr_free(struct memfs_node *node)
{
    struct memfs_xattr *x, *next;
    list_for_each_safe (x, next, list_of(node), link)
        kfree(x);
    __atomic_sub_fetch(&node->fs->xattr_bytes, node->xattr_bytes, __ATOMIC_RELAXED);
}
