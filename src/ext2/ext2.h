// SPDX-License-Identifier: BSD-3-Clause
// ext2 on an encrypted volume, without locks and without the LibOS's inodes: node.c puts both on top. The volume
// commits any set of block writes at once, so there is no journal and no order of writes to keep; ext2_sync makes what
// was done durable. A file that has no name any more but is still open hangs in /lost+found under the name #INO, so
// that the disk is a valid ext2 at every commit; mounting removes it.
//
// All functions return 0 or -errno. The caller serialises all calls on one file system.
#pragma once

#include "ext2/format.h"
#include "volume/volume.h"

struct ext2 {
    struct volume *volume;
    const struct volume_env *env;
    struct ext2_super super;
    struct ext2_group *groups;
    u32 group_count;
    bool counts_dirty; // super and groups differ from the disk
    u32 lost_found;    // inode number
    u32 last_group;    // where the last file was put
};

// An inode in memory. raw is stored by ext2_store, which every call that changes it does itself.
struct ext2_file {
    u32 ino;
    struct ext2_inode raw;
    u32 goal;                 // where its next block should be
    struct ext2_index *index; // names of a directory; NULL: small, or not asked for yet
    u64 room;                 // of a directory: a block that lost an entry
};

// Makes an empty file system on the first `blocks` blocks. now: CLOCK_REALTIME ns.
__nodiscard int ext2_format(struct volume *volume, const struct volume_env *env, u64 blocks, s64 now);
// -EINVAL: no ext2, or one with features that are not known here; -EUCLEAN: fields that contradict each other.
__nodiscard int ext2_mount(struct volume *volume, const struct volume_env *env, struct ext2 **ret_fs);
void ext2_unmount(struct ext2 *fs); // forgets what ext2_sync has not written
__nodiscard int ext2_sync(struct ext2 *fs);

// Makes it as large as `blocks` blocks, in a commit of its own (grow.c); 0 also when it is as large already, or a new
// last group would be too small. The volume grows with it. After a failure the file system must not be used any more:
// what is on the disk is the last commit. -EFBIG.
__nodiscard int ext2_grow(struct ext2 *fs, u64 blocks);

// ---- inodes (inode.c)
__nodiscard int ext2_load(struct ext2 *fs, u32 ino, struct ext2_file *ret_file);
__nodiscard int ext2_store(struct ext2 *fs, const struct ext2_file *file);
// A new inode without a name: links_count 0. near: the folder it will lie in. rdev: of devices.
__nodiscard int ext2_new(struct ext2 *fs, const struct ext2_file *near, u32 mode, u32 uid, u32 gid, u64 rdev, s64 now,
                         struct ext2_file *ret_file);
// Gives back the inode and all its blocks.
__nodiscard int ext2_delete(struct ext2 *fs, struct ext2_file *file, s64 now);
void ext2_file_done(struct ext2 *fs, struct ext2_file *file); // frees what is only in memory
bool ext2_has_blocks(const struct ext2_file *file); // false also: a symbolic link whose text lies in raw.block
u64 ext2_size(const struct ext2_file *file);
u64 ext2_rdev(const struct ext2_file *file);
enum ext2_time { EXT2_ATIME, EXT2_MTIME, EXT2_CTIME };
s64 ext2_get_time(const struct ext2_file *file, enum ext2_time which);
void ext2_set_time(struct ext2_file *file, enum ext2_time which, s64 ns);
void ext2_set_owner(struct ext2_file *file, u32 uid, u32 gid);
u32 ext2_uid(const struct ext2_file *file);
u32 ext2_gid(const struct ext2_file *file);

// ---- contents (data.c)
// Bytes read, 0 at the end, -errno.
__nodiscard long ext2_read(struct ext2 *fs, struct ext2_file *file, u64 offset, void *buf, size_t size);
// Bytes written, fewer only when space ends; -errno. The caller sets times.
__nodiscard long ext2_write(struct ext2 *fs, struct ext2_file *file, u64 offset, const void *buf, size_t size);
__nodiscard int ext2_truncate(struct ext2 *fs, struct ext2_file *file, u64 size);
// The bytes read as zeros and whole blocks are freed; the size stays.
__nodiscard int ext2_punch(struct ext2 *fs, struct ext2_file *file, u64 offset, u64 len);
// Blocks for the range, reading as zeros where there were none; the size stays.
__nodiscard int ext2_reserve(struct ext2 *fs, struct ext2_file *file, u64 offset, u64 len);
// The first offset >= offset and < size in data (or a hole); size if there is none.
__nodiscard int ext2_seek(struct ext2 *fs, struct ext2_file *file, u64 offset, bool hole, u64 *ret_offset);

// ---- names (dir.c)
// -ENOENT.
__nodiscard int ext2_find(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 *ret_ino);
__nodiscard int ext2_add(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 ino, u32 mode);
__nodiscard int ext2_remove(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len);
// The name leads to another inode from now on ("..": after a move).
__nodiscard int ext2_retarget(struct ext2 *fs, struct ext2_file *dir, const char *name, size_t len, u32 ino, u32 mode);
// "." and ".." of a new folder.
__nodiscard int ext2_make_dir(struct ext2 *fs, struct ext2_file *dir, u32 parent);
// 1: no names but "." and "..".
__nodiscard int ext2_is_empty(struct ext2 *fs, struct ext2_file *dir);
// Visits entries from *position on; visit returns non-zero to stop before the entry it was given. type: as in struct
// ext2_dirent.
typedef int (*ext2_visit)(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next);
__nodiscard int ext2_for_each(struct ext2 *fs, struct ext2_file *dir, u64 *position, ext2_visit visit, void *arg);
u32 ext2_type_of_mode(u32 mode);

// ---- extended attributes (xattr.c): one block for each file. Names are whole ("user.x", "trusted.overlay.opaque").
// Length, or -ENODATA, -ERANGE. size 0: only asks.
__nodiscard long ext2_get_xattr(struct ext2 *fs, struct ext2_file *file, const char *name, void *buf, size_t size);
// value NULL: removes it (-ENODATA). flags: XATTR_CREATE, XATTR_REPLACE. -ENOSPC when the block is full.
__nodiscard int ext2_set_xattr(struct ext2 *fs, struct ext2_file *file, const char *name, const void *value,
                               size_t size, int flags);
// Names, each with its NUL; length, or -ERANGE. size 0: only asks.
__nodiscard long ext2_list_xattr(struct ext2 *fs, struct ext2_file *file, char *buf, size_t size);
