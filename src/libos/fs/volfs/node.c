// SPDX-License-Identifier: BSD-3-Clause
// Nodes: one for each file that somebody holds, whatever name it was found by.
#include "libos/fs/volfs/volfs_node.h"

#include "libos/fs/mapped.h"
#include "libos/fs/volfs/disk.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "trusted/exit.h"

enum { COMMIT_SECONDS = 5 };

static const u64 upper_ino_base = 1ull << 32; // inode numbers of the volume lie above those of the image

s64 volfs_now(void) { return time_realtime_ns(); }

u32 volfs_mode(const struct volfs_node *node) { return node->has_upper ? node->upper.raw.mode : node->below.mode; }

u64 volfs_ino(const struct volfs_node *node)
{
    if (node->origin)
        return node->origin;
    return node->has_upper ? upper_ino_base + node->upper.ino : node->below.ino;
}

static u64 key_of(const struct rb_node *at, bool upper)
{
    return upper ? container_of(at, struct volfs_node, by_upper)->upper.ino
                 : container_of(at, struct volfs_node, by_lower)->lower;
}

static struct rb_node *search(struct rb_tree *tree, u64 key, bool upper)
{
    struct rb_node *at = tree->root;

    while (at && key_of(at, upper) != key)
        at = key < key_of(at, upper) ? at->left : at->right;
    return at;
}

static void hash(struct rb_tree *tree, struct rb_node *node, bool upper)
{
    struct rb_node **link = &tree->root, *parent = NULL;
    u64 key = key_of(node, upper);

    while (*link) {
        parent = *link;
        link = key < key_of(parent, upper) ? &parent->left : &parent->right;
    }
    rb_insert(tree, node, parent, link);
}

void volfs_hash_upper(struct volfs_node *node)
{
    hash(&node->fs->by_upper, &node->by_upper, true);
    node->upper_hashed = true;
}

static void unhash(struct volfs_node *node)
{
    if (node->upper_hashed)
        rb_erase(&node->fs->by_upper, &node->by_upper);
    if (node->lower_hashed)
        rb_erase(&node->fs->by_lower, &node->by_lower);
    node->upper_hashed = node->lower_hashed = false;
}

// A node whose last reference is gone waits in release() for the lock: it leaves the trees now, another takes its
// place.
static struct volfs_node *revive(struct volfs_node *node)
{
    u32 refs = __atomic_load_n(&node->inode.refs, __ATOMIC_RELAXED);

    while (refs &&
           !__atomic_compare_exchange_n(&node->inode.refs, &refs, refs + 1, true, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
        ;
    if (refs)
        return node;
    unhash(node);
    return NULL;
}

static int node_alloc(struct volfs *fs, struct volfs_node **ret_node)
{
    struct volfs_node *node = kzalloc(sizeof(*node));

    if (!node)
        return -ENOMEM;
    node->fs = fs;
    node->inode.instance = &fs->instance;
    fs->nodes++;
    list_init(&node->lower_order);
    *ret_node = node;
    return 0;
}

static void node_undo(struct volfs_node *node)
{
    node->fs->nodes--;
    kfree(node);
}

// What an inode of ext2 began as, from its attributes. 0: nothing else.
static int read_origin(struct volfs *fs, struct ext2_file *file, u64 *ret_origin)
{
    u64 origin;
    long n = file->raw.file_acl ? ext2_get_xattr(fs->ext2, file, XATTR_ORIGIN, &origin, sizeof(origin)) : -ENODATA;

    *ret_origin = n == sizeof(origin) ? origin : 0;
    return n >= 0 || n == -ENODATA || n == -ERANGE ? 0 : (int)n;
}

int volfs_ino_of(struct volfs *fs, struct ext2_file *file, u64 *ret_ino)
{
    u64 origin;
    int err = read_origin(fs, file, &origin);

    *ret_ino = origin ? origin : upper_ino_base + file->ino;
    return err;
}

static int is_opaque(struct volfs_node *node, bool *ret_opaque)
{
    char value = 0;
    long n =
        node->upper.raw.file_acl ? ext2_get_xattr(node->fs->ext2, &node->upper, XATTR_OPAQUE, &value, 1) : -ENODATA;

    *ret_opaque = n == 1 && value == 'y';
    return n >= 0 || n == -ENODATA || n == -ERANGE ? 0 : (int)n;
}

static int merge_with(struct volfs_node *node, u64 handle)
{
    bool opaque;
    int err = is_opaque(node, &opaque);

    if (err || opaque)
        return err;
    err = node->fs->lower->attr(handle, &node->below);
    if (err || !S_ISDIR(node->below.mode))
        return err;
    node->has_lower = true;
    node->lower = handle;
    return 0;
}

int volfs_get_upper(struct volfs *fs, u32 ino, const struct volfs_lower *lower, struct volfs_node **ret_node)
{
    struct rb_node *at = search(&fs->by_upper, ino, true);
    struct volfs_node *node = at ? revive(container_of(at, struct volfs_node, by_upper)) : NULL;

    if (node) {
        *ret_node = node;
        return 0;
    }
    int err = node_alloc(fs, &node);
    if (err)
        return err;
    err = ext2_load(fs->ext2, ino, &node->upper);
    node->has_upper = true;
    if (!err)
        err = read_origin(fs, &node->upper, &node->origin);
    if (!err && lower && S_ISDIR(node->upper.raw.mode) && lower->type == S_IFDIR >> 12)
        err = merge_with(node, lower->handle);
    if (err) {
        node_undo(node);
        return err;
    }
    inode_init(&node->inode, &volfs_ops, node->upper.raw.mode, volfs_ino(node));
    volfs_hash_upper(node);
    *ret_node = node;
    return 0;
}

int volfs_get_lower(struct volfs *fs, u64 handle, struct volfs_node **ret_node)
{
    struct rb_node *at = search(&fs->by_lower, handle, false);
    struct volfs_node *node = at ? revive(container_of(at, struct volfs_node, by_lower)) : NULL;

    if (node) {
        *ret_node = node;
        return 0;
    }
    int err = node_alloc(fs, &node);
    if (err)
        return err;
    err = fs->lower->attr(handle, &node->below);
    if (err) {
        node_undo(node);
        return err;
    }
    node->has_lower = true;
    node->lower = handle;
    node->origin = node->below.ino;
    inode_init(&node->inode, &volfs_ops, node->below.mode, node->below.ino);
    hash(&fs->by_lower, &node->by_lower, false);
    node->lower_hashed = true;
    *ret_node = node;
    return 0;
}

int volfs_placed(struct volfs_node *node, struct volfs_node *parent, const char *name)
{
    bool wanted = S_ISDIR(node->inode.mode) || !node->has_upper;

    if (!wanted || node->parent == node || (node->parent == parent && node->name && !strcmp(node->name, name)))
        return 0;
    char *copy = kstrdup(name);
    if (!copy)
        return -ENOMEM;
    struct volfs_node *before = node->parent;
    kfree(node->name);
    node->name = copy;
    inode_ref(&parent->inode);
    node->parent = parent;
    if (before)
        volfs_drop(before);
    return 0;
}

void volfs_drop(struct volfs_node *node)
{
    struct volfs *fs = node->fs;

    BUG_ON(fs->dropped_count == ARRAY_SIZE(fs->dropped));
    fs->dropped[fs->dropped_count++] = node;
}

void volfs_lock(struct volfs *fs) { mutex_lock(&fs->lock); }

void volfs_unlock(struct volfs *fs)
{
    struct volfs_node *dropped[VOLFS_DROPPED];
    size_t count = fs->dropped_count;

    memcpy(dropped, fs->dropped, count * sizeof(*dropped));
    fs->dropped_count = 0;
    mutex_unlock(&fs->lock);
    while (count)
        inode_unref(&dropped[--count]->inode);
}

static void destroy(struct volfs_node *node)
{
    struct volfs *fs = node->fs;

    volfs_lock(fs);
    unhash(node);
    // An error leaves it in lost+found for the next mount.
    if (node->orphan && node->has_upper && volfs_orphan_gone(node) == 0)
        volfs_changed(fs);
    if (node->has_upper)
        ext2_file_done(fs->ext2, &node->upper);
    fs->nodes--; // the unlock below is the last that touches fs
    volfs_unlock(fs);
    volfs_lower_free(node);
    kfree(node->name);
    kfree(node);
}

// A folder that goes may be the last that held the one above: in a loop, for paths can be long.
static void release(struct inode *inode)
{
    struct volfs_node *node = vnode_of(inode);

    for (;;) {
        struct volfs_node *parent = node->parent;
        bool last = parent && parent != node && inode_unref_is_last(&parent->inode);
        destroy(node);
        if (!last)
            return;
        node = parent;
    }
}

int volfs_commit(struct volfs *fs)
{
    int err = ext2_sync(fs->ext2);

    if (err)
        return err == -EBADMSG ? -EIO : err;
    fs->committed_ns = time_monotonic_ns();
    return 0;
}

void volfs_changed(struct volfs *fs)
{
    if (time_monotonic_ns() - fs->committed_ns >= (s64)COMMIT_SECONDS * 1000000000)
        (void)!volfs_commit(fs); // the volume remembers the error: the next fsync tells it
}

// Of a folder that shows the image too: its folders count as well, those that the volume does not hide or hold.
static u32 links_of(struct volfs_node *node)
{
    const struct volfs_lower *entry;
    u32 links = node->upper.raw.links_count, ino;

    if (node == node->fs->root)
        links--; // lost+found is not shown
    if (!node->has_lower || volfs_lower_read(node) != 0)
        return links;
    list_for_each (entry, &node->lower_order, by_order)
        links += entry->type == S_IFDIR >> 12 &&
                 ext2_find(node->fs->ext2, &node->upper, entry->name, strlen(entry->name), &ino) == -ENOENT;
    return links;
}

static int getattr(struct inode *inode, struct kstat *st)
{
    struct volfs_node *node = vnode_of(inode);
    const struct ext2_file *up = &node->upper;

    volfs_lock(node->fs);
    if (node->has_upper)
        *st = (struct kstat){
            .size = S_ISDIR(inode->mode) ? EXT2_BLOCK : ext2_size(up),
            .nlink = node->orphan ? 0 : links_of(node),
            .uid = ext2_uid(up),
            .gid = ext2_gid(up),
            .blocks = up->raw.blocks,
            .rdev = ext2_rdev(up),
            .atime = ext2_get_time(up, EXT2_ATIME),
            .mtime = ext2_get_time(up, EXT2_MTIME),
            .ctime = ext2_get_time(up, EXT2_CTIME),
        };
    else
        *st = (struct kstat){
            .size = node->below.size,
            .nlink = node->orphan ? 0 : node->below.nlink,
            .uid = node->below.uid,
            .gid = node->below.gid,
            .blocks = S_ISREG(inode->mode) ? DIV_ROUND_UP(node->below.size, 512ul) : 0,
            .rdev = node->below.rdev,
            .atime = node->below.mtime,
            .mtime = node->below.mtime,
            .ctime = node->below.mtime,
        };
    st->mode = volfs_mode(node);
    st->dev = node->fs->dev;
    st->ino = inode->ino;
    st->blksize = EXT2_BLOCK;
    volfs_unlock(node->fs);
    return 0;
}

static int change(struct volfs_node *node, const struct attr_change *c)
{
    struct ext2_file *up = &node->upper;
    int err = volfs_copy_up(node, c->valid & ATTR_SIZE ? c->size : UINT64_MAX);

    if (!err && (c->valid & ATTR_SIZE)) {
        if (!S_ISREG(node->inode.mode))
            return S_ISDIR(node->inode.mode) ? -EISDIR : -EINVAL;
        err = ext2_truncate(node->fs->ext2, up, c->size);
        ext2_set_time(up, EXT2_MTIME, volfs_now());
    }
    if (err)
        return err;
    if (c->valid & ATTR_MODE)
        up->raw.mode = (u16)((up->raw.mode & S_IFMT) | (c->mode & 07777));
    ext2_set_owner(up, c->valid & ATTR_UID ? c->uid : ext2_uid(up), c->valid & ATTR_GID ? c->gid : ext2_gid(up));
    if (c->valid & ATTR_ATIME)
        ext2_set_time(up, EXT2_ATIME, c->atime);
    if (c->valid & ATTR_MTIME)
        ext2_set_time(up, EXT2_MTIME, c->mtime);
    ext2_set_time(up, EXT2_CTIME, volfs_now());
    return ext2_store(node->fs->ext2, up);
}

static int setattr(struct inode *inode, const struct attr_change *c)
{
    struct volfs_node *node = vnode_of(inode);
    int err = 0;

    mutex_lock(&inode->lock);
    if ((c->valid & ATTR_SIZE) && inode->object)
        err = mapped_resized(inode, inode->ops->object_ops->size(inode), c->size);
    volfs_lock(node->fs);
    if (!err)
        err = change(node, c);
    volfs_changed(node->fs);
    volfs_unlock(node->fs);
    mutex_unlock(&inode->lock);
    return err;
}

static long readlink(struct inode *inode, char *buf, size_t size)
{
    struct volfs_node *node = vnode_of(inode);
    long n;

    if (!node->has_upper)
        return node->fs->lower->readlink(node->lower, buf, size);
    volfs_lock(node->fs);
    if (!ext2_has_blocks(&node->upper)) { // short ones lie in the inode
        n = (long)MIN(size, MIN((size_t)node->upper.raw.size, sizeof(node->upper.raw.block)));
        memcpy(buf, node->upper.raw.block, (size_t)n);
    } else {
        n = ext2_read(node->fs->ext2, &node->upper, 0, buf, size);
    }
    volfs_unlock(node->fs);
    return n;
}

static int statfs(struct inode *inode, struct statfs *st)
{
    struct volfs *fs = vnode_of(inode)->fs;

    memset(st, 0, sizeof(*st));
    volfs_lock(fs);
    st->f_blocks = fs->ext2->super.blocks_count;
    st->f_bfree = st->f_bavail = fs->ext2->super.free_blocks_count;
    st->f_files = fs->ext2->super.inodes_count;
    st->f_ffree = fs->ext2->super.free_inodes_count;
    volfs_unlock(fs);
    st->f_type = EXT2_MAGIC;
    st->f_bsize = st->f_frsize = EXT2_BLOCK;
    st->f_namelen = EXT2_NAME_MAX;
    return 0;
}

static int sync_instance(struct fs_instance *instance) { return volfs_sync(instance->root); }

static bool busy(struct fs_instance *instance)
{
    struct volfs *fs = container_of(instance, struct volfs, instance);

    volfs_lock(fs);
    bool alone = fs->nodes == 1 && __atomic_load_n(&instance->root->refs, __ATOMIC_ACQUIRE) == 1;
    volfs_unlock(fs);
    return !alone;
}

static void destroy_instance(struct fs_instance *instance)
{
    struct volfs *fs = container_of(instance, struct volfs, instance);
    struct ext2 *ext2 = fs->ext2;

    inode_unref(instance->root);
    kfree(fs);
    volfs_disk_close(ext2);
}

static const struct fs_instance_ops instance_ops = { .sync = sync_instance, .busy = busy, .destroy = destroy_instance };

int volfs_create(struct ext2 *ext2, const struct lower_tree *lower, u64 lower_root, struct inode **ret_root)
{
    static u64 devices = 0x100;
    struct volfs_lower below = { .handle = lower_root, .type = S_IFDIR >> 12 };
    struct volfs *fs = kzalloc(sizeof(*fs));

    if (!fs)
        return -ENOMEM;
    mutex_init(&fs->lock, LOCK_VOLFS);
    fs->instance.ops = &instance_ops;
    fs->ext2 = ext2;
    fs->lower = lower;
    fs->dev = __atomic_add_fetch(&devices, 1, __ATOMIC_RELAXED);
    fs->committed_ns = time_monotonic_ns();
    int err = volfs_get_upper(fs, EXT2_ROOT_INO, lower ? &below : NULL, &fs->root);
    if (err) {
        kfree(fs);
        return err;
    }
    fs->root->parent = fs->root;
    *ret_root = fs->instance.root = &fs->root->inode;
    return 0;
}

int volfs_sync(struct inode *inode)
{
    struct volfs *fs = vnode_of(inode)->fs;

    volfs_lock(fs);
    int err = volfs_commit(fs);
    volfs_unlock(fs);
    return err;
}

const struct inode_ops volfs_ops = {
    .lookup = volfs_lookup,
    .parent = volfs_parent,
    .name = volfs_name,
    .create = volfs_make,
    .tmpfile = volfs_tmpfile,
    .symlink = volfs_symlink,
    .link = volfs_link,
    .unlink = volfs_unlink,
    .rmdir = volfs_rmdir,
    .rename = volfs_rename,
    .readlink = readlink,
    .getattr = getattr,
    .setattr = setattr,
    .open = volfs_open,
    .statfs = statfs,
    .get_xattr = volfs_get_xattr,
    .set_xattr = volfs_set_xattr,
    .list_xattr = volfs_list_xattr,
    .release = release,
    .object_ops = &volfs_object_ops,
};
