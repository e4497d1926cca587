// SPDX-License-Identifier: BSD-3-Clause
// Private to the hostfs*.c files. One node for each object of the host that somebody in the LibOS holds: two names of
// one file are one node, so that locks and comparisons work.
#pragma once

#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/host/hostfile.h"
#include "libos/vm/vm.h"

struct hostfs {
    struct fs_instance instance;
    u64 dev;           // st_dev inside
    struct mutex lock; // nodes, and names and parents in them
    struct list_head nodes;
};

struct hostfs_node {
    struct inode inode;
    struct hostfs *fs;
    struct list_head link; // fs->nodes
    int handle;            // O_PATH descriptor of the host; keeps host_ino from being used again
    u64 host_dev, host_ino;
    struct hostfs_node *parent; // owned reference; the directory it was last found in, itself for the root
    char *name;                 // there
    bool removed;               // no name leads to it; guarded by fs->lock, as name and parent
    int data_fd;                // -1, or of a file that was mapped shared: what its pages are read from and written to
};

static inline struct hostfs_node *hostfs_node_of(struct inode *inode)
{
    return container_of(inode, struct hostfs_node, inode);
}

extern const struct inode_ops hostfs_ops;
// The node behind a handle, which it takes over, and which is what st says. -ENOMEM and the handle closed.
__nodiscard int hostfs_node_get(struct hostfs *fs, struct hostfs_node *parent, const char *name, int handle,
                                const struct host_stat *st, struct hostfs_node **ret_node);
void hostfs_node_release(struct inode *inode);
// The node is now called name in parent.
void hostfs_node_moved(struct hostfs_node *node, struct hostfs_node *parent, const char *name);
// The name was removed, or leads to something else.
void hostfs_node_removed(struct hostfs_node *parent, const char *name);
int hostfs_open(struct inode *inode, struct file *file);
extern const struct vm_object_ops hostfs_object_ops; // hostfs_map.c
