// SPDX-License-Identifier: BSD-3-Clause
// Names of the file system in memory. One lock per file system for all of them: names change rarely, and rename needs
// two directories at once.
#include "libos/fs/memfs_node.h"
#include "base/string.h"
#include "libos/fs/permission.h"
#include "libos/mem/heap.h"

enum { NAME_MAX_BYTES = 255, TYPE_DIR = S_IFDIR >> 12 };

static struct memfs_entry *find_name(struct memfs_node *dir, const char *name)
{
    struct rb_node *at = dir->names.root;
    while (at) {
        struct memfs_entry *entry = container_of(at, struct memfs_entry, by_name);
        int order = strcmp(name, entry->name);
        if (!order)
            return entry;
        at = order < 0 ? at->left : at->right;
    }
    return NULL;
}

// A directory knows where it hangs.
static void adopt(struct memfs_node *dir, struct memfs_entry *entry)
{
    if (entry->node && entry->type == TYPE_DIR) {
        entry->node->parent = dir;
        entry->node->entry = entry;
    }
}

static void insert(struct memfs_node *dir, struct memfs_entry *entry)
{
    struct rb_node **link = &dir->names.root, *parent = NULL;
    while (*link) {
        parent = *link;
        link = strcmp(entry->name, container_of(parent, struct memfs_entry, by_name)->name) < 0 ? &parent->left
                                                                                                : &parent->right;
    }
    rb_insert(&dir->names, &entry->by_name, parent, link);
    entry->position = ++dir->next_position;
    list_add_tail(&entry->by_position, &dir->order);
    adopt(dir, entry);
}

static size_t entry_bytes(size_t len) { return sizeof(struct memfs_entry) + len + 1; }

void memfs_entry_free(struct memfs_entry *entry)
{
    if (entry)
        memfs_heap_used(entry_bytes(strlen(entry->name)), -1);
    kfree(entry);
}

// node may be NULL: then the caller says type and handle.
static struct memfs_entry *entry_alloc(const char *name, size_t len, struct memfs_node *node)
{
    struct memfs_entry *entry = kzalloc(entry_bytes(len));
    if (!entry)
        return NULL;
    memfs_heap_used(entry_bytes(len), 1);
    memcpy(entry->name, name, len);
    entry->node = node;
    entry->type = node ? (node->inode.mode & S_IFMT) >> 12 : 0;
    return entry;
}

// Takes an entry out; its node's reference goes to the caller (NULL if nobody has looked at it).
static struct memfs_node *take_out(struct memfs_node *dir, struct memfs_entry *entry)
{
    struct memfs_node *node = entry->node;

    rb_erase(&dir->names, &entry->by_name);
    list_del(&entry->by_position);
    if (node && entry->type == TYPE_DIR)
        node->entry = NULL;
    memfs_entry_free(entry);
    return node;
}

// A removed directory still has a "..": it keeps the one it hung in. Tree lock held.
static void keep_parent(struct memfs_node *dir, struct memfs_node *removed)
{
    mutex_assert_held(&dir->fs->tree);
    if (!S_ISDIR(removed->inode.mode))
        return;
    inode_ref(&dir->inode);
    removed->holds_parent = true;
}

// Names of a directory have changed, and it has so many more directories below. Tree lock held; fstat(2) takes the
// inode's.
static void changed(struct memfs_node *dir, int folders)
{
    mutex_assert_held(&dir->fs->tree);
    s64 now = memfs_now();

    mutex_lock(&dir->inode.lock);
    dir->nlink += (u32)folders;
    dir->mtime = dir->ctime = now;
    mutex_unlock(&dir->inode.lock);
}

static int is_folder(const struct memfs_entry *entry) { return entry->type == TYPE_DIR; }

struct population {
    struct memfs_node *dir;
    int err;
};

static int node_from_lower(struct memfs *fs, u64 handle, struct memfs_node **ret_node)
{
    struct lower_attr attr;
    struct memfs_node *node;
    int err = fs->lower->attr(handle, &attr);

    if (!err)
        err = memfs_node_alloc(fs, attr.mode, &node);
    if (err)
        return err;
    node->inode.ino = attr.ino;
    node->nlink = attr.nlink;
    node->uid = attr.uid;
    node->gid = attr.gid;
    node->rdev = attr.rdev;
    node->size = S_ISDIR(attr.mode) ? 0 : attr.size;
    node->lower_size = attr.size;
    node->atime = node->mtime = node->ctime = attr.mtime;
    node->has_lower = S_ISDIR(attr.mode) || S_ISREG(attr.mode) || S_ISLNK(attr.mode);
    node->lower = handle;
    *ret_node = node;
    return 0;
}

static int take_over(const char *name, size_t len, u64 handle, u64 ino, u32 type, void *arg)
{
    struct population *p = arg;
    struct memfs_entry *entry = entry_alloc(name, len, NULL);

    if (!entry) {
        p->err = -ENOMEM;
        return 1;
    }
    entry->handle = handle;
    entry->ino = ino;
    entry->type = type;
    insert(p->dir, entry);
    return 0;
}

// The node behind a name of the lower tree is made when somebody asks for it: most are never asked for.
static int need_node(struct memfs_node *dir, struct memfs_entry *entry)
{
    struct memfs_node *node;

    if (entry->node)
        return 0;
    int err = node_from_lower(dir->fs, entry->handle, &node);
    if (!err && (node->inode.mode & S_IFMT) >> 12 != entry->type) {
        inode_unref(&node->inode);
        err = -EIO;
    }
    if (err)
        return err;
    entry->node = node;
    adopt(dir, entry);
    return 0;
}

// The entry of a name, with its node; NULL if there is none. Tree lock held, dir populated.
static int find(struct memfs_node *dir, const char *name, struct memfs_entry **ret_entry)
{
    mutex_assert_held(&dir->fs->tree);
    struct memfs_entry *entry = find_name(dir, name);
    int err = entry ? need_node(dir, entry) : 0;
    if (!err)
        *ret_entry = entry;
    return err;
}

int memfs_populate(struct memfs_node *dir)
{
    mutex_assert_held(&dir->fs->tree);
    struct population p = { .dir = dir };
    struct memfs_entry *entry, *next;

    if (!dir->has_lower)
        return 0;
    int err = dir->fs->lower->for_each(dir->lower, take_over, &p);
    if (p.err)
        err = p.err;
    if (err) { // none or all, so that a later try starts afresh
        list_for_each_safe (entry, next, &dir->order, by_position) {
            take_out(dir, entry);
        }
        return err;
    }
    dir->has_lower = false;
    return 0;
}

// Locks the tree with dir populated and still in the tree. 0, or -errno with the tree unlocked.
static int begin(struct memfs_node *dir)
{
    mutex_lock(&dir->fs->tree);
    int err = memfs_populate(dir);
    if (!err && !dir->entry && dir->parent != dir)
        err = -ENOENT;
    if (err)
        mutex_unlock(&dir->fs->tree);
    return err;
}

static void end(struct memfs_node *dir) { mutex_unlock(&dir->fs->tree); }

int memfs_lookup(struct inode *inode, const char *name, struct inode **ret_inode)
{
    struct memfs_node *dir = node_of(inode);
    int err = begin(dir);
    if (err)
        return err;
    struct memfs_entry *entry;
    err = find(dir, name, &entry);
    if (!err && entry)
        *ret_inode = inode_ref(&entry->node->inode);
    end(dir);
    return err ? err : entry ? 0 : -ENOENT;
}

struct inode *memfs_parent(struct inode *inode)
{
    struct memfs_node *dir = node_of(inode);
    mutex_lock(&dir->fs->tree);
    struct inode *parent = inode_ref(dir->parent ? &dir->parent->inode : inode);
    mutex_unlock(&dir->fs->tree);
    return parent;
}

long memfs_name(struct inode *inode, char *buf, size_t size)
{
    struct memfs_node *dir = node_of(inode);
    long len = -ENOENT;

    mutex_lock(&dir->fs->tree);
    if (dir->entry) {
        size_t n = strlen(dir->entry->name);
        len = n < size ? (long)n : -ENAMETOOLONG;
        if (len >= 0)
            memcpy(buf, dir->entry->name, n + 1);
    }
    mutex_unlock(&dir->fs->tree);
    return len;
}

// Adds a new name for node, whose reference is consumed in any case.
static int add(struct memfs_node *dir, const char *name, struct memfs_node *node)
{
    size_t len = strlen(name);
    struct memfs_entry *entry = len > NAME_MAX_BYTES ? NULL : entry_alloc(name, len, node);
    int err = entry ? begin(dir) : len > NAME_MAX_BYTES ? -ENAMETOOLONG : -ENOMEM;

    if (!err) {
        err = find_name(dir, name) ? -EEXIST : 0;
        if (!err) {
            insert(dir, entry);
            changed(dir, is_folder(entry));
            entry = NULL;
        }
        end(dir);
    }
    if (err) {
        memfs_entry_free(entry);
        inode_unref(&node->inode);
    }
    return err;
}

// A new node for the folder that nobody else sees yet, with the owner it gets there.
static int node_in(struct memfs_node *dir, u32 mode, struct memfs_node **ret_node)
{
    int full = memfs_has_room();
    if (full)
        return full;
    struct new_owner owner = new_owner_of(mode, READ_ONCE(dir->mode), READ_ONCE(dir->gid));
    int err = memfs_node_alloc(dir->fs, owner.mode, ret_node);
    if (err)
        return err;
    (*ret_node)->uid = owner.uid;
    (*ret_node)->gid = owner.gid;
    return 0;
}

int memfs_tmpfile(struct inode *inode, u32 mode, bool linkable, struct inode **ret_inode)
{
    struct memfs_node *node;
    int err = node_in(node_of(inode), mode, &node);
    if (err)
        return err;
    node->nlink = 0;
    node->linkable = linkable;
    *ret_inode = &node->inode;
    return 0;
}

int memfs_make(struct inode *inode, const char *name, u32 mode, u64 rdev, struct inode **ret_inode)
{
    struct memfs_node *node;
    int err = node_in(node_of(inode), mode, &node);
    if (err)
        return err;
    node->rdev = rdev;
    inode_ref(&node->inode);
    err = add(node_of(inode), name, node);
    if (err)
        inode_unref(&node->inode);
    else
        *ret_inode = &node->inode;
    return err;
}

int memfs_symlink(struct inode *inode, const char *name, const char *target)
{
    struct memfs_node *node;
    int err = node_in(node_of(inode), S_IFLNK | 0777, &node);
    if (err)
        return err;
    node->target = kstrdup(target);
    node->size = strlen(target);
    if (!node->target) {
        inode_unref(&node->inode);
        return -ENOMEM;
    }
    return add(node_of(inode), name, node);
}

int memfs_link(struct inode *inode, const char *name, struct inode *target)
{
    struct memfs_node *node = node_of(target), *dir = node_of(inode);

    if (target->ops != &memfs_ops || node->fs != dir->fs)
        return -EXDEV;
    if (S_ISDIR(target->mode)) {
        int gone = begin(dir); // a removed directory takes no name, and that is told first
        if (!gone)
            end(dir);
        return gone ? gone : -EPERM;
    }
    int err = memfs_has_room();
    if (err)
        return err;
    mutex_lock(&target->lock);
    err = node->nlink || node->linkable ? 0 : -ENOENT;
    node->nlink += !err;
    mutex_unlock(&target->lock);
    if (err)
        return err;
    inode_ref(target);
    err = add(dir, name, node);
    mutex_lock(&target->lock);
    if (err)
        node->nlink--;
    else
        node->ctime = memfs_now();
    mutex_unlock(&target->lock);
    return err;
}

static void lost_a_name(struct memfs_node *node)
{
    mutex_lock(&node->inode.lock);
    node->nlink -= S_ISDIR(node->inode.mode) ? node->nlink : 1;
    node->ctime = memfs_now();
    mutex_unlock(&node->inode.lock);
    inode_unref(&node->inode);
}

int memfs_unlink(struct inode *inode, const char *name)
{
    struct memfs_node *dir = node_of(inode), *node = NULL;
    int err = begin(dir);
    if (err)
        return err;
    struct memfs_entry *entry = NULL;
    err = find(dir, name, &entry);
    if (!err && !entry)
        err = -ENOENT;
    if (!err && entry->type == TYPE_DIR)
        err = -EISDIR;
    if (!err) {
        node = take_out(dir, entry);
        changed(dir, 0);
    }
    end(dir);
    if (node)
        lost_a_name(node);
    return err;
}

// Tree lock held.
static int must_be_empty(struct memfs_node *dir)
{
    mutex_assert_held(&dir->fs->tree);
    int err = memfs_populate(dir);
    if (err)
        return err;
    if (dir->inode.mounted)
        return -EBUSY;
    return list_empty(&dir->order) ? 0 : -ENOTEMPTY;
}

int memfs_rmdir(struct inode *inode, const char *name)
{
    struct memfs_node *dir = node_of(inode), *node = NULL;
    int err = begin(dir);
    if (err)
        return err;
    struct memfs_entry *entry = NULL;
    err = find(dir, name, &entry);
    if (!err && !entry)
        err = -ENOENT;
    if (!err)
        err = entry->type == TYPE_DIR ? must_be_empty(entry->node) : -ENOTDIR;
    if (!err) {
        node = take_out(dir, entry);
        keep_parent(dir, node);
        changed(dir, -1);
    }
    end(dir);
    if (node)
        lost_a_name(node);
    return err;
}

static bool is_inside(const struct memfs_node *dir, const struct memfs_node *ancestor)
{
    for (; dir->parent && dir->parent != dir; dir = dir->parent)
        if (dir == ancestor)
            return true;
    return dir == ancestor;
}

// What stands in the way of putting old over new (rename(2)). Tree lock held.
static int may_replace(struct memfs_node *old, struct memfs_node *new)
{
    mutex_assert_held(&old->fs->tree);
    if (S_ISDIR(old->inode.mode) && !S_ISDIR(new->inode.mode))
        return -ENOTDIR;
    if (!S_ISDIR(old->inode.mode) && S_ISDIR(new->inode.mode))
        return -EISDIR;
    return S_ISDIR(new->inode.mode) ? must_be_empty(new) : 0;
}

static void exchange(struct memfs_node *dir_a, struct memfs_entry *a, struct memfs_node *dir_b, struct memfs_entry *b)
{
    struct memfs_node *node = a->node;
    u32 type = a->type;

    changed(dir_a, is_folder(b) - is_folder(a));
    changed(dir_b, is_folder(a) - is_folder(b));
    a->node = b->node, a->type = b->type;
    b->node = node, b->type = type;
    adopt(dir_a, a);
    adopt(dir_b, b);
}

int memfs_rename(struct inode *old_inode, const char *old_name, struct inode *new_inode, const char *new_name,
                 u32 flags)
{
    struct memfs_node *old_dir = node_of(old_inode), *new_dir = node_of(new_inode), *replaced = NULL;
    size_t len = strlen(new_name);

    if (new_inode->ops != &memfs_ops || old_dir->fs != new_dir->fs)
        return -EXDEV;
    if (len > NAME_MAX_BYTES)
        return -ENAMETOOLONG;
    int err = begin(new_dir);
    if (err)
        return err;
    err = memfs_populate(old_dir);
    struct memfs_entry *from = NULL, *to = NULL, *entry = NULL;
    if (!err)
        err = find(old_dir, old_name, &from);
    if (!err)
        err = find(new_dir, new_name, &to);
    if (!err && !from)
        err = -ENOENT;
    if (!err && to && (flags & RENAME_NOREPLACE))
        err = -EEXIST;
    if (!err && !to && (flags & RENAME_EXCHANGE))
        err = -ENOENT;
    if (!err && S_ISDIR(from->node->inode.mode) && is_inside(new_dir, from->node))
        err = -EINVAL;
    if (!err && to && S_ISDIR(to->node->inode.mode) && is_inside(old_dir, to->node))
        err = flags & RENAME_EXCHANGE ? -EINVAL : -ENOTEMPTY;
    bool same = !err && to && to->node == from->node;
    if (!err && !same && (flags & RENAME_EXCHANGE)) {
        exchange(old_dir, from, new_dir, to);
    } else if (!err && !same) {
        if (to)
            err = may_replace(from->node, to->node);
        entry = err ? NULL : entry_alloc(new_name, len, from->node);
        if (!err && !entry)
            err = -ENOMEM;
        if (!err) {
            int moved = is_folder(from), lost = to ? is_folder(to) : 0;
            if (to) {
                replaced = take_out(new_dir, to);
                keep_parent(new_dir, replaced);
            }
            take_out(old_dir, from);
            insert(new_dir, entry);
            changed(old_dir, -moved);
            changed(new_dir, moved - lost);
        }
    }
    end(new_dir);
    if (replaced)
        lost_a_name(replaced);
    return err;
}
