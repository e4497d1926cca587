// SPDX-License-Identifier: BSD-3-Clause
// Life of hostfs nodes.
#include "libos/fs/hostfs_node.h"
#include "base/string.h"
#include "libos/mem/heap.h"

// A node whose last reference is gone but which still waits for the lock to leave the list is not found.
static bool ref_if_alive(struct inode *inode)
{
    u32 refs = __atomic_load_n(&inode->refs, __ATOMIC_RELAXED);
    do {
        if (refs == 0)
            return false;
    } while (!__atomic_compare_exchange_n(&inode->refs, &refs, refs + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    return true;
}

static struct hostfs_node *find(struct hostfs *fs, const struct host_stat *st)
{
    struct hostfs_node *node;
    list_for_each (node, &fs->nodes, link) {
        if (node->host_ino == st->ino && node->host_dev == st->dev &&
            (node->inode.mode & S_IFMT) == (st->mode & S_IFMT) && ref_if_alive(&node->inode))
            return node;
    }
    return NULL;
}

// Returns the parent that the node no longer holds, for the caller to drop without the lock.
static struct hostfs_node *rename_node(struct hostfs_node *node, struct hostfs_node *parent, char *name)
{
    struct hostfs_node *old = node->parent;
    kfree(node->name);
    node->name = name;
    WRITE_ONCE(node->removed, false);
    if (parent == old)
        return NULL;
    inode_ref(&parent->inode);
    node->parent = parent;
    return old;
}

// A folder that is its own ancestor is a lie of the host; the root has no name to change.
static bool may_move(const struct hostfs_node *node, const struct hostfs_node *parent)
{
    if (node->parent == node)
        return false;
    for (; parent->parent != parent; parent = parent->parent)
        if (parent == node)
            return false;
    return true;
}

void hostfs_node_moved(struct hostfs_node *node, struct hostfs_node *parent, const char *name)
{
    char *copy = kstrdup(name);
    if (!copy)
        return; // the old name stays: getcwd is wrong until the next lookup
    mutex_lock(&node->fs->lock);
    bool moves = may_move(node, parent);
    struct hostfs_node *old = moves ? rename_node(node, parent, copy) : NULL;
    mutex_unlock(&node->fs->lock);
    if (!moves)
        kfree(copy);
    if (old && old != node)
        inode_unref(&old->inode);
}

void hostfs_node_removed(struct hostfs_node *parent, const char *name)
{
    struct hostfs_node *node;
    mutex_lock(&parent->fs->lock);
    list_for_each (node, &parent->fs->nodes, link)
        if (node->parent == parent && node != parent && str_eq(node->name, name))
            WRITE_ONCE(node->removed, true);
    mutex_unlock(&parent->fs->lock);
}

static struct hostfs_node *node_alloc(struct hostfs *fs, struct hostfs_node *parent, const char *name,
                                      const struct host_stat *st, int handle)
{
    struct hostfs_node *node = kzalloc(sizeof(*node));
    char *copy = kstrdup(name);
    if (!node || !copy) {
        kfree(node);
        kfree(copy);
        return NULL;
    }
    inode_init(&node->inode, &hostfs_ops, st->mode & (S_IFMT | 07777), st->ino);
    node->fs = fs;
    node->inode.instance = &fs->instance;
    node->handle = handle;
    node->host_dev = st->dev;
    node->host_ino = st->ino;
    node->name = copy;
    node->data_fd = -1;
    node->parent = parent ? parent : node;
    if (parent)
        inode_ref(&parent->inode);
    list_add(&node->link, &fs->nodes);
    return node;
}

int hostfs_node_get(struct hostfs *fs, struct hostfs_node *parent, const char *name, int handle,
                    const struct host_stat *st, struct hostfs_node **ret_node)
{
    mutex_lock(&fs->lock);
    struct hostfs_node *node = find(fs, st);
    bool known = node;
    if (!node)
        node = node_alloc(fs, parent, name, st, handle);
    mutex_unlock(&fs->lock);
    if (known || !node)
        hostfile_close(handle);
    if (!node)
        return -ENOMEM;
    if (known && parent)
        hostfs_node_moved(node, parent, name);
    *ret_node = node;
    return 0;
}

void hostfs_node_release(struct inode *inode)
{
    struct hostfs_node *node = hostfs_node_of(inode), *parent = node->parent;

    mutex_lock(&node->fs->lock);
    list_del(&node->link);
    mutex_unlock(&node->fs->lock);
    hostfile_close(node->handle);
    if (node->data_fd >= 0)
        hostfile_close(node->data_fd);
    kfree(node->name);
    kfree(node);
    if (parent != node)
        inode_unref(&parent->inode);
}
