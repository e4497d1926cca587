// SPDX-License-Identifier: BSD-3-Clause
// Names that come: looking up, making, linking.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/fs/permission.h"

bool volfs_is_dir(const struct volfs_node *node) { return S_ISDIR(node->inode.mode); }

void volfs_touch(struct volfs_node *dir)
{
    ext2_set_time(&dir->upper, EXT2_MTIME, volfs_now());
    ext2_set_time(&dir->upper, EXT2_CTIME, volfs_now());
}

// What the volume has under the name.
static int find_upper(struct volfs_node *dir, struct volfs_name *n)
{
    struct ext2_file file;

    if (!dir->has_upper)
        return 0;
    if (dir == dir->fs->root && strcmp(n->name, "lost+found") == 0)
        return -EACCES; // it is the file system's own
    int err = ext2_find(dir->fs->ext2, &dir->upper, n->name, n->len, &n->ino);
    if (err == -ENOENT) {
        n->ino = 0;
        return 0;
    }
    if (err || !dir->fs->lower)
        return err;
    err = ext2_load(dir->fs->ext2, n->ino, &file);
    n->whiteout = !err && volfs_is_whiteout(&file);
    return err;
}

int volfs_resolve(struct volfs_node *dir, const char *name, struct volfs_name *n)
{
    *n = (struct volfs_name){ .dir = dir, .name = name, .len = strlen(name) };
    if (n->len > EXT2_NAME_MAX)
        return -ENAMETOOLONG;
    int err = dir->orphan ? -ENOENT : find_upper(dir, n);
    if (!err)
        err = volfs_lower_find(dir, name, &n->below);
    if (err || n->whiteout || (!n->ino && !n->below))
        return err;
    if (n->ino)
        err = volfs_get_upper(dir->fs, n->ino, n->below, &n->node);
    else
        err = volfs_get_lower(dir->fs, n->below->handle, &n->node);
    if (err) {
        n->node = NULL;
        return err;
    }
    volfs_drop(n->node);
    return volfs_placed(n->node, dir, name);
}

int volfs_lookup(struct inode *inode, const char *name, struct inode **ret_inode)
{
    struct volfs_node *dir = vnode_of(inode);
    struct volfs_name n;

    volfs_lock(dir->fs);
    int err = volfs_resolve(dir, name, &n);
    if (!err && n.node)
        *ret_inode = inode_ref(&n.node->inode);
    volfs_unlock(dir->fs);
    if (err)
        return err;
    return n.node ? 0 : -ENOENT;
}

struct inode *volfs_parent(struct inode *inode)
{
    struct volfs_node *node = vnode_of(inode);

    volfs_lock(node->fs);
    struct inode *parent = inode_ref(&node->parent->inode);
    volfs_unlock(node->fs);
    return parent;
}

long volfs_name(struct inode *inode, char *buf, size_t size)
{
    struct volfs_node *node = vnode_of(inode);
    long len = -ENOENT;

    volfs_lock(node->fs);
    if (node->name && !node->orphan) {
        size_t n = strlen(node->name);
        len = n < size ? (long)n : -ENAMETOOLONG;
        if (len >= 0)
            memcpy(buf, node->name, n + 1);
    }
    volfs_unlock(node->fs);
    return len;
}

// A whiteout that nothing leads to any more.
static int delete_whiteout(struct volfs *fs, u32 ino)
{
    struct ext2_file file;
    int err = ext2_load(fs->ext2, ino, &file);

    return err ? err : ext2_delete(fs->ext2, &file, volfs_now());
}

int volfs_set_name(const struct volfs_name *n, u32 ino, u32 mode)
{
    struct volfs *fs = n->dir->fs;
    int err;

    if (!n->ino)
        err = ext2_add(fs->ext2, &n->dir->upper, n->name, n->len, ino, mode);
    else
        err = ext2_retarget(fs->ext2, &n->dir->upper, n->name, n->len, ino, mode);
    if (!err && n->whiteout)
        err = delete_whiteout(fs, n->ino);
    return err;
}

static int add_whiteout(const struct volfs_name *n)
{
    struct volfs *fs = n->dir->fs;
    struct ext2_file file;
    int err = ext2_new(fs->ext2, &n->dir->upper, S_IFCHR, 0, 0, 0, volfs_now(), &file);

    if (err)
        return err;
    file.raw.links_count = 1;
    err = ext2_store(fs->ext2, &file);
    if (!err)
        err = volfs_set_name(n, file.ino, S_IFCHR);
    if (err) {
        int deleted = ext2_delete(fs->ext2, &file, volfs_now());
        return deleted ? deleted : err;
    }
    return 0;
}

int volfs_clear_name(const struct volfs_name *n)
{
    if (n->below)
        return add_whiteout(n);
    return ext2_remove(n->dir->fs->ext2, &n->dir->upper, n->name, n->len);
}

int volfs_set_target(struct volfs *fs, struct ext2_file *link, const char *text, size_t len)
{
    if (len >= sizeof(link->raw.block)) {
        long n = ext2_write(fs->ext2, link, 0, text, len);
        return n < 0 ? (int)n : 0;
    }
    memcpy(link->raw.block, text, len);
    link->raw.size = (u32)len;
    return ext2_store(fs->ext2, link);
}

struct making {
    u32 mode;
    u64 rdev;
    const char *target; // of a symbolic link
};

static int prepare(struct volfs_node *dir, const struct making *what, const struct volfs_name *n,
                   struct ext2_file *made)
{
    struct volfs *fs = dir->fs;
    int err = 0;

    made->raw.links_count = S_ISDIR(what->mode) ? 2 : 1;
    if (S_ISDIR(what->mode))
        err = ext2_make_dir(fs->ext2, made, dir->upper.ino);
    else if (what->target)
        err = volfs_set_target(fs, made, what->target, strlen(what->target));
    if (!err && S_ISDIR(what->mode) && n->below) // the image's folder of the same name stays hidden
        err = ext2_set_xattr(fs->ext2, made, XATTR_OPAQUE, "y", 1, 0);
    return err ? err : ext2_store(fs->ext2, made);
}

// Of a new file in a folder of the volume.
static struct new_owner owner_in(const struct volfs_node *dir, u32 mode)
{
    return new_owner_of(mode, dir->upper.raw.mode, ext2_gid(&dir->upper));
}

// The new file's node is not made: who wants it looks it up.
static int make(struct volfs_node *dir, const struct making *what, struct volfs_name *n)
{
    struct volfs *fs = dir->fs;
    struct ext2_file made;
    int err = volfs_copy_up(dir, UINT64_MAX);

    if (err)
        return err;
    struct new_owner owner = owner_in(dir, what->mode);
    err = ext2_new(fs->ext2, &dir->upper, owner.mode, owner.uid, owner.gid, what->rdev, volfs_now(), &made);
    if (err)
        return err;
    err = prepare(dir, what, n, &made);
    if (!err)
        err = volfs_set_name(n, made.ino, what->mode);
    if (err) {
        int deleted = ext2_delete(fs->ext2, &made, volfs_now());
        ext2_file_done(fs->ext2, &made);
        return deleted ? deleted : err;
    }
    ext2_file_done(fs->ext2, &made);
    dir->upper.raw.links_count = (u16)(dir->upper.raw.links_count + S_ISDIR(what->mode));
    volfs_touch(dir);
    n->ino = made.ino;
    n->whiteout = false;
    return ext2_store(fs->ext2, &dir->upper);
}

static int make_named(struct inode *inode, const char *name, const struct making *what, struct inode **ret_inode)
{
    struct volfs_node *dir = vnode_of(inode), *node;
    struct volfs *fs = dir->fs;
    struct volfs_name n;

    volfs_lock(fs);
    int err = volfs_resolve(dir, name, &n);
    if (!err)
        err = n.node ? -EEXIST : make(dir, what, &n);
    if (!err && ret_inode) {
        err = volfs_get_upper(fs, n.ino, NULL, &node);
        if (!err) {
            *ret_inode = &node->inode;
            err = volfs_placed(node, dir, name);
        }
    }
    volfs_changed(fs);
    volfs_unlock(fs);
    return err;
}

int volfs_make(struct inode *dir, const char *name, u32 mode, u64 rdev, struct inode **ret_inode)
{
    const struct making what = { .mode = mode, .rdev = rdev };

    if (S_ISCHR(mode) && !rdev)
        return -EPERM; // it would be a whiteout
    return make_named(dir, name, &what, ret_inode);
}

static int make_tmpfile(struct volfs_node *dir, u32 mode, bool linkable, struct volfs_node **ret_node)
{
    struct volfs *fs = dir->fs;
    struct ext2_file made;
    int err = dir->orphan ? -ENOENT : volfs_copy_up(dir, UINT64_MAX);

    if (err)
        return err;
    struct new_owner owner = owner_in(dir, mode);
    err = ext2_new(fs->ext2, &dir->upper, owner.mode, owner.uid, owner.gid, 0, volfs_now(), &made);
    if (err)
        return err;
    made.raw.links_count = 1; // its name in lost+found
    err = ext2_store(fs->ext2, &made);
    if (!err)
        err = volfs_get_upper(fs, made.ino, NULL, ret_node);
    if (err)
        return err;
    (*ret_node)->linkable = linkable;
    return volfs_make_orphan(*ret_node);
}

int volfs_tmpfile(struct inode *inode, u32 mode, bool linkable, struct inode **ret_inode)
{
    struct volfs_node *dir = vnode_of(inode), *node = NULL;

    volfs_lock(dir->fs);
    int err = make_tmpfile(dir, mode, linkable, &node);
    if (err && node)
        volfs_drop(node);
    volfs_changed(dir->fs);
    volfs_unlock(dir->fs);
    if (!err)
        *ret_inode = &node->inode;
    return err;
}

int volfs_symlink(struct inode *dir, const char *name, const char *target)
{
    const struct making what = { .mode = S_IFLNK | 0777, .target = target };
    return make_named(dir, name, &what, NULL);
}

static int link_node(struct volfs_node *dir, const char *name, struct volfs_node *node)
{
    struct volfs *fs = dir->fs;
    struct volfs_name n;
    int err = volfs_resolve(dir, name, &n);

    if (!err && n.node)
        err = -EEXIST;
    if (!err && S_ISDIR(node->inode.mode))
        err = -EPERM;
    if (!err)
        err = node->orphan && !node->linkable ? -ENOENT : volfs_copy_up(node, UINT64_MAX);
    if (!err && node->upper.raw.links_count >= EXT2_LINK_MAX)
        err = -EMLINK;
    if (!err)
        err = volfs_copy_up(dir, UINT64_MAX);
    if (!err)
        err = volfs_set_name(&n, node->upper.ino, node->upper.raw.mode);
    if (err)
        return err;
    if (node->orphan)
        err = volfs_orphan_adopted(node); // its one link is the new name now
    else
        node->upper.raw.links_count++;
    if (err)
        return err;
    ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
    volfs_touch(dir);
    err = ext2_store(fs->ext2, &node->upper);
    return err ? err : ext2_store(fs->ext2, &dir->upper);
}

int volfs_link(struct inode *inode, const char *name, struct inode *target)
{
    struct volfs *fs = vnode_of(inode)->fs;

    if (target->ops != &volfs_ops || vnode_of(target)->fs != fs)
        return -EXDEV;
    volfs_lock(fs);
    int err = link_node(vnode_of(inode), name, vnode_of(target));
    volfs_changed(fs);
    volfs_unlock(fs);
    return err;
}
