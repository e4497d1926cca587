// SPDX-License-Identifier: BSD-3-Clause
// Private to the memfs_*.c files.
#pragma once

#include "libos/fs/instance.h"
#include "libos/fs/memfs.h"
#include "libos/fs/pagetree.h"

struct memfs {
    struct fs_instance instance;
    struct mutex tree; // names: entries, parents, link counts
    const struct lower_tree *lower;
    u64 dev;
    u64 limit;       // pages of contents at most; 0: none but the user memory
    u64 used;        // pages of contents; atomic
    u64 nodes;       // that were made and not freed; atomic
    u64 walks;       // looks at all of the tree (memfs_instance.c); guarded by tree
    s64 xattr_bytes; // in the kernel's heap; atomic
};

struct memfs_entry {
    struct rb_node by_name;
    struct list_head by_position;
    struct memfs_node *node; // owned reference; NULL: not looked at yet, a file of the lower tree
    u64 handle, ino;         // of the lower tree, while node is NULL
    u32 type;                // DT_* of readdir(3)
    u64 position;            // readdir cookie, increasing in order of creation
    char name[];
};

struct memfs_node {
    struct inode inode;
    struct memfs *fs;
    u32 nlink, uid, gid;
    u32 mode;   // with permission bits; guarded by inode.lock. The type is in inode.mode too, which never changes
    u64 walked; // fs->walks when it was last seen; guarded by fs->tree
    u64 rdev;
    s64 atime, mtime, ctime;
    u64 lower;
    u32 seals;            // F_SEAL_* of a file; guarded by inode.lock
    struct mutex writing; // of a file: one write(2) at a time: appends do not overlap; taken before inode.lock
    // directories, guarded by fs->tree
    struct memfs_node *parent;
    struct memfs_entry *entry; // in the parent; NULL: removed, or the root
    // files, guarded by inode.lock
    u64 size, lower_size;
    union {
        struct { // directories, guarded by fs->tree
            struct rb_tree names;
            struct list_head order;
            u64 next_position;
        };
        struct pagetree pages; // files, guarded by inode.lock
        char *target;          // symbolic links
    };
    struct list_head xattrs; // struct memfs_xattr in order of names; next == NULL until first use. inode.lock
    u32 xattr_bytes;
    bool has_lower;    // directory: entries not yet taken over; file: pages below lower_size come from there; link: its
                       // text
    bool holds_parent; // removed directory: parent is an owned reference. While it has an entry the parent cannot go
    bool linkable;     // a file made without a name, which link(2) may give it
};
#if !LOCK_DEBUG
static_assert(sizeof(struct memfs_node) <= 256); // there may be very many, and the next size of the heap is 384
#endif

static inline struct memfs_node *node_of(struct inode *inode) { return container_of(inode, struct memfs_node, inode); }

extern const struct inode_ops memfs_ops;
extern const struct fs_instance_ops memfs_instance_ops; // memfs_instance.c
s64 memfs_now(void);
// Inodes and names lie in the kernel's heap, of which all file systems in memory together may fill most: -ENOSPC when
// they have.
__nodiscard int memfs_has_room(void);
void memfs_heap_used(size_t bytes, int sign);     // one more object of so many bytes (sign 1), or one less (-1)
void memfs_entry_free(struct memfs_entry *entry); // NULL is accepted
int memfs_node_alloc(struct memfs *fs, u32 mode, struct memfs_node **ret_node);
int memfs_populate(struct memfs_node *dir);             // fs->tree held
int memfs_open(struct inode *inode, struct file *file); // memfs_file.c
int memfs_resize(struct memfs_node *node, u64 size);    // inode.lock held
// Frees the node's pages of [first, end) and gives them back to the file system's limit. inode.lock held, or the last
// reference.
// 0, or -ENOMEM when pages that are mapped cannot be taken away.
__nodiscard int memfs_drop(struct memfs_node *node, u64 first, u64 end);
extern const struct vm_object_ops memfs_object_ops; // memfs_object.c
// Takes a page of the file system's limit. False when it is used up.
bool memfs_charge(struct memfs *fs);
u64 memfs_room(const struct memfs *fs); // pages that it could still take, at most
// The node's own page at index, made now if it has none, with what the image shows there, accessible until
// memfs_page_done. inode.lock held.
__nodiscard int memfs_page(struct memfs_node *node, u64 index, u8 **ret_page);
void memfs_page_done(struct memfs_node *node, u64 index);
// Attributes (memfs_xattr.c).
long memfs_get_xattr(struct inode *inode, const char *name, void *buf, size_t size);
int memfs_set_xattr(struct inode *inode, const char *name, const void *value, size_t size, int flags);
long memfs_list_xattr(struct inode *inode, char *buf, size_t size);
void memfs_xattr_free(struct memfs_node *node); // at its end
// Names (memfs_dir.c).
int memfs_lookup(struct inode *dir, const char *name, struct inode **ret_inode);
struct inode *memfs_parent(struct inode *dir);
long memfs_name(struct inode *dir, char *buf, size_t size);
int memfs_make(struct inode *dir, const char *name, u32 mode, u64 rdev, struct inode **ret_inode);
int memfs_tmpfile(struct inode *dir, u32 mode, bool linkable, struct inode **ret_inode);
int memfs_symlink(struct inode *dir, const char *name, const char *target);
int memfs_link(struct inode *dir, const char *name, struct inode *inode);
int memfs_unlink(struct inode *dir, const char *name);
int memfs_rmdir(struct inode *dir, const char *name);
int memfs_rename(struct inode *old_dir, const char *old_name, struct inode *new_dir, const char *new_name, u32 flags);
