// SPDX-License-Identifier: BSD-3-Clause
// Files of the host, for hostfs: host calls with arguments and answers in the LibOS's own terms. A host descriptor of
// an object is an O_PATH one ("handle"); data goes through descriptors that hostfile_reopen makes from it, so that no
// name is ever resolved twice and no symbolic link of the host is ever followed.
#pragma once

#include "abi/linux/abi.h"
#include "abi/occlum/ocall_types.h"

enum { HOSTFILE_CHUNK = 64 << 10 }; // bytes one host call moves at most

// The directory a mount begins at: path is as the configuration has it. Handle or -errno.
__nodiscard int hostfile_open_root(const char *path);
// The handle of an entry of a directory; a final symbolic link is opened itself.
__nodiscard int hostfile_lookup(int dir, const char *name);
// Either of the two (folder: the first, from AT_FDCWD) and what hostfile_stat would say, with one host call.
__nodiscard int hostfile_find(int dir, const char *name, bool folder, struct host_stat *ret_stat);
// A descriptor for data (O_RDONLY, O_WRONLY, O_RDWR, and O_DIRECTORY) of the object behind a handle.
__nodiscard int hostfile_reopen(int handle, u32 flags);
// A descriptor for data of a regular file of a directory, without the detour of a handle; a symbolic link is -ELOOP.
__nodiscard int hostfile_open(int dir, const char *name, u32 flags);
void hostfile_close(int fd);

// -EIO also for answers that cannot be (negative sizes, times without nanoseconds).
__nodiscard int hostfile_stat(int handle, struct host_stat *ret_stat);
__nodiscard int hostfile_statfs(int handle, struct statfs *ret_statfs);
__nodiscard long hostfile_readlink(int handle, char *buf, size_t size);

// At most HOSTFILE_CHUNK bytes: count, 0 at the end, -errno.
__nodiscard long hostfile_read(int fd, u64 offset, void *buf, size_t size);
__nodiscard long hostfile_write(int fd, u64 offset, const void *buf, size_t size);
// Raw linux_dirent64 records from a position that a record gave (0: from the start), unchecked: count, 0 at the end.
__nodiscard long hostfile_getdents(int fd, u64 position, void *buf, size_t size);
__nodiscard int hostfile_truncate(int fd, u64 size);
__nodiscard int hostfile_fallocate(int fd, u32 mode, u64 offset, u64 len);
__nodiscard int hostfile_sync(int fd, bool data_only);
__nodiscard int hostfile_lock(int fd); // exclusively, among honest hosts' processes, while fd is open. -EAGAIN
__nodiscard s64 hostfile_seek(int fd, u64 offset, u32 whence); // SEEK_DATA, SEEK_HOLE

__nodiscard int hostfile_create(int dir, const char *name, u32 mode); // a regular file that does not exist yet
// A descriptor, good as a handle too, of a new regular file without a name; linkable: it may get one.
__nodiscard int hostfile_tmpfile(int dir, u32 mode, bool linkable);
__nodiscard int hostfile_mkdir(int dir, const char *name, u32 mode);
__nodiscard int hostfile_symlink(int dir, const char *name, const char *target);
__nodiscard int hostfile_link(int old_dir, const char *old_name, int new_dir, const char *new_name);
__nodiscard int hostfile_link_handle(int handle, int new_dir, const char *new_name); // of what has no name
__nodiscard int hostfile_unlink(int dir, const char *name, bool directory);
__nodiscard int hostfile_rename(int old_dir, const char *old_name, int new_dir, const char *new_name, u32 flags);
__nodiscard int hostfile_chmod(int handle, u32 mode);
__nodiscard int hostfile_chown(int handle, u32 uid, u32 gid); // ~0: leave
// Nanoseconds since the epoch; INT64_MIN: leave.
__nodiscard int hostfile_set_times(int handle, s64 atime, s64 mtime);
