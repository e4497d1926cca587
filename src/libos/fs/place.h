// SPDX-License-Identifier: BSD-3-Clause
// Under which name a file was opened, and what became of that name: what /proc/PID/fd, /proc/PID/maps and getcwd-like
// questions show. There are no dentries here; only names that somebody holds open are kept, and calls that move or
// remove names tell this table.
#pragma once

#include "libos/fs/inode.h"

struct place;

// The place of `inode` as `name` of the folder `dir`, of which references are taken; files opened by the same name
// share one. NULL without memory. The inode is only compared with, so whoever holds the place holds the inode too.
struct place *place_get(struct inode *dir, const char *name, const struct inode *inode);
// Any place that somebody holds of this inode (it was reached without a name), or NULL.
struct place *place_of_inode(const struct inode *inode);
void place_put(struct place *place); // NULL is accepted
// The absolute path, " (deleted)" appended when the name was removed: length without NUL, or -errno.
__nodiscard long place_path(struct place *place, char *buf, size_t size);
// The folder, referenced, and the name in it; NULL: it was removed.
struct inode *place_where(struct place *place, char *name, size_t size);
// The name was taken from the inode: it is gone, or leads to another one.
void place_removed(struct inode *dir, const char *name, const struct inode *inode);
// The name of the inode has become another one.
void place_moved(struct inode *dir, const char *name, const struct inode *inode, struct inode *new_dir,
                 const char *new_name);
