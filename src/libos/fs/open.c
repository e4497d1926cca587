// SPDX-License-Identifier: BSD-3-Clause
// open(2) in its steps.
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/instance.h"
#include "libos/fs/memfs.h"
#include "libos/fs/notify.h"
#include "libos/fs/permission.h"
#include "libos/fs/place.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"
#include "libos/vm/vm.h"

enum {
    STATUS_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECTORY | O_NOFOLLOW | O_PATH |
                   O_LARGEFILE | O_NOATIME | O_TMPFILE
};

static int create_file(struct lookup *lookup, u32 flags, u32 mode, bool *ret_created)
{
    if (!lookup->parent->ops->create)
        return -EROFS;
    mode = (mode & 07777 & ~READ_ONCE(current->fs->umask)) | S_IFREG;
    int err = may_create(lookup->parent);
    if (!err)
        err = lookup->parent->ops->create(lookup->parent, lookup->name, mode, 0, &lookup->inode);
    *ret_created = !err;
    if (!err)
        notify_event(lookup->parent, IN_CREATE, 0, lookup->name);
    return err;
}

// What the flags and the kind of file rule out.
static int check(const struct inode *inode, u32 flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);

    if (flags & O_PATH)
        return flags & O_DIRECTORY && !inode_is_dir(inode) ? -ENOTDIR : 0;
    if ((flags & O_DIRECTORY) && !inode_is_dir(inode))
        return -ENOTDIR;
    if (S_ISLNK(inode->mode))
        return -ELOOP;
    if (inode_is_dir(inode) && (writes || (flags & O_CREAT)))
        return -EISDIR;
    if ((S_ISCHR(inode->mode) || S_ISBLK(inode->mode)) && inode_mount_flags(inode, MS_NODEV))
        return -EACCES;
    return S_ISSOCK(inode->mode) ? -ENXIO : 0;
}

// What open(2) flags ask of the file's mode, as MAY_*.
static u32 wanted_access(u32 flags)
{
    static const u32 by_mode[] = { MAY_READ, MAY_WRITE, MAY_READ | MAY_WRITE, MAY_READ | MAY_WRITE };
    return by_mode[flags & O_ACCMODE] | (flags & O_TRUNC ? MAY_WRITE : 0);
}

static int check_access(struct inode *inode, u32 flags, u32 access)
{
    if (flags & O_PATH)
        return 0;
    int err = inode_permission(inode, access);
    return !err && (flags & O_NOATIME) ? may_own(inode) : err;
}

static const struct file_ops path_only_ops = { 0 };

static int open_inode(struct lookup *lookup, u32 flags, struct file **ret_file)
{
    struct inode *inode = lookup->inode;
    bool truncated = false;
    struct file *file;

    u32 kept = (flags & (u32)STATUS_FLAGS) | (flags & O_PATH ? 0 : O_LARGEFILE);
    int err = file_alloc(inode, kept | (flags & O_NOCTTY), &file); // which counts while it is opened
    if (err)
        return err;
    if (lookup->name[0])
        file->place = place_get(lookup->parent, lookup->name, inode);
    else if (!inode_is_dir(inode))
        file->place = place_of_inode(inode); // by a link of /proc
    bool writes = !(flags & O_PATH) && S_ISREG(inode->mode) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));
    if (writes)
        err = inode_claim(inode, 1);
    file->claims = writes && !err;
    if (flags & O_PATH)
        file->ops = &path_only_ops;
    else if (!err)
        err = inode->ops->open(inode, file);
    file->flags = kept;
    if (!err && (flags & O_TRUNC) && S_ISREG(inode->mode) && inode->ops->setattr) {
        struct attr_change change = { .valid = ATTR_SIZE };
        err = inode_setattr(inode, &change);
        truncated = !err;
    }
    if (err) {
        file_unref(file);
        return err;
    }
    notify_file(file, IN_OPEN);
    if (truncated)
        notify_file(file, IN_MODIFY);
    file->opened = true;
    *ret_file = file;
    return 0;
}

static int open_temporary(int dirfd, const char *path, u32 flags, u32 mode, u32 resolve, struct file **ret_file);

// access: what the caller needs of the mode of a file that is there, MAY_*.
static int open_for(int dirfd, const char *path, u32 flags, u32 mode, u32 resolve, u32 access, struct file **ret_file)
{
    bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL), created = false;
    u32 look = lookup_resolve(resolve) | ((flags & O_NOFOLLOW) || exclusive ? 0 : LOOKUP_FOLLOW);
    struct lookup lookup;
    int err;

    if ((flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY) && !(flags & O_PATH))
        return -EINVAL; // as Linux since 6.4
    if ((flags & O_TMPFILE & ~(u32)O_DIRECTORY) && !(flags & O_PATH))
        return open_temporary(dirfd, path, flags, mode, resolve, ret_file);
    if (flags & O_PATH)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    err = path_lookup(dirfd, path, look | (flags & O_CREAT ? LOOKUP_NAME : 0), &lookup);
    if (err)
        return err;
    // What has no name is a folder, or what a link of /proc leads to.
    bool unnamed = lookup.last != LAST_NAME && (exclusive || inode_is_dir(lookup.inode));
    if ((flags & O_CREAT) && (lookup.must_be_dir || unnamed))
        err = exclusive && lookup.last != LAST_NAME ? -EEXIST : -EISDIR;
    else if (!lookup.inode)
        err = flags & O_CREAT ? create_file(&lookup, flags, mode, &created) : -ENOENT;
    else if (exclusive)
        err = -EEXIST;
    // Another thread was faster: then its file is the one to open.
    if (err == -EEXIST && !exclusive && !lookup.inode) {
        lookup_done(&lookup);
        return open_for(dirfd, path, flags & ~(u32)O_CREAT, mode, resolve, access, ret_file);
    }
    if (!err && !created)
        err = check(lookup.inode, flags);
    if (!err && !created)
        err = check_access(lookup.inode, flags, access);
    if (!err)
        err = open_inode(&lookup, flags, ret_file);
    lookup_done(&lookup);
    return err;
}

int open_at(int dirfd, const char *path, u32 flags, u32 mode, u32 resolve, struct file **ret_file)
{
    return open_for(dirfd, path, flags, mode, resolve, wanted_access(flags), ret_file);
}

// "/folder/#INODE (deleted)", as Linux shows a file that never had a name.
static char *temporary_path(struct inode *dir, u64 ino)
{
    char *buf = kmalloc(PATH_BYTES), *path = NULL;
    int len = buf ? inode_path(dir, buf, PATH_BYTES - 40) : -ENOMEM;
    if (len > 0) {
        fmt_format(buf + len, 40, "%s#%lu (deleted)", buf[len - 1] == '/' ? "" : "/", ino);
        path = kstrdup(buf);
    }
    kfree(buf);
    return path;
}

static int open_temporary(int dirfd, const char *path, u32 flags, u32 mode, u32 resolve, struct file **ret_file)
{
    struct inode *dir;
    struct lookup nameless = { 0 };

    if ((flags & (O_TMPFILE | O_CREAT)) != O_TMPFILE || (flags & O_ACCMODE) == O_RDONLY)
        return -EINVAL;
    int err = path_inode(dirfd, path, LOOKUP_FOLLOW | lookup_resolve(resolve), &dir);
    if (err)
        return err;
    if (!inode_is_dir(dir))
        err = -ENOTDIR;
    else if ((err = may_create(dir)) != 0)
        ;
    else if (!dir->ops->tmpfile)
        err = -EOPNOTSUPP;
    else
        err = dir->ops->tmpfile(dir, S_IFREG | (mode & 07777 & ~READ_ONCE(current->fs->umask)), !(flags & O_EXCL),
                                &nameless.inode);
    if (!err)
        err = open_inode(&nameless, flags & ~(u32)O_TRUNC, ret_file);
    if (!err)
        (*ret_file)->path = temporary_path(dir, nameless.inode->ino);
    lookup_done(&nameless);
    inode_unref(dir);
    return err;
}

int file_open(const char *path, u32 flags, u32 mode, struct file **ret_file)
{
    return open_at(AT_FDCWD, path, flags, mode, 0, ret_file);
}

int file_open_exec(const char *path, struct file **ret_file)
{
    struct file *file;
    struct kstat st;
    int err = open_for(AT_FDCWD, path, O_RDONLY, 0, 0, MAY_EXEC, &file);
    if (err)
        return err;
    err = file->inode->ops->getattr(file->inode, &st);
    if (!err && (!S_ISREG(st.mode) || !(st.mode & 0111) || inode_mount_flags(file->inode, MS_NOEXEC)))
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
