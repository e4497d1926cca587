// SPDX-License-Identifier: BSD-3-Clause
// Names that go and move.
#include "libos/fs/volfs/volfs_node.h"

int volfs_lost_name(struct volfs_node *node)
{
    struct volfs *fs = node->fs;
    bool dir = volfs_is_dir(node);

    if (!node->has_upper) { // a file of the image behind a whiteout
        node->orphan = true;
        return 0;
    }
    ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
    if (!dir && node->upper.raw.links_count > 1) {
        node->upper.raw.links_count--;
        return ext2_store(fs->ext2, &node->upper);
    }
    // The lock's owner holds one reference, which goes with the lock: then release() deletes it.
    return volfs_make_orphan(node);
}

struct whiteouts {
    char name[256];
    size_t len;
    u32 ino;
};

static int first_whiteout(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    struct whiteouts *w = arg;

    if (type != EXT2_FT_CHR)
        return 0;
    memcpy(w->name, name, len);
    w->len = len;
    w->ino = ino;
    return 1;
}

// An empty folder may hold whiteouts: they go with it.
static int remove_whiteouts(struct volfs_node *dir)
{
    struct ext2 *ext2 = dir->fs->ext2;
    int err = 0;

    while (!err) {
        struct whiteouts w = { 0 };
        struct ext2_file file;
        u64 position = 0;
        err = ext2_for_each(ext2, &dir->upper, &position, first_whiteout, &w);
        if (err || !w.ino)
            break;
        err = ext2_load(ext2, w.ino, &file);
        if (!err)
            err = ext2_remove(ext2, &dir->upper, w.name, w.len);
        if (!err)
            err = ext2_delete(ext2, &file, volfs_now());
    }
    return err;
}

static int may_remove_dir(struct volfs_node *node)
{
    if (!volfs_is_dir(node))
        return -ENOTDIR;
    if (node->inode.mounted)
        return -EBUSY;
    int empty = volfs_is_empty(node);
    if (empty < 0)
        return empty;
    return empty ? 0 : -ENOTEMPTY;
}

static int remove_name(struct volfs_node *dir, const char *name, bool as_dir)
{
    struct volfs *fs = dir->fs;
    struct volfs_name n;
    int err = volfs_resolve(dir, name, &n);

    if (!err && !n.node)
        err = -ENOENT;
    if (!err && as_dir)
        err = may_remove_dir(n.node);
    else if (!err && volfs_is_dir(n.node))
        err = -EISDIR;
    if (!err)
        err = volfs_copy_up(dir, UINT64_MAX);
    if (!err && as_dir && n.node->has_upper)
        err = remove_whiteouts(n.node);
    if (!err)
        err = volfs_clear_name(&n);
    if (err)
        return err;
    if (as_dir && n.ino)
        dir->upper.raw.links_count--;
    volfs_touch(dir);
    err = ext2_store(fs->ext2, &dir->upper);
    return err ? err : volfs_lost_name(n.node);
}

static int remove_locked(struct inode *inode, const char *name, bool as_dir)
{
    struct volfs *fs = vnode_of(inode)->fs;

    volfs_lock(fs);
    int err = remove_name(vnode_of(inode), name, as_dir);
    volfs_changed(fs);
    volfs_unlock(fs);
    return err;
}

int volfs_unlink(struct inode *dir, const char *name) { return remove_locked(dir, name, false); }
int volfs_rmdir(struct inode *dir, const char *name) { return remove_locked(dir, name, true); }

static bool is_inside(const struct volfs_node *dir, const struct volfs_node *ancestor)
{
    while (dir != ancestor && dir->parent != dir)
        dir = dir->parent;
    return dir == ancestor;
}

// What rename(2) refuses. Folders that show the image stay where they are, as with overlayfs: mv then copies them.
static int may_rename(const struct volfs_name *from, const struct volfs_name *to, u32 flags)
{
    bool swap = flags & RENAME_EXCHANGE;

    if (!from->node || (!to->node && swap))
        return -ENOENT;
    if (to->node && (flags & RENAME_NOREPLACE))
        return -EEXIST;
    if (volfs_is_dir(from->node) && is_inside(to->dir, from->node))
        return -EINVAL;
    if (to->node && volfs_is_dir(to->node) && is_inside(from->dir, to->node))
        return swap ? -EINVAL : -ENOTEMPTY;
    if (volfs_is_dir(from->node) && from->node->has_lower)
        return -EXDEV;
    if (!to->node || from->node == to->node)
        return 0;
    if (swap)
        return volfs_is_dir(to->node) && to->node->has_lower ? -EXDEV : 0;
    if (!volfs_is_dir(from->node))
        return volfs_is_dir(to->node) ? -EISDIR : 0;
    return may_remove_dir(to->node);
}

// A folder arrived under another one.
static int arrived(struct volfs_node *node, const struct volfs_name *at)
{
    struct volfs *fs = node->fs;
    int err = volfs_placed(node, at->dir, at->name);

    if (err || !volfs_is_dir(node))
        return err;
    err = ext2_retarget(fs->ext2, &node->upper, "..", 2, at->dir->upper.ino, S_IFDIR);
    if (!err && at->below)
        err = ext2_set_xattr(fs->ext2, &node->upper, XATTR_OPAQUE, "y", 1, 0);
    return err;
}

static void count_dirs(struct volfs_node *dir, int change)
{
    dir->upper.raw.links_count = (u16)(dir->upper.raw.links_count + change);
}

static int exchange(const struct volfs_name *from, const struct volfs_name *to)
{
    struct volfs_node *a = from->node, *b = to->node;
    int err = volfs_copy_up(b, UINT64_MAX);

    if (!err)
        err = ext2_retarget(a->fs->ext2, &from->dir->upper, from->name, from->len, b->upper.ino, b->upper.raw.mode);
    if (!err)
        err = ext2_retarget(a->fs->ext2, &to->dir->upper, to->name, to->len, a->upper.ino, a->upper.raw.mode);
    count_dirs(from->dir, volfs_is_dir(b) - volfs_is_dir(a));
    count_dirs(to->dir, volfs_is_dir(a) - volfs_is_dir(b));
    if (!err)
        err = arrived(a, to);
    return err ? err : arrived(b, from);
}

static int move(const struct volfs_name *from, const struct volfs_name *to)
{
    struct volfs_node *node = from->node, *replaced = to->node;
    bool dir = volfs_is_dir(node);
    int err = replaced && volfs_is_dir(replaced) && replaced->has_upper ? remove_whiteouts(replaced) : 0;

    if (!err)
        err = volfs_set_name(to, node->upper.ino, node->upper.raw.mode);
    if (!err)
        err = volfs_clear_name(from);
    if (!err && replaced)
        err = volfs_lost_name(replaced);
    if (err)
        return err;
    count_dirs(from->dir, -dir);
    count_dirs(to->dir, dir - (replaced && volfs_is_dir(replaced) && to->ino));
    ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
    err = ext2_store(node->fs->ext2, &node->upper);
    return err ? err : arrived(node, to);
}

static int rename_names(struct volfs_name *from, struct volfs_name *to, u32 flags)
{
    int err = may_rename(from, to, flags);

    if (err || from->node == to->node)
        return err;
    // Copying up adds the entry that is moved then; the folders come first.
    err = volfs_copy_up(from->node, UINT64_MAX);
    if (!err)
        err = volfs_copy_up(to->dir, UINT64_MAX);
    if (err)
        return err;
    from->ino = from->node->upper.ino;
    err = flags & RENAME_EXCHANGE ? exchange(from, to) : move(from, to);
    volfs_touch(from->dir);
    volfs_touch(to->dir);
    if (!err)
        err = ext2_store(from->dir->fs->ext2, &from->dir->upper);
    return err ? err : ext2_store(to->dir->fs->ext2, &to->dir->upper);
}

int volfs_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir, const char *new_name, u32 flags)
{
    struct volfs *fs = vnode_of(old_dir)->fs;
    struct volfs_name from, to;

    if (new_dir->ops != &volfs_ops || vnode_of(new_dir)->fs != fs)
        return -EXDEV;
    volfs_lock(fs);
    int err = volfs_resolve(vnode_of(old_dir), old_name, &from);
    if (!err)
        err = volfs_resolve(vnode_of(new_dir), new_name, &to);
    if (!err)
        err = rename_names(&from, &to, flags);
    volfs_changed(fs);
    volfs_unlock(fs);
    return err;
}
