// SPDX-License-Identifier: BSD-3-Clause
// Private to fs/volfs.
#pragma once

#include "base/rbtree.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/volfs/volfs.h"

#define XATTR_OPAQUE "trusted.overlay.opaque"
#define XATTR_ORIGIN "trusted.occlum.origin" // inode number of the file of the image that this one began as

enum { VOLFS_DROPPED = 8 };

struct volfs {
    struct fs_instance instance;
    struct mutex lock; // all of ext2 and of the nodes below; never held over user memory
    struct ext2 *ext2;
    const struct lower_tree *lower;
    struct rb_tree by_upper, by_lower;
    struct volfs_node *root;
    u64 dev;
    u64 nodes;                                 // that were made and not freed
    s64 committed_ns;                          // CLOCK_MONOTONIC of the last commit
    struct volfs_node *dropped[VOLFS_DROPPED]; // references to give up when the lock is
    size_t dropped_count;
};

// A name of a folder of the image.
struct volfs_lower {
    struct rb_node by_name;
    struct list_head by_order;
    u64 handle, ino;
    u32 type;  // DT_* of readdir(3)
    u64 order; // 1, 2, ...
    char name[];
};

struct volfs_node {
    struct inode inode;
    struct volfs *fs;
    bool has_upper, has_lower; // one of them at least; a file has one that counts: the upper one if it is there
    bool upper_hashed, lower_hashed;
    bool orphan;             // no name any more: it hangs in lost+found
    bool linkable;           // an orphan that never had a name, and may get one
    struct rb_node by_upper; // key: upper.ino
    struct rb_node by_lower; // key: lower
    struct ext2_file upper;
    u64 lower;
    struct lower_attr below;
    u64 origin; // inode number of the file of the image it began as, 0: none
    // Where it was found: of folders, and of files of the image, which need it when they are copied up.
    struct volfs_node *parent; // owned reference; itself for the root
    char *name;                // in the parent
    // folders
    bool lower_read; // the names of the image are in lower_names
    struct rb_tree lower_names;
    struct list_head lower_order;
};

static inline struct volfs_node *vnode_of(struct inode *inode) { return container_of(inode, struct volfs_node, inode); }

s64 volfs_now(void);

void volfs_lock(struct volfs *fs);
void volfs_unlock(struct volfs *fs); // gives up what was dropped

// All of the following with fs->lock held.

// node.c. The node of an inode of ext2, with a reference. lower: what it hides or is merged with (folders), or NULL.
__nodiscard int volfs_get_upper(struct volfs *fs, u32 ino, const struct volfs_lower *lower,
                                struct volfs_node **ret_node);
__nodiscard int volfs_get_lower(struct volfs *fs, u64 handle, struct volfs_node **ret_node);
// It was found there.
__nodiscard int volfs_placed(struct volfs_node *dir, struct volfs_node *parent, const char *name);
void volfs_hash_upper(struct volfs_node *node);
void volfs_drop(struct volfs_node *node);      // gives up a reference, when the lock is given up
u32 volfs_mode(const struct volfs_node *node); // with permission bits
u64 volfs_ino(const struct volfs_node *node);
__nodiscard int volfs_ino_of(struct volfs *fs, struct ext2_file *file, u64 *ret_ino); // of a file that has no node yet
// Something was written: commits when the last commit is some seconds old. An error of that is the volume's, and told
// by fsync.
void volfs_changed(struct volfs *fs);
int volfs_commit(struct volfs *fs);

// lower.c. The image's name in a folder; NULL: none (or the folder shows none of the image).
__nodiscard int volfs_lower_find(struct volfs_node *dir, const char *name, const struct volfs_lower **ret_lower);
__nodiscard int volfs_lower_read(struct volfs_node *dir);
void volfs_lower_free(struct volfs_node *dir);
bool volfs_is_whiteout(const struct ext2_file *file);

// copyup.c. Afterwards the node is one of the volume, and so are the folders above it. size: bytes of contents to keep.
__nodiscard int volfs_copy_up(struct volfs_node *node, u64 size);

// names.c. The text of a new symbolic link.
__nodiscard int volfs_set_target(struct volfs *fs, struct ext2_file *link, const char *text, size_t len);

// orphan.c. A file that lost its last name while somebody holds it.
__nodiscard int volfs_make_orphan(struct volfs_node *node); // upper.links_count counts the name in lost+found
__nodiscard int volfs_orphan_gone(struct volfs_node *node);

// It has got a name: out of lost+found with it.
__nodiscard int volfs_orphan_adopted(struct volfs_node *node);

// xattrs.c
long volfs_get_xattr(struct inode *inode, const char *name, void *buf, size_t size);
int volfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
long volfs_list_xattr(struct inode *inode, char *buf, size_t size);

// dirs.c
int volfs_is_empty(struct volfs_node *dir); // 1, 0 or -errno

// data.c. Contents, without the lock. Bytes, 0 at the end, -errno. once: the reader keeps them.
__nodiscard long volfs_read(struct volfs_node *node, u64 offset, void *buf, size_t n, bool once);
__nodiscard long volfs_write(struct volfs_node *node, u64 offset, const void *buf, size_t n);
u64 volfs_size(const struct volfs_node *node); // with the lock
extern const struct vm_object_ops volfs_object_ops;

// inode_ops: without the lock. names.c, moves.c, data.c
int volfs_lookup(struct inode *dir, const char *name, struct inode **ret_inode);
struct inode *volfs_parent(struct inode *dir);
long volfs_name(struct inode *dir, char *buf, size_t size);
int volfs_make(struct inode *dir, const char *name, u32 mode, u64 rdev, struct inode **ret_inode);
int volfs_tmpfile(struct inode *dir, u32 mode, bool linkable, struct inode **ret_inode);
int volfs_symlink(struct inode *dir, const char *name, const char *target);
int volfs_link(struct inode *dir, const char *name, struct inode *inode);
int volfs_unlink(struct inode *dir, const char *name);
int volfs_rmdir(struct inode *dir, const char *name);
int volfs_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir, const char *new_name, u32 flags);
int volfs_open(struct inode *inode, struct file *file);
extern const struct file_ops volfs_dir_ops;

// names.c, for moves.c, with the lock held.
struct volfs_name {
    struct volfs_node *dir; // copied up
    const char *name;
    size_t len;
    u32 ino;                         // of the upper entry, 0: none (a whiteout counts as one)
    bool whiteout;                   // the upper entry is one
    const struct volfs_lower *below; // the image's, hidden or not
    struct volfs_node *node;         // what the name shows, referenced; NULL: nothing
};
// All about a name. The reference of ->node is dropped with the lock.
__nodiscard int volfs_resolve(struct volfs_node *dir, const char *name, struct volfs_name *ret_name);
// The name leads to the inode from now on.
__nodiscard int volfs_set_name(const struct volfs_name *n, u32 ino, u32 mode);
// The name is gone: taken out, or a whiteout where the image has it.
__nodiscard int volfs_clear_name(const struct volfs_name *n);
// The node has one name less, which was cleared or replaced.
__nodiscard int volfs_lost_name(struct volfs_node *node);
void volfs_touch(struct volfs_node *dir);
bool volfs_is_dir(const struct volfs_node *node);
