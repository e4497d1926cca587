// SPDX-License-Identifier: BSD-3-Clause
// Files without a name that are still open hang in lost+found as #INO, so that the disk stays a valid ext2.
#include "base/fmt.h"
#include "libos/fs/volfs/volfs_node.h"

enum { NAME_BYTES = 16 };

static size_t orphan_name(const struct volfs_node *node, char *name)
{
    return fmt_format(name, NAME_BYTES, "#%u", node->upper.ino);
}

int volfs_make_orphan(struct volfs_node *node)
{
    struct ext2 *ext2 = node->fs->ext2;
    struct ext2_file lost;
    char name[NAME_BYTES];
    bool dir = volfs_is_dir(node);
    int err = ext2_load(ext2, ext2->lost_found, &lost);

    node->upper.raw.links_count = dir ? 2 : 1;
    if (!err)
        err = ext2_add(ext2, &lost, name, orphan_name(node, name), node->upper.ino, node->upper.raw.mode);
    if (!err && dir) {
        lost.raw.links_count++;
        err = ext2_store(ext2, &lost);
    }
    if (!err && dir)
        err = ext2_retarget(ext2, &node->upper, "..", 2, lost.ino, S_IFDIR);
    ext2_file_done(ext2, &lost);
    if (!err)
        err = ext2_store(ext2, &node->upper);
    node->orphan = true;
    return err;
}

static int leave_lost_found(struct volfs_node *node)
{
    struct ext2 *ext2 = node->fs->ext2;
    struct ext2_file lost;
    char name[NAME_BYTES];
    int err = ext2_load(ext2, ext2->lost_found, &lost);

    if (!err)
        err = ext2_remove(ext2, &lost, name, orphan_name(node, name));
    if (!err && volfs_is_dir(node)) {
        lost.raw.links_count--;
        err = ext2_store(ext2, &lost);
    }
    ext2_file_done(ext2, &lost);
    return err;
}

int volfs_orphan_gone(struct volfs_node *node)
{
    int err = leave_lost_found(node);
    return err ? err : ext2_delete(node->fs->ext2, &node->upper, volfs_now());
}

int volfs_orphan_adopted(struct volfs_node *node)
{
    int err = leave_lost_found(node);
    node->orphan = err;
    node->linkable &= err != 0;
    return err;
}
