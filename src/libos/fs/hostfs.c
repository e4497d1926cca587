// SPDX-License-Identifier: BSD-3-Clause
// Names and attributes of hostfs.
#include "libos/fs/hostfs.h"
#include "base/string.h"
#include "libos/fs/hostfs_node.h"
#include "libos/fs/mapped.h"
#include "libos/mem/heap.h"
#include "libos/thread/cred.h"

enum { FIRST_DEV = 0x100 };

static int lookup(struct inode *dir, const char *name, struct inode **ret_inode)
{
    struct hostfs_node *parent = hostfs_node_of(dir), *node;
    struct host_stat st;
    int handle = hostfile_find(parent->handle, name, false, &st);
    if (handle < 0)
        return handle;
    int err = hostfs_node_get(parent->fs, parent, name, handle, &st, &node);
    if (!err)
        *ret_inode = &node->inode;
    return err;
}

static struct inode *parent_of(struct inode *dir)
{
    struct hostfs_node *node = hostfs_node_of(dir);
    mutex_lock(&node->fs->lock);
    struct inode *parent = inode_ref(&node->parent->inode);
    mutex_unlock(&node->fs->lock);
    return parent;
}

static long name_of(struct inode *dir, char *buf, size_t size)
{
    struct hostfs_node *node = hostfs_node_of(dir);
    mutex_lock(&node->fs->lock);
    size_t len = strlen(node->name);
    bool removed = node->removed;
    if (len < size)
        memcpy(buf, node->name, len + 1);
    mutex_unlock(&node->fs->lock);
    if (removed)
        return -ENOENT;
    return len < size ? (long)len : -ERANGE;
}

static int create(struct inode *dir, const char *name, u32 mode, u64 rdev, struct inode **ret_inode)
{
    struct hostfs_node *parent = hostfs_node_of(dir);
    int err;

    if (S_ISDIR(mode))
        err = hostfile_mkdir(parent->handle, name, mode & 07777);
    else if (S_ISREG(mode))
        err = hostfile_create(parent->handle, name, mode & 07777);
    else
        err = -EPERM;
    if (!err)
        err = lookup(dir, name, ret_inode);
    if (err)
        return err;
    // The host process has a umask of its own; the program's has been applied to mode already.
    struct hostfs_node *node = hostfs_node_of(*ret_inode);
    if (((node->inode.mode ^ mode) & 07777) && hostfile_chmod(node->handle, mode) == 0)
        node->inode.mode = mode;
    const struct cred *cred = current_cred();
    if (cred->fsuid || cred->fsgid) // where the loader may, which is up to the host: the file is there all the same
        (void)!hostfile_chown(node->handle, cred->fsuid, cred->fsgid);
    return 0;
}

static int symlink(struct inode *dir, const char *name, const char *target)
{
    return hostfile_symlink(hostfs_node_of(dir)->handle, name, target);
}

static int tmpfile(struct inode *dir, u32 mode, bool linkable, struct inode **ret_inode)
{
    struct hostfs_node *parent = hostfs_node_of(dir), *node;
    int fd = hostfile_tmpfile(parent->handle, mode & 07777, linkable);
    if (fd < 0)
        return fd;
    struct host_stat st;
    int err = hostfile_stat(fd, &st);
    if (err) {
        hostfile_close(fd);
        return err;
    }
    err = hostfs_node_get(parent->fs, parent, "", fd, &st, &node);
    if (err)
        return err;
    WRITE_ONCE(node->removed, true);
    *ret_inode = &node->inode;
    return 0;
}

// By the name it was last found under; one that has none may have been made to be linked, as the host knows.
static int link(struct inode *dir, const char *name, struct inode *inode)
{
    struct hostfs_node *node = hostfs_node_of(inode), *into = hostfs_node_of(dir);
    if (inode->ops != &hostfs_ops || node->fs != into->fs)
        return -EXDEV;
    struct inode *from = parent_of(inode);
    char old_name[256];
    int err = (int)name_of(inode, old_name, sizeof(old_name));
    if (err >= 0)
        err = hostfile_link(hostfs_node_of(from)->handle, old_name, into->handle, name);
    else if (err == -ENOENT)
        err = hostfile_link_handle(node->handle, into->handle, name);
    inode_unref(from);
    return err;
}

static int unlink(struct inode *dir, const char *name)
{
    int err = hostfile_unlink(hostfs_node_of(dir)->handle, name, false);
    if (!err)
        hostfs_node_removed(hostfs_node_of(dir), name);
    return err;
}
static int rmdir(struct inode *dir, const char *name)
{
    int err = hostfile_unlink(hostfs_node_of(dir)->handle, name, true);
    if (!err)
        hostfs_node_removed(hostfs_node_of(dir), name);
    return err;
}

static int rename(struct inode *old_dir, const char *old_name, struct inode *new_dir, const char *new_name, u32 flags)
{
    struct hostfs_node *from = hostfs_node_of(old_dir), *to = hostfs_node_of(new_dir);
    struct inode *moved = NULL, *other = NULL;

    if (old_dir->ops != new_dir->ops || from->fs != to->fs)
        return -EXDEV;
    int err = lookup(old_dir, old_name, &moved);
    if (err)
        return err;
    if (flags & RENAME_EXCHANGE)
        err = lookup(new_dir, new_name, &other);
    if (!err)
        err = hostfile_rename(from->handle, old_name, to->handle, new_name, flags);
    if (!err && !other)
        hostfs_node_removed(to, new_name);
    if (!err)
        hostfs_node_moved(hostfs_node_of(moved), to, new_name);
    if (!err && other)
        hostfs_node_moved(hostfs_node_of(other), from, old_name);
    inode_unref(moved);
    if (other)
        inode_unref(other);
    return err;
}

static long readlink(struct inode *inode, char *buf, size_t size)
{
    return hostfile_readlink(hostfs_node_of(inode)->handle, buf, size);
}

static s64 to_ns(const struct host_timespec *ts) { return ts->sec * 1000000000ll + ts->nsec; }

static int getattr(struct inode *inode, struct kstat *ret_stat)
{
    struct hostfs_node *node = hostfs_node_of(inode);
    struct host_stat st;
    int err = hostfile_stat(node->handle, &st);
    if (err)
        return err;
    // The kind of an object does not change while we hold it: the host lies if it says so.
    if ((st.mode & S_IFMT) != (inode->mode & S_IFMT))
        return -EIO;
    *ret_stat = (struct kstat){
        .dev = node->fs->dev,
        .ino = node->host_ino,
        .size = st.size,
        .blocks = st.blocks,
        .mode = st.mode & (S_IFMT | 07777),
        .nlink = (u32)MIN(st.nlink, (u64)UINT32_MAX),
        .uid = st.uid,
        .gid = st.gid,
        .blksize = PAGE_SIZE,
        .rdev = st.rdev,
        .atime = to_ns(&st.atime),
        .mtime = to_ns(&st.mtime),
        .ctime = to_ns(&st.ctime),
    };
    return 0;
}

static int set_size(struct hostfs_node *node, u64 size)
{
    if (!S_ISREG(node->inode.mode))
        return S_ISDIR(node->inode.mode) ? -EISDIR : -EINVAL;
    int fd = hostfile_reopen(node->handle, O_WRONLY);
    if (fd < 0)
        return fd;
    struct host_stat st;
    mutex_lock(&node->inode.lock);
    int err = hostfile_stat(node->handle, &st);
    if (!err)
        err = hostfile_truncate(fd, size);
    if (!err)
        err = mapped_resized(&node->inode, st.size, size);
    mutex_unlock(&node->inode.lock);
    hostfile_close(fd);
    return err;
}

static int setattr(struct inode *inode, const struct attr_change *change)
{
    struct hostfs_node *node = hostfs_node_of(inode);
    int err = 0;

    if (change->valid & ATTR_SIZE)
        err = set_size(node, change->size);
    if (!err && (change->valid & (ATTR_UID | ATTR_GID)))
        err = hostfile_chown(node->handle, change->valid & ATTR_UID ? change->uid : UINT32_MAX,
                             change->valid & ATTR_GID ? change->gid : UINT32_MAX);
    if (!err && (change->valid & ATTR_MODE))
        err = S_ISLNK(inode->mode) ? -EOPNOTSUPP : hostfile_chmod(node->handle, change->mode);
    if (!err && (change->valid & (ATTR_ATIME | ATTR_MTIME)))
        err = hostfile_set_times(node->handle, change->valid & ATTR_ATIME ? change->atime : INT64_MIN,
                                 change->valid & ATTR_MTIME ? change->mtime : INT64_MIN);
    return err;
}

static int statfs(struct inode *inode, struct statfs *ret_statfs)
{
    return hostfile_statfs(hostfs_node_of(inode)->handle, ret_statfs);
}

const struct inode_ops hostfs_ops = {
    .ignores_set_id = true,
    .lookup = lookup,
    .parent = parent_of,
    .name = name_of,
    .create = create,
    .tmpfile = tmpfile,
    .symlink = symlink,
    .link = link,
    .unlink = unlink,
    .rmdir = rmdir,
    .rename = rename,
    .readlink = readlink,
    .getattr = getattr,
    .setattr = setattr,
    .open = hostfs_open,
    .statfs = statfs,
    .release = hostfs_node_release,
    .object_ops = &hostfs_object_ops,
};

static bool busy(struct fs_instance *instance)
{
    struct hostfs *fs = container_of(instance, struct hostfs, instance);

    mutex_lock(&fs->lock);
    // A node that leaves holds the folder above it until it touches nothing of fs any more.
    bool alone = fs->nodes.next == fs->nodes.prev && __atomic_load_n(&instance->root->refs, __ATOMIC_ACQUIRE) == 1;
    mutex_unlock(&fs->lock);
    return !alone;
}

static void destroy(struct fs_instance *instance)
{
    inode_unref(instance->root);
    kfree(container_of(instance, struct hostfs, instance));
}

static const struct fs_instance_ops instance_ops = { .busy = busy, .destroy = destroy };

int hostfs_create(const char *source, struct inode **ret_root)
{
    static u64 mounts;
    struct hostfs_node *root;
    struct host_stat st;
    int handle = hostfile_find(AT_FDCWD, source, true, &st);
    if (handle < 0)
        return handle;
    struct hostfs *fs = kzalloc(sizeof(*fs));
    if (!fs) {
        hostfile_close(handle);
        return -ENOMEM;
    }
    fs->dev = FIRST_DEV + __atomic_fetch_add(&mounts, 1, __ATOMIC_RELAXED);
    fs->instance.ops = &instance_ops;
    mutex_init(&fs->lock, LOCK_HOSTFS);
    list_init(&fs->nodes);
    int err = hostfs_node_get(fs, NULL, "", handle, &st, &root);
    if (!err && !inode_is_dir(&root->inode)) {
        inode_unref(&root->inode);
        err = -ENOTDIR;
    }
    if (err)
        kfree(fs);
    else
        *ret_root = fs->instance.root = &root->inode;
    return err;
}
