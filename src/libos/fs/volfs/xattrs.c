// SPDX-License-Identifier: BSD-3-Clause
// Extended attributes of files of the volume. Files of the image have none. Those that keep the overlay together are
// not shown and not to be touched.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/mem/heap.h"

static bool is_own(const char *name)
{
    return str_starts(name, "trusted.overlay.") || str_starts(name, "trusted.occlum.");
}

static int told(long result) { return result == -EBADMSG || result == -EUCLEAN ? -EIO : (int)result; }

long volfs_get_xattr(struct inode *inode, const char *name, void *buf, size_t size)
{
    struct volfs_node *node = vnode_of(inode);

    if (is_own(name))
        return -EOPNOTSUPP;
    volfs_lock(node->fs);
    long n = node->has_upper ? ext2_get_xattr(node->fs->ext2, &node->upper, name, buf, size) : -ENODATA;
    volfs_unlock(node->fs);
    return told(n);
}

int volfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size, int flags)
{
    struct volfs_node *node = vnode_of(inode);

    if (is_own(name))
        return -EOPNOTSUPP;
    volfs_lock(node->fs);
    int err = volfs_copy_up(node, UINT64_MAX);
    if (!err)
        err = ext2_set_xattr(node->fs->ext2, &node->upper, name, value, size, flags);
    if (!err) {
        ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
        err = ext2_store(node->fs->ext2, &node->upper);
    }
    volfs_changed(node->fs);
    volfs_unlock(node->fs);
    return told(err);
}

long volfs_list_xattr(struct inode *inode, char *buf, size_t size)
{
    struct volfs_node *node = vnode_of(inode);
    size_t used = 0;
    char *all = kmalloc(EXT2_BLOCK * 4); // prefixes that the block has as a number are longer here

    if (!all)
        return -ENOMEM;
    volfs_lock(node->fs);
    long n = node->has_upper ? ext2_list_xattr(node->fs->ext2, &node->upper, all, EXT2_BLOCK * 4) : 0;
    volfs_unlock(node->fs);
    for (long at = 0; at < n;) {
        size_t len = strlen(all + at) + 1;
        if (!is_own(all + at)) {
            if (size && used + len <= size)
                memcpy(buf + used, all + at, len);
            used += len;
        }
        at += (long)len;
    }
    kfree(all);
    if (n < 0)
        return told(n);
    return size && used > size ? -ERANGE : (long)used;
}
