// SPDX-License-Identifier: BSD-3-Clause
// open(2) in its steps.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/memfs.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/vm.h"

enum {
    STATUS_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECTORY | O_NOFOLLOW | O_PATH |
                   O_LARGEFILE | O_NOATIME
};

// The path that /proc/self/fd and maps show: the directory's path and the name.
static char *opened_path(const struct lookup *lookup)
{
    char *buf = kmalloc(PATH_BYTES);
    if (!buf)
        return NULL;
    int len = inode_path(lookup->parent, buf, PATH_BYTES - 300);
    if (len >= 0 && lookup->name[0]) {
        size_t n = strlen(lookup->name);
        if (buf[len - 1] != '/')
            buf[len++] = '/';
        memcpy(buf + len, lookup->name, n + 1);
    }
    char *path = len >= 0 ? kstrdup(buf) : NULL;
    kfree(buf);
    return path;
}

static int create_file(struct lookup *lookup, u32 flags, u32 mode, bool *ret_created)
{
    if (!lookup->parent->ops->create)
        return -EROFS;
    mode = (mode & 07777 & ~READ_ONCE(current->fs->umask)) | S_IFREG;
    int err = lookup->parent->ops->create(lookup->parent, lookup->name, mode, 0, &lookup->inode);
    *ret_created = !err;
    return err;
}

// What the flags and the kind of file rule out.
static int check(const struct inode *inode, u32 flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

    if (flags & O_PATH)
        return flags & O_DIRECTORY && !inode_is_dir(inode) ? -ENOTDIR : 0;
    if (S_ISLNK(inode->mode))
        return -ELOOP;
    if ((flags & O_DIRECTORY) && !inode_is_dir(inode))
        return -ENOTDIR;
    if (inode_is_dir(inode) && (writes || (flags & O_CREAT)))
        return -EISDIR;
    return S_ISSOCK(inode->mode) ? -ENXIO : 0;
}

static const struct file_ops path_only_ops = { 0 };

static int open_inode(struct lookup *lookup, u32 flags, struct file **ret_file)
{
    struct inode *inode = lookup->inode;
    struct file *file;

    u32 kept = (flags & (u32)STATUS_FLAGS) | (flags & O_PATH ? 0 : O_LARGEFILE);
    int err = file_alloc(inode, kept | (flags & O_NOCTTY), &file); // which counts while it is opened
    if (err)
        return err;
    file->path = opened_path(lookup);
    bool writes = !(flags & O_PATH) && S_ISREG(inode->mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));
    if (flags & O_PATH)
        file->ops = &path_only_ops;
    else if (!writes || (err = inode_claim(inode, 1)) == 0)
        err = inode->ops->open(inode, file);
    file->flags = kept;
    file->claims = writes && err != -ETXTBSY;
    if (!err && (flags & O_TRUNC) && S_ISREG(inode->mode) && inode->ops->setattr) {
        struct attr_change change = { .valid = ATTR_SIZE };
        err = inode_setattr(inode, &change);
    }
    if (err)
        file_unref(file);
    else
        *ret_file = file;
    return err;
}

static int open_temporary(int dirfd, const char *path, u32 flags, u32 mode, struct file **ret_file);

int open_at(int dirfd, const char *path, u32 flags, u32 mode, struct file **ret_file)
{
    bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL), created = false;
    u32 look = (flags & O_NOFOLLOW) || exclusive ? 0 : LOOKUP_FOLLOW;
    struct lookup lookup;
    int err;

    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) && !(flags & O_PATH))
        return -EINVAL; // as Linux since 6.4
    if ((flags & O_TMPFILE) == O_TMPFILE)
        return open_temporary(dirfd, path, flags, mode, ret_file);
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    err = path_lookup(dirfd, path, look | (flags & O_CREAT ? LOOKUP_NAME : 0), &lookup);
    if (err)
        return err;
    if ((flags & O_CREAT) && (lookup.must_be_dir || lookup.last != LAST_NAME))
        err = exclusive && lookup.last != LAST_NAME ? -EEXIST : -EISDIR;
    else if (!lookup.inode)
        err = flags & O_CREAT ? create_file(&lookup, flags, mode, &created) : -ENOENT;
    else if (exclusive)
        err = -EEXIST;
    // Another thread was faster: then its file is the one to open.
    if (err == -EEXIST && !exclusive && !lookup.inode) {
        lookup_done(&lookup);
        return open_at(dirfd, path, flags & ~(u32)O_CREAT, mode, ret_file);
    }
    if (!err && !created)
        err = check(lookup.inode, flags);
    if (!err)
        err = open_inode(&lookup, flags, ret_file);
    lookup_done(&lookup);
    return err;
}

static int open_temporary(int dirfd, const char *path, u32 flags, u32 mode, struct file **ret_file)
{
    struct inode *dir, *inode;
    int err = path_inode(dirfd, path, LOOKUP_FOLLOW, &dir);
    if (err)
        return err;
    if (!inode_is_dir(dir))
        err = -ENOTDIR;
    else if ((flags & O_ACCMODE) == O_RDONLY)
        err = -EINVAL;
    inode_unref(dir);
    if (!err)
        err = memfs_anonymous(mode & 07777 & ~READ_ONCE(current->fs->umask), &inode);
    if (err)
        return err;
    struct lookup lookup = { .inode = inode, .parent = inode_ref(fs_root), .name = "#tmpfile" };
    err = open_inode(&lookup, flags & ~(u32)O_TMPFILE, ret_file);
    lookup_done(&lookup);
    return err;
}

int file_open(const char *path, u32 flags, u32 mode, struct file **ret_file)
{
    return open_at(AT_FDCWD, path, flags, mode, ret_file);
}

int file_open_exec(const char *path, struct file **ret_file)
{
    struct file *file;
    struct kstat st;
    int err = open_at(AT_FDCWD, path, O_RDONLY, 0, &file);
    if (err)
        return err == -ELOOP ? -EACCES : err;
    err = file->inode->ops->getattr(file->inode, &st);
    if (!err && (!S_ISREG(st.mode) || !(st.mode & 0111)))
        err = -EACCES;
    if (!err && (err = inode_claim(file->inode, -1)) == 0)
        inode_done(file->inode, -1); // a writer would have been seen; file_run claims it for good
    if (err)
        file_unref(file);
    else
        *ret_file = file;
    return err;
}

int file_run(struct file *file, struct mm *mm)
{
    int err = inode_claim(file->inode, -1);
    if (!err)
        mm_set_program(mm, file_ref(file), &file_vm_ops);
    return err;
}
