// SPDX-License-Identifier: BSD-3-Clause
// Private to the hostfs*.c files. One node for each object of the host that somebody in the LibOS holds: two names of
// one file are one node, so that locks and comparisons work.
#pragma once

#include "libos/fs/file.h"
#include "libos/host/hostfile.h"
#include "libos/vm/vm.h"

struct hostfs {
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
    int data_fd;                // -1, or of a file that was mapped shared: what its pages are read from and written to
};

static inline struct hostfs_node *hostfs_node_of(struct inode *inode)
{
    return container_of(inode, struct hostfs_node, inode);
}

extern const struct inode_ops hostfs_ops;
// The node behind a handle, which it takes over. -EIO, -ENOMEM and the handle closed.
__nodiscard int hostfs_node_get(struct hostfs *fs, struct hostfs_node *parent, const char *name, int handle,
                                struct hostfs_node **ret_node);
void hostfs_node_release(struct inode *inode);
// The node is now called name in parent.
void hostfs_node_moved(struct hostfs_node *node, struct hostfs_node *parent, const char *name);
int hostfs_open(struct inode *inode, struct file *file);
// Files that are mapped shared (hostfs_map.c): their pages are in memory, and read(2) and write(2) use them.
extern const struct vm_object_ops hostfs_object_ops;
// Up to n bytes at offset, from one page that is in memory: bytes moved (fewer when the caller's memory is not there),
// or -ENOENT: it is not, or the file was never mapped. inode.lock is not held.
long hostfs_read_mapped(struct hostfs_node *node, struct uio *uio, u64 offset, size_t n);
// Something is to be written at offset: a tail that mappings wrote before it, behind the end of the file, is cleared. 0
// or -errno. inode.lock is held.
__nodiscard int hostfs_reaching(struct hostfs_node *node, u64 offset);
// The host has n new bytes at offset: pages that are in memory follow. inode.lock is held.
void hostfs_written(struct hostfs_node *node, u64 offset, const u8 *bytes, size_t n);
// The host has cut or extended the file. inode.lock is held.
__nodiscard int hostfs_resized(struct hostfs_node *node, u64 old_size, u64 size);
