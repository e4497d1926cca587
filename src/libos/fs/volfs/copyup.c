// SPDX-License-Identifier: BSD-3-Clause
// A file of the image that is to be changed becomes one of the volume, with the folders above it. All of it is part of
// one commit, so a crash leaves the whole file or the image's.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/mem/heap.h"

enum { CHUNK_PAGES = 16 };

static int copy_contents(struct volfs_node *node, struct ext2_file *to, u64 size)
{
    struct volfs *fs = node->fs;
    u8 *buf = kpages_alloc(CHUNK_PAGES);
    long n = buf ? 1 : -ENOMEM;

    for (u64 at = 0; at < size && n > 0; at += (u64)n) {
        n = fs->lower->read_once(node->lower, at, buf, MIN(size - at, CHUNK_PAGES * PAGE_SIZE));
        if (n == 0)
            n = -EIO; // the image says it is longer
        if (n > 0) {
            long wrote = ext2_write(fs->ext2, to, at, buf, (size_t)n);
            n = wrote == n || wrote < 0 ? wrote : -ENOSPC;
        }
    }
    if (buf)
        kpages_free(buf, CHUNK_PAGES);
    return n < 0 ? (int)n : 0;
}

static int copy_link(struct volfs_node *node, struct ext2_file *to)
{
    char *text = kmalloc(EXT2_BLOCK);
    long n = text ? node->fs->lower->readlink(node->lower, text, EXT2_BLOCK) : -ENOMEM;
    int err = n < 0 ? (int)n : volfs_set_target(node->fs, to, text, (size_t)n);

    kfree(text);
    return err;
}

static int fill(struct volfs_node *node, struct ext2_file *to, u64 size)
{
    struct volfs *fs = node->fs;
    u32 mode = node->below.mode;
    int err = 0;

    to->raw.links_count = S_ISDIR(mode) ? 2 : 1;
    if (S_ISDIR(mode))
        err = ext2_make_dir(fs->ext2, to, node->parent->upper.ino);
    else if (S_ISLNK(mode))
        err = copy_link(node, to);
    else if (S_ISREG(mode))
        err = copy_contents(node, to, MIN(size, node->below.size));
    if (!err)
        err = ext2_set_xattr(fs->ext2, to, XATTR_ORIGIN, &node->origin, sizeof(node->origin), 0);
    for (enum ext2_time which = EXT2_ATIME; which <= EXT2_CTIME; which++)
        ext2_set_time(to, which, node->below.mtime);
    return err ? err : ext2_store(fs->ext2, to);
}

static int place(struct volfs_node *node, const struct ext2_file *made)
{
    struct volfs *fs = node->fs;
    struct ext2_file *dir = &node->parent->upper;
    int err = ext2_add(fs->ext2, dir, node->name, strlen(node->name), made->ino, node->below.mode);

    if (!err && S_ISDIR(node->below.mode)) {
        dir->raw.links_count++;
        err = ext2_store(fs->ext2, dir);
    }
    return err;
}

static int copy_one(struct volfs_node *node, u64 size)
{
    struct volfs *fs = node->fs;
    struct ext2_file made;
    u32 mode = node->below.mode;
    int err = ext2_new(fs->ext2, &node->parent->upper, mode, node->below.uid, node->below.gid, node->below.rdev,
                       volfs_now(), &made);

    if (err)
        return err;
    err = fill(node, &made, size);
    if (!err && !node->orphan)
        err = place(node, &made);
    if (err) {
        int deleted = ext2_delete(fs->ext2, &made, volfs_now());
        ext2_file_done(fs->ext2, &made);
        return deleted ? deleted : err;
    }
    node->upper = made;
    node->has_upper = true;
    node->has_lower = S_ISDIR(mode);
    volfs_hash_upper(node);
    return node->orphan ? volfs_make_orphan(node) : 0;
}

// The topmost folder that is still the image's alone, first: a loop, for paths can be long.
int volfs_copy_up(struct volfs_node *node, u64 size)
{
    while (!node->has_upper) {
        struct volfs_node *top = node;
        while (!top->parent->has_upper)
            top = top->parent;
        int err = copy_one(top, top == node ? size : UINT64_MAX);
        if (err)
            return err;
    }
    return 0;
}
