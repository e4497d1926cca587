// SPDX-License-Identifier: BSD-3-Clause
// Nodes and attributes of the file system in memory.
#include "libos/fs/memfs_node.h"
#include "base/string.h"
#include "libos/mem/filepages.h"
#include "libos/mem/heap.h"
#include "libos/mem/limits.h"
#include "libos/thread/cred.h"
#include "libos/time/time.h"
#include "libos/vm/vm.h"

s64 memfs_now(void) { return time_realtime_ns(); }

static s64 heap_bytes; // of inodes and names, with what the heap loses by rounding; atomic

void memfs_heap_used(size_t bytes, int sign)
{
    __atomic_fetch_add(&heap_bytes, sign * (s64)ALIGN_UP(bytes + bytes / 8, 32ul), __ATOMIC_RELAXED);
}

int memfs_has_room(void)
{
    struct heap_stats heap;

    heap_get_stats(&heap);
    if (likely(__atomic_load_n(&heap_bytes, __ATOMIC_RELAXED) < (s64)(heap.max / 4 * 3)))
        return 0;
    limit_note(LIMIT_MEMORY_NAMES, 0);
    return -ENOSPC;
}

int memfs_node_alloc(struct memfs *fs, u32 mode, struct memfs_node **ret_node)
{
    struct memfs_node *node = kzalloc(sizeof(*node));
    if (!node)
        return -ENOMEM;
    inode_init(&node->inode, &memfs_ops, mode, inode_new_number());
    mutex_init(&node->writing, LOCK_FS_WRITING);
    node->fs = fs;
    node->inode.instance = &fs->instance;
    __atomic_fetch_add(&fs->nodes, 1, __ATOMIC_RELAXED);
    memfs_heap_used(sizeof(*node), 1);
    node->mode = mode;
    node->nlink = S_ISDIR(mode) ? 2 : 1;
    node->seals = F_SEAL_SEAL;
    node->atime = node->mtime = node->ctime = memfs_now();
    if (S_ISDIR(mode))
        list_init(&node->order);
    *ret_node = node;
    return 0;
}

int memfs_create(const struct lower_tree *lower, u64 lower_root, u32 root_mode, struct inode **ret_root)
{
    static u64 devices;
    struct memfs *fs = kzalloc(sizeof(*fs));
    struct memfs_node *root;

    struct lower_attr below = { .nlink = 2 };

    int err = lower ? lower->attr(lower_root, &below) : 0;
    if (!err)
        err = fs ? memfs_node_alloc(fs, S_IFDIR | root_mode, &root) : -ENOMEM;
    if (err) {
        kfree(fs);
        return err;
    }
    mutex_init(&fs->tree, LOCK_FS_TREE);
    fs->lower = lower;
    struct vm_stats vm;
    vm_get_stats(&vm);
    fs->limit = vm.limit / PAGE_SIZE / 2; // as Linux' tmpfs
    fs->dev = __atomic_add_fetch(&devices, 1, __ATOMIC_RELAXED);
    fs->instance.ops = &memfs_instance_ops;
    fs->instance.root = &root->inode;
    root->parent = root;
    root->nlink = below.nlink;
    root->has_lower = lower;
    root->lower = lower_root;
    *ret_root = &root->inode;
    return 0;
}

void memfs_set_limit(struct inode *root, u64 pages)
{
    if (pages)
        node_of(root)->fs->limit = pages;
}

int memfs_anonymous(u32 mode, struct inode **ret_inode)
{
    static struct memfs fs = { .instance.ops = &memfs_instance_ops, .tree = MUTEX_INIT(LOCK_FS_TREE), .dev = 0xfff };
    struct memfs_node *node;
    int err = memfs_node_alloc(&fs, S_IFREG | mode, &node);
    if (err)
        return err;
    node->nlink = 0;
    node->uid = current_cred()->fsuid;
    node->gid = current_cred()->fsgid;
    *ret_inode = &node->inode;
    return 0;
}

static void contents_free(struct memfs_node *node)
{
    struct memfs_entry *entry, *next;

    if (S_ISREG(node->inode.mode))
        (void)!memfs_drop(node, 0, UINT64_MAX); // nothing is mapped
    if (S_ISLNK(node->inode.mode))
        kfree(node->target);
    if (!S_ISDIR(node->inode.mode))
        return;
    // An unlinked directory is empty; a dropped file system is not.
    list_for_each_safe (entry, next, &node->order, by_position) {
        if (entry->node)
            inode_unref(&entry->node->inode);
        memfs_entry_free(entry);
    }
}

static void node_free(struct memfs_node *node)
{
    struct memfs *fs = node->fs;

    contents_free(node);
    memfs_xattr_free(node);
    kfree(node);
    memfs_heap_used(sizeof(*node), -1);
    __atomic_fetch_sub(&fs->nodes, 1, __ATOMIC_RELEASE); // the last that touches fs: it may be unmounted
}

// A removed directory may be the last that holds its removed parent, and so on upwards: a loop, for a program chooses
// how many.
static void release(struct inode *inode)
{
    struct memfs_node *node = node_of(inode);

    while (node) {
        struct memfs_node *parent = node->holds_parent ? node->parent : NULL;
        node_free(node);
        node = parent && inode_unref_is_last(&parent->inode) ? parent : NULL;
    }
}

static int getattr(struct inode *inode, struct kstat *st)
{
    struct memfs_node *node = node_of(inode);

    mutex_lock(&inode->lock);
    *st = (struct kstat){
        .dev = node->fs->dev,
        .ino = inode->ino,
        .size = node->size,
        .mode = node->mode,
        .nlink = node->nlink,
        .uid = node->uid,
        .gid = node->gid,
        .blksize = PAGE_SIZE,
        .rdev = node->rdev,
        .atime = node->atime,
        .mtime = node->mtime,
        .ctime = node->ctime,
    };
    if (S_ISREG(node->inode.mode))
        st->blocks =
            MAX(node->pages.pages * 8, node->has_lower ? DIV_ROUND_UP(MIN(node->lower_size, node->size), 512ul) : 0);
    mutex_unlock(&inode->lock);
    return 0;
}

static int setattr(struct inode *inode, const struct attr_change *change)
{
    struct memfs_node *node = node_of(inode);
    int err = 0;

    mutex_lock(&inode->lock);
    if (change->valid & ATTR_SIZE)
        err = memfs_resize(node, change->size);
    if (!err) {
        if (change->valid & ATTR_MODE)
            WRITE_ONCE(node->mode, (node->mode & S_IFMT) | (change->mode & 07777)); // node_in looks without the lock
        if (change->valid & ATTR_UID)
            node->uid = change->uid;
        if (change->valid & ATTR_GID)
            WRITE_ONCE(node->gid, change->gid); // likewise
        if (change->valid & ATTR_ATIME)
            node->atime = change->atime;
        if (change->valid & ATTR_MTIME)
            node->mtime = change->mtime;
        node->ctime = memfs_now();
    }
    mutex_unlock(&inode->lock);
    return err;
}

static long readlink(struct inode *inode, char *buf, size_t size)
{
    struct memfs_node *node = node_of(inode);
    if (node->has_lower)
        return node->fs->lower->readlink(node->lower, buf, size);
    size_t len = MIN(strlen(node->target), size);
    memcpy(buf, node->target, len);
    return (long)len;
}

u64 memfs_room(const struct memfs *fs)
{
    struct vm_stats vm;
    vm_get_stats(&vm);
    u64 free = (vm.limit - MIN(vm.committed, vm.limit)) / PAGE_SIZE;
    if (!fs->limit)
        return free;
    return MIN(free, fs->limit - MIN(__atomic_load_n(&fs->used, __ATOMIC_RELAXED), fs->limit));
}

static int statfs(struct inode *inode, struct statfs *st)
{
    const struct memfs *fs = node_of(inode)->fs;
    struct vm_stats vm;
    vm_get_stats(&vm);
    u64 blocks = fs->limit ? fs->limit : vm.limit / PAGE_SIZE, free = memfs_room(fs);
    memset(st, 0, sizeof(*st));
    st->f_type = 0x01021994; // TMPFS_MAGIC
    st->f_bsize = st->f_frsize = PAGE_SIZE;
    st->f_blocks = (long)blocks;
    st->f_bfree = st->f_bavail = (long)free;
    st->f_files = 1 << 20;
    st->f_ffree = 1 << 19;
    st->f_namelen = 255;
    return 0;
}

const struct inode_ops memfs_ops = {
    .lookup = memfs_lookup,
    .parent = memfs_parent,
    .name = memfs_name,
    .create = memfs_make,
    .tmpfile = memfs_tmpfile,
    .symlink = memfs_symlink,
    .link = memfs_link,
    .unlink = memfs_unlink,
    .rmdir = memfs_rmdir,
    .rename = memfs_rename,
    .readlink = readlink,
    .getattr = getattr,
    .setattr = setattr,
    .open = memfs_open,
    .statfs = statfs,
    .get_xattr = memfs_get_xattr,
    .set_xattr = memfs_set_xattr,
    .list_xattr = memfs_list_xattr,
    .release = release,
    .object_ops = &memfs_object_ops,
};
