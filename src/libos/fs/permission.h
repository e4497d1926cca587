// SPDX-License-Identifier: BSD-3-Clause
// Who may do what to a file: owners, modes and capabilities, as Linux checks them (path_resolution(7), inode(7),
// capabilities(7)). All look at the current thread's credentials; root's with all capabilities cost a look.
#pragma once

#include "libos/fs/inode.h"
#include "libos/thread/cred.h"

enum { MAY_EXEC = 1, MAY_WRITE = 2, MAY_READ = 4 };

// May the file be read, written, executed or (a folder) searched? mask: MAY_*. 0, -EACCES, an error of getattr.
__nodiscard int inode_permission(struct inode *inode, u32 mask);
// The same for given credentials and attributes that are known already. 0 or -EACCES.
__nodiscard int cred_permission(const struct cred *cred, const struct kstat *st, u32 mask);
// May a name be made in dir? -EROFS: the file system is mounted read-only.
__nodiscard int may_create(struct inode *dir);
// May the name of victim in dir be taken away? -EPERM: the folder is sticky and neither is the caller's.
__nodiscard int may_delete(struct inode *dir, struct inode *victim);
// Does the file belong to the caller, or may he act as if it did (CAP_FOWNER)? 0, -EPERM.
__nodiscard int may_own(struct inode *inode);

// chmod(2) and chown(2): may the caller, and what else changes with it (set-id bits that go). 0 or -EPERM.
__nodiscard int may_change(struct inode *inode, struct attr_change *change);
// utimensat(2): of given times the owner alone decides, the time of now may be set by who may write. explicit: not all
// of them are the present time. 0, -EPERM, -EACCES.
__nodiscard int may_set_times(struct inode *inode, bool explicit);
// A file was or is about to be written by somebody who may not keep its set-id bits: takes them away.
__nodiscard int drop_set_id(struct inode *inode);

// Owner and mode of a file that is made in a folder with these: its set-group-id bit is inherited.
struct new_owner {
    u32 mode, uid, gid;
};
struct new_owner new_owner_of(u32 mode, u32 dir_mode, u32 dir_gid);
