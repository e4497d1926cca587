// SPDX-License-Identifier: BSD-3-Clause
// Inodes and what file systems do with them. No dentries: a directory knows its parent and its name, a file's name
// belongs to the directory that holds it. Mounting hides a directory behind the root of another file system
// (inode.mounted).
#pragma once

#include "abi/linux/abi.h"
#include "libos/sync/mutex.h"

struct file;
struct fs_instance;
struct inode;

struct kstat {
    u64 dev, ino, size, blocks;
    u32 mode, nlink, uid, gid, blksize;
    u64 rdev;
    s64 atime, mtime, ctime; // CLOCK_REALTIME ns
};

// What setattr changes.
enum { ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8, ATTR_ATIME = 16, ATTR_MTIME = 32 };
struct attr_change {
    u32 valid;
    u32 mode, uid, gid;
    u64 size;
    s64 atime, mtime;
};

// Operations that a file system lacks are NULL and answer -EPERM or -ENOTDIR as fits. Names are single components,
// never "." or "..". Results that are inodes come with a reference.
struct inode_ops {
    int (*lookup)(struct inode *dir, const char *name, struct inode **ret_inode);
    struct inode *(*parent)(struct inode *dir);              // itself for the root
    long (*name)(struct inode *dir, char *buf, size_t size); // in its parent: length or -errno
    int (*create)(struct inode *dir, const char *name, u32 mode, u64 rdev,
                  struct inode **ret_inode); // any type but symlinks
    // A regular file that no name leads to; linkable: link may give it one. NULL: -EOPNOTSUPP.
    int (*tmpfile)(struct inode *dir, u32 mode, bool linkable, struct inode **ret_inode);
    int (*symlink)(struct inode *dir, const char *name, const char *target);
    int (*link)(struct inode *dir, const char *name, struct inode *inode);
    int (*unlink)(struct inode *dir, const char *name);
    int (*rmdir)(struct inode *dir, const char *name);
    int (*rename)(struct inode *old_dir, const char *old_name, struct inode *new_dir, const char *new_name, u32 flags);
    long (*readlink)(struct inode *inode, char *buf, size_t size); // length, not terminated
    // A link that does not lead by its text (/proc/PID/fd/N): the inode itself; NULL: use readlink.
    int (*follow)(struct inode *inode, struct inode **ret_target);
    int (*getattr)(struct inode *inode, struct kstat *ret_stat);
    int (*setattr)(struct inode *inode, const struct attr_change *change);
    int (*open)(struct inode *inode, struct file *file); // sets file->ops and file->private
    int (*statfs)(struct inode *inode, struct statfs *ret_statfs);
    // Extended attributes (xattr(7)), by their whole names, whose prefix the caller has checked. Lengths, or -ENODATA,
    // -ERANGE; size 0: only asks. set: value NULL removes (-ENODATA); flags: XATTR_CREATE, XATTR_REPLACE; -ENOSPC.
    // NULL: -EOPNOTSUPP.
    long (*get_xattr)(struct inode *inode, const char *name, void *buf, size_t size);
    int (*set_xattr)(struct inode *inode, const char *name, const void *value, size_t size, int flags);
    long (*list_xattr)(struct inode *inode, char *buf, size_t size);
    void (*release)(struct inode *inode);   // last reference is gone
    const struct vm_object_ops *object_ops; // of regular files that can be mapped shared
    bool ignores_set_id;                    // set-id bits mean nothing to execve: they are the host's word
};

struct inode {
    const struct inode_ops *ops;
    u32 refs; // atomic
    u32 mode; // type bits never change
    u64 ino;
    struct fs_instance *instance; // that it belongs to; NULL: to none that is mounted
    struct inode *mounted;        // root of the file system mounted here; guarded by the table of mounts (mount.h)
    struct inode *covered;        // for a mounted root: the directory it hides; likewise
    struct mutex lock;            // contents and attributes
    struct file_locks *locks;     // advisory locks (locks.c)
    bool has_locks;               // set once, with the first lock
    s32 writers;                  // atomic: open for writing; below 0: programs run from it, and it may not be written
    void *pipe;                   // of a FIFO (ipc/)
    struct vm_object *object;     // of a file that was mapped (vm/); set once, under lock, which is its lock too
};

void inode_init(struct inode *inode, const struct inode_ops *ops, u32 mode, u64 ino);
struct inode *inode_ref(struct inode *inode);
void inode_unref(struct inode *inode);
// For file systems that end a chain of references in a loop: gives one up; true: it was the last, the caller releases.
bool inode_unref_is_last(struct inode *inode);

static inline bool inode_is_dir(const struct inode *inode) { return S_ISDIR(inode->mode); }
u64 inode_new_number(void);
// A writer comes, or (by < 0) a program that runs from the file: -ETXTBSY when the other kind is there, -EROFS for a
// writer where the file system is mounted read-only. inode_done takes it back.
__nodiscard int inode_claim(struct inode *inode, s32 by);
void inode_done(struct inode *inode, s32 by);
// Writes pages [first, end) that mappings changed to where the file is kept. 0 or the first error.
__nodiscard int inode_write_back(struct inode *inode, u64 first, u64 end);
// ops->setattr, and what a new size means to mappings of the file. -EROFS where it cannot be changed.
__nodiscard int inode_setattr(struct inode *inode, const struct attr_change *change);
