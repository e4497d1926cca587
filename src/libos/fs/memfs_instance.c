// SPDX-License-Identifier: BSD-3-Clause
// The end of a file system in memory.
#include "libos/fs/memfs_node.h"

#include "libos/mem/heap.h"

// In the order of the tree, without recursion: a program chooses how deep it is.
struct tree_walk {
    struct memfs_node *dir;
    struct list_head *at; // entry of dir, or its head
};

// The next entry whose node exists, or NULL at the end.
static struct memfs_entry *next_entry(struct tree_walk *w)
{
    for (;;) {
        if (w->at == &w->dir->order) {
            struct memfs_entry *above = w->dir->entry;
            if (!above)
                return NULL;
            w->dir = w->dir->parent;
            w->at = above->by_position.next;
            continue;
        }
        struct memfs_entry *entry = list_entry(w->at, struct memfs_entry, by_position);
        w->at = w->at->next;
        if (!entry->node)
            continue;
        if (S_ISDIR(entry->node->inode.mode)) {
            w->dir = entry->node;
            w->at = w->dir->order.next;
        }
        return entry;
    }
}

static bool held(const struct memfs_node *node, u32 by_itself)
{
    return __atomic_load_n(&node->inode.refs, __ATOMIC_ACQUIRE) != by_itself;
}

static bool busy(struct fs_instance *instance)
{
    struct memfs *fs = container_of(instance, struct memfs, instance);
    struct memfs_node *root = node_of(instance->root);
    struct tree_walk w = { root, root->order.next };
    struct memfs_entry *entry;
    u64 nodes = 1;
    bool result = held(root, 1);

    mutex_lock(&fs->tree);
    fs->walks++;
    while (!result && (entry = next_entry(&w))) {
        struct memfs_node *node = entry->node;
        result = held(node, S_ISDIR(node->inode.mode) ? 1 : READ_ONCE(node->nlink));
        nodes += node->walked != fs->walks; // it may have several names
        node->walked = fs->walks;
    }
    mutex_unlock(&fs->tree);
    // Nodes that no name leads to are held by whoever they are open for.
    return result || __atomic_load_n(&fs->nodes, __ATOMIC_ACQUIRE) != nodes;
}

// Folder by folder what is in it moves up to the root, so that freeing a node frees no tree below it.
static void destroy(struct fs_instance *instance)
{
    struct memfs *fs = container_of(instance, struct memfs, instance);
    struct list_head *all = &node_of(instance->root)->order;

    while (!list_empty(all)) {
        struct memfs_entry *entry = list_first(all, struct memfs_entry, by_position);
        struct memfs_node *node = entry->node;
        list_del(&entry->by_position);
        memfs_entry_free(entry);
        if (!node)
            continue;
        while (S_ISDIR(node->inode.mode) && !list_empty(&node->order)) {
            struct list_head *child = node->order.next;
            list_del(child);
            list_add_tail(child, all);
        }
        inode_unref(&node->inode);
    }
    inode_unref(instance->root);
    kfree(fs);
}

const struct fs_instance_ops memfs_instance_ops = { .busy = busy, .destroy = destroy };
