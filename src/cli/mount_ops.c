// SPDX-License-Identifier: BSD-3-Clause
#include "cli/mount_ops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { COMMIT_SECONDS = 5 };
#define NSEC 1000000000ll

static struct ext2 *fs;
static bool read_only;
static time_t committed;
void (*mount_owner)(u32 *ret_uid, u32 *ret_gid);

void mount_use(struct ext2 *ext2, bool only_read)
{
    fs = ext2;
    read_only = only_read;
    committed = time(NULL);
}

int mount_commit(void)
{
    committed = time(NULL);
    return read_only ? 0 : ext2_sync(fs);
}

static s64 now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return ts.tv_sec * NSEC + ts.tv_nsec;
}

// What a program is told: a disk that does not verify cannot be read.
static int told(long err) { return err == -EBADMSG || err == -EUCLEAN ? -EIO : (int)err; }

// A change is over: it is durable some seconds later at most.
static int changed(long err)
{
    if (err >= 0 && time(NULL) - committed >= COMMIT_SECONDS) {
        int commit_err = mount_commit();
        err = commit_err ? commit_err : err;
    }
    return told(err);
}

// ---- paths

// The file of a path; the kernel has resolved symbolic links.
static int find(const char *path, struct ext2_file *ret_file)
{
    u32 ino = EXT2_ROOT_INO;
    int err = ext2_load(fs, ino, ret_file);

    while (!err) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        if (!len)
            return 0;
        if (!S_ISDIR(ret_file->raw.mode))
            err = -ENOTDIR;
        else if (len > EXT2_NAME_MAX)
            err = -ENAMETOOLONG;
        else
            err = ext2_find(fs, ret_file, path, len, &ino);
        ext2_file_done(fs, ret_file);
        if (!err)
            err = ext2_load(fs, ino, ret_file);
        path += len;
    }
    return err;
}

// The folder of a path and the name in it.
static int find_parent(const char *path, struct ext2_file *ret_dir, const char **ret_name)
{
    const char *slash = strrchr(path, '/');
    char *folder = strndup(path, (size_t)(slash - path));
    int err = folder ? find(folder, ret_dir) : -ENOMEM;

    free(folder);
    *ret_name = slash + 1;
    if (!err && strlen(*ret_name) > EXT2_NAME_MAX) {
        ext2_file_done(fs, ret_dir);
        err = -ENAMETOOLONG;
    }
    return err;
}

static int find_to_change(const char *path, struct ext2_file *ret_file)
{
    return read_only ? -EROFS : find(path, ret_file);
}

static int touch(struct ext2_file *dir, int folders)
{
    dir->raw.links_count = (u16)(dir->raw.links_count + folders);
    ext2_set_time(dir, EXT2_MTIME, now());
    ext2_set_time(dir, EXT2_CTIME, now());
    return ext2_store(fs, dir);
}

// ---- looking

static void to_timespec(s64 ns, struct timespec *ret)
{
    s64 rest = (ns % NSEC + NSEC) % NSEC;
    *ret = (struct timespec){ .tv_sec = (ns - rest) / NSEC, .tv_nsec = rest };
}

static int op_getattr(const char *path, struct stat *st, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find(path, &file);

    if (err)
        return told(err);
    memset(st, 0, sizeof(*st));
    st->st_ino = file.ino;
    st->st_mode = file.raw.mode;
    st->st_nlink = file.raw.links_count;
    st->st_uid = ext2_uid(&file);
    st->st_gid = ext2_gid(&file);
    st->st_size = (off_t)ext2_size(&file);
    st->st_blocks = file.raw.blocks;
    st->st_blksize = EXT2_BLOCK;
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        st->st_rdev = ext2_rdev(&file);
    to_timespec(ext2_get_time(&file, EXT2_ATIME), &st->st_atim);
    to_timespec(ext2_get_time(&file, EXT2_MTIME), &st->st_mtim);
    to_timespec(ext2_get_time(&file, EXT2_CTIME), &st->st_ctim);
    ext2_file_done(fs, &file);
    return 0;
}

static int op_readlink(const char *path, char *buf, size_t size)
{
    struct ext2_file file;
    int err = find(path, &file);
    size_t len;

    if (err)
        return told(err);
    if (ext2_has_blocks(&file)) {
        long n = ext2_read(fs, &file, 0, buf, size - 1);
        err = n < 0 ? (int)n : 0;
        len = n < 0 ? 0 : (size_t)n;
    } else { // short ones lie in the inode
        len = MIN(MIN(size - 1, (size_t)file.raw.size), sizeof(file.raw.block));
        memcpy(buf, file.raw.block, len);
    }
    buf[len] = '\0';
    ext2_file_done(fs, &file);
    return told(err);
}

struct listing {
    fuse_fill_dir_t fill;
    void *buf;
};

static int list_one(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    struct listing *l = arg;
    struct stat st = { .st_ino = ino };
    char copy[EXT2_NAME_MAX + 1];

    memcpy(copy, name, len);
    copy[len] = '\0';
    return l->fill(l->buf, copy, &st, (off_t)next, 0);
}

static int op_readdir(const char *path, void *buf, fuse_fill_dir_t fill, off_t offset, struct fuse_file_info *info,
                      enum fuse_readdir_flags flags)
{
    struct listing l = { fill, buf };
    struct ext2_file dir;
    u64 position = (u64)offset;
    int err = find(path, &dir);

    if (err)
        return told(err);
    err = ext2_for_each(fs, &dir, &position, list_one, &l);
    ext2_file_done(fs, &dir);
    return told(err);
}

static int op_read(const char *path, char *buf, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find(path, &file);

    if (err)
        return told(err);
    long n = ext2_read(fs, &file, (u64)offset, buf, size);
    ext2_file_done(fs, &file);
    return told(n);
}

static int op_statfs(const char *path, struct statvfs *st)
{
    *st = (struct statvfs){
        .f_bsize = EXT2_BLOCK,
        .f_frsize = EXT2_BLOCK,
        .f_blocks = fs->super.blocks_count,
        .f_bfree = fs->super.free_blocks_count,
        .f_bavail = fs->super.free_blocks_count,
        .f_files = fs->super.inodes_count,
        .f_ffree = fs->super.free_inodes_count,
        .f_favail = fs->super.free_inodes_count,
        .f_namemax = EXT2_NAME_MAX,
    };
    return 0;
}

// ---- contents and attributes

static int op_write(const char *path, const char *buf, size_t size, off_t offset, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    ext2_set_time(&file, EXT2_MTIME, now());
    ext2_set_time(&file, EXT2_CTIME, now());
    long n = ext2_write(fs, &file, (u64)offset, buf, size);
    ext2_file_done(fs, &file);
    return changed(n == 0 && size ? -ENOSPC : n);
}

static int op_truncate(const char *path, off_t size, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    ext2_set_time(&file, EXT2_MTIME, now());
    ext2_set_time(&file, EXT2_CTIME, now());
    err = ext2_truncate(fs, &file, (u64)size);
    ext2_file_done(fs, &file);
    return changed(err);
}

static int store_attributes(struct ext2_file *file)
{
    ext2_set_time(file, EXT2_CTIME, now());
    int err = ext2_store(fs, file);
    ext2_file_done(fs, file);
    return changed(err);
}

static int op_chmod(const char *path, mode_t mode, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    file.raw.mode = (u16)((file.raw.mode & S_IFMT) | (mode & 07777));
    return store_attributes(&file);
}

static int op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *info)
{
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    ext2_set_owner(&file, uid == (uid_t)-1 ? ext2_uid(&file) : uid, gid == (gid_t)-1 ? ext2_gid(&file) : gid);
    return store_attributes(&file);
}

static int op_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *info)
{
    static const enum ext2_time which[] = { EXT2_ATIME, EXT2_MTIME };
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    for (int i = 0; i < 2; i++) {
        if (times[i].tv_nsec == UTIME_NOW)
            ext2_set_time(&file, which[i], now());
        else if (times[i].tv_nsec != UTIME_OMIT)
            ext2_set_time(&file, which[i], times[i].tv_sec * NSEC + times[i].tv_nsec);
    }
    return store_attributes(&file);
}

static int op_getxattr(const char *path, const char *name, char *value, size_t size)
{
    struct ext2_file file;
    int err = find(path, &file);

    if (err)
        return told(err);
    long n = ext2_get_xattr(fs, &file, name, value, size);
    ext2_file_done(fs, &file);
    return told(n);
}

static int op_listxattr(const char *path, char *list, size_t size)
{
    struct ext2_file file;
    int err = find(path, &file);

    if (err)
        return told(err);
    long n = ext2_list_xattr(fs, &file, list, size);
    ext2_file_done(fs, &file);
    return told(n);
}

static int set_xattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
    struct ext2_file file;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    err = ext2_set_xattr(fs, &file, name, value, size, flags);
    if (!err)
        return store_attributes(&file);
    ext2_file_done(fs, &file);
    return told(err);
}

static int op_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
    return set_xattr(path, name, value, size, flags);
}

static int op_removexattr(const char *path, const char *name) { return set_xattr(path, name, NULL, 0, 0); }

// ---- names

static int fill_new(struct ext2_file *made, const struct ext2_file *dir, const char *target)
{
    size_t len = target ? strlen(target) : 0;

    made->raw.links_count = S_ISDIR(made->raw.mode) ? 2 : 1;
    if (S_ISDIR(made->raw.mode))
        return ext2_make_dir(fs, made, dir->ino);
    if (len >= sizeof(made->raw.block)) {
        long n = ext2_write(fs, made, 0, target, len);
        return n < 0 ? (int)n : 0;
    }
    memcpy(made->raw.block, target ? target : "", len);
    made->raw.size = (u32)len;
    return 0;
}

static int make_in(struct ext2_file *dir, const char *name, mode_t mode, dev_t rdev, const char *target)
{
    struct ext2_file made;
    u32 uid = 0, gid = 0, there;
    int err = ext2_find(fs, dir, name, strlen(name), &there);

    if (err != -ENOENT)
        return err ? err : -EEXIST;
    if (mount_owner)
        mount_owner(&uid, &gid);
    err = ext2_new(fs, dir, mode, uid, gid, rdev, now(), &made);
    if (err)
        return err;
    err = fill_new(&made, dir, target);
    if (!err)
        err = ext2_store(fs, &made);
    if (!err)
        err = ext2_add(fs, dir, name, strlen(name), made.ino, made.raw.mode);
    if (!err)
        err = touch(dir, S_ISDIR(mode));
    else if (ext2_delete(fs, &made, now()))
        err = -EUCLEAN;
    ext2_file_done(fs, &made);
    return err;
}

static int make(const char *path, mode_t mode, dev_t rdev, const char *target)
{
    struct ext2_file dir;
    const char *name;
    int err = read_only ? -EROFS : find_parent(path, &dir, &name);

    if (err)
        return told(err);
    err = S_ISDIR(dir.raw.mode) ? make_in(&dir, name, mode, rdev, target) : -ENOTDIR;
    ext2_file_done(fs, &dir);
    return changed(err);
}

static int op_mknod(const char *path, mode_t mode, dev_t rdev) { return make(path, mode, rdev, NULL); }
static int op_mkdir(const char *path, mode_t mode) { return make(path, S_IFDIR | (mode & 07777), 0, NULL); }
static int op_symlink(const char *target, const char *path) { return make(path, S_IFLNK | 0777, 0, target); }

// A name is gone: so is the file with its last one.
static int lost_name(struct ext2_file *file)
{
    bool last = S_ISDIR(file->raw.mode) || file->raw.links_count <= 1;

    if (last)
        return ext2_delete(fs, file, now());
    file->raw.links_count--;
    ext2_set_time(file, EXT2_CTIME, now());
    return ext2_store(fs, file);
}

static int may_remove(struct ext2_file *file, bool folder)
{
    if (!S_ISDIR(file->raw.mode))
        return folder ? -ENOTDIR : 0;
    if (!folder)
        return -EISDIR;
    if (file->ino == EXT2_ROOT_INO || file->ino == fs->lost_found)
        return -EBUSY;
    int empty = ext2_is_empty(fs, file);
    return empty < 0 ? empty : empty ? 0 : -ENOTEMPTY;
}

static int remove_name(const char *path, bool folder)
{
    struct ext2_file dir, file;
    const char *name;
    int err = find_to_change(path, &file);

    if (err)
        return told(err);
    err = may_remove(&file, folder);
    if (!err)
        err = find_parent(path, &dir, &name);
    if (!err) {
        err = ext2_remove(fs, &dir, name, strlen(name));
        if (!err)
            err = touch(&dir, -folder);
        ext2_file_done(fs, &dir);
        if (!err)
            err = lost_name(&file);
    }
    ext2_file_done(fs, &file);
    return changed(err);
}

static int op_unlink(const char *path) { return remove_name(path, false); }
static int op_rmdir(const char *path) { return remove_name(path, true); }

static int op_link(const char *old, const char *path)
{
    struct ext2_file dir, file;
    const char *name;
    u32 there;
    int err = find_to_change(old, &file);

    if (err)
        return told(err);
    if (S_ISDIR(file.raw.mode))
        err = -EPERM;
    else if (file.raw.links_count >= EXT2_LINK_MAX)
        err = -EMLINK;
    if (!err)
        err = find_parent(path, &dir, &name);
    if (!err) {
        err = ext2_find(fs, &dir, name, strlen(name), &there) == -ENOENT ? 0 : -EEXIST;
        if (!err)
            err = ext2_add(fs, &dir, name, strlen(name), file.ino, file.raw.mode);
        if (!err)
            err = touch(&dir, 0);
        ext2_file_done(fs, &dir);
        if (!err) {
            file.raw.links_count++;
            return store_attributes(&file);
        }
    }
    ext2_file_done(fs, &file);
    return told(err);
}

// Folders are stored by what each step loads anew: the two may be one.
static int move(const char *from, const char *to, struct ext2_file *file)
{
    struct ext2_file dir;
    const char *name;
    bool folder = S_ISDIR(file->raw.mode);
    int err = find_parent(to, &dir, &name);

    if (err)
        return err;
    u32 parent = dir.ino;
    err = ext2_add(fs, &dir, name, strlen(name), file->ino, file->raw.mode);
    if (!err)
        err = touch(&dir, folder);
    ext2_file_done(fs, &dir);
    if (!err)
        err = find_parent(from, &dir, &name);
    if (err)
        return err;
    err = ext2_remove(fs, &dir, name, strlen(name));
    if (!err)
        err = touch(&dir, -folder);
    ext2_file_done(fs, &dir);
    if (!err && folder)
        err = ext2_retarget(fs, file, "..", 2, parent, S_IFDIR);
    return err;
}

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return strncmp(path, folder, n) == 0 && path[n] == '/';
}

static int op_rename(const char *from, const char *to, unsigned flags)
{
    struct ext2_file file, replaced;
    int err = find_to_change(from, &file);

    if (err)
        return told(err);
    if (flags & ~1u) // RENAME_EXCHANGE and others
        err = -EINVAL;
    else if (is_below(to, from))
        err = -EINVAL;
    int there = err ? err : find(to, &replaced);
    bool same = !there && replaced.ino == file.ino;
    if (!err && there && there != -ENOENT)
        err = there;
    if (!there) {
        if (flags & 1)
            err = -EEXIST;
        else if (!same && S_ISDIR(replaced.raw.mode) != S_ISDIR(file.raw.mode))
            err = S_ISDIR(file.raw.mode) ? -ENOTDIR : -EISDIR;
        else if (!same)
            err = may_remove(&replaced, S_ISDIR(file.raw.mode));
        bool folder = S_ISDIR(replaced.raw.mode);
        ext2_file_done(fs, &replaced);
        if (!err && !same)
            err = remove_name(to, folder); // all of it is one commit
    }
    if (!err && !same)
        err = move(from, to, &file);
    if (!err && !same)
        return store_attributes(&file);
    ext2_file_done(fs, &file);
    return told(err);
}

static int op_fsync(const char *path, int data_only, struct fuse_file_info *info) { return told(mount_commit()); }

static void *op_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    config->use_ino = 1; // hard links are seen as such
    return NULL;
}

static void op_destroy(void *data) { (void)!mount_commit(); }

const struct fuse_operations mount_operations = {
    .getattr = op_getattr,
    .readlink = op_readlink,
    .mknod = op_mknod,
    .mkdir = op_mkdir,
    .unlink = op_unlink,
    .rmdir = op_rmdir,
    .symlink = op_symlink,
    .rename = op_rename,
    .link = op_link,
    .chmod = op_chmod,
    .chown = op_chown,
    .truncate = op_truncate,
    .read = op_read,
    .write = op_write,
    .statfs = op_statfs,
    .fsync = op_fsync,
    .fsyncdir = op_fsync,
    .setxattr = op_setxattr,
    .getxattr = op_getxattr,
    .listxattr = op_listxattr,
    .removexattr = op_removexattr,
    .readdir = op_readdir,
    .init = op_init,
    .destroy = op_destroy,
    .utimens = op_utimens,
};
