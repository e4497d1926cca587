// SPDX-License-Identifier: BSD-3-Clause
// Contents. They pass through a buffer of the kernel, so that the lock is never held over the caller's memory.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/fs/mapped.h"
#include "libos/fs/special.h"
#include "libos/mem/heap.h"

enum { CHUNK_PAGES = 16 };

// What a program is told: a disk that does not verify cannot be read.
static long told(long result) { return result == -EBADMSG || result == -EUCLEAN ? -EIO : result; }

u64 volfs_size(const struct volfs_node *node) { return node->has_upper ? ext2_size(&node->upper) : node->below.size; }

// Locked. Bytes, 0 at the end, -errno.
static long read_locked(struct volfs_node *node, u64 offset, void *buf, size_t n, bool once)
{
    const struct lower_tree *lower = node->fs->lower;

    if (node->has_upper)
        return ext2_read(node->fs->ext2, &node->upper, offset, buf, n);
    if (offset >= node->below.size)
        return 0;
    n = MIN(n, node->below.size - offset);
    return once ? lower->read_once(node->lower, offset, buf, n) : lower->read(node->lower, offset, buf, n);
}

long volfs_read(struct volfs_node *node, u64 offset, void *buf, size_t n, bool once)
{
    volfs_lock(node->fs);
    long got = read_locked(node, offset, buf, n, once);
    volfs_unlock(node->fs);
    return told(got);
}

// Straight into the kernel's buffer: pages of mappings.
static long read_kernel(struct volfs_node *node, struct uio *uio, u64 *offset)
{
    size_t n = MIN(uio->left, uio->iov->iov_len - uio->offset);
    long got = volfs_read(node, *offset, (u8 *)uio->iov->iov_base + uio->offset, n, true);

    if (got > 0) {
        uio->offset += (size_t)got;
        uio->left -= (size_t)got;
        *offset += (u64)got;
    }
    return got;
}

// From a page that is mapped and in memory, or through the buffer. Bytes, 0 at the end, -errno.
static long read_some(struct file *file, struct uio *uio, u64 offset, u8 *buf, size_t n)
{
    long moved = mapped_read(file->inode, uio, offset, n);

    if (moved == 0)
        return uio_fault_in(uio, n, true) ? -EFAULT : read_some(file, uio, offset, buf, n);
    if (moved != -ENOENT)
        return moved == -ENODATA ? 0 : moved;
    // Up to the next page only, if some pages of the file may be in memory.
    if (READ_ONCE(file->inode->object))
        n = MIN(n, PAGE_SIZE - (offset & PAGE_MASK));
    moved = volfs_read(vnode_of(file->inode), offset, buf, n, false);
    return moved > 0 ? uio_put_some(uio, buf, (size_t)moved) : moved;
}

static long read_file(struct file *file, struct uio *uio, u64 *offset)
{
    size_t done = 0;
    long n = 1;

    if (uio->kernel && uio->count == 1 && !READ_ONCE(file->inode->object))
        return read_kernel(vnode_of(file->inode), uio, offset);
    size_t pages = MIN(DIV_ROUND_UP(uio->left, PAGE_SIZE), (size_t)CHUNK_PAGES);
    u8 *buf = pages ? kpages_alloc(pages) : NULL;
    if (!buf)
        return pages ? -ENOMEM : 0;
    while (uio->left && n > 0) {
        n = read_some(file, uio, *offset, buf, MIN(uio->left, pages * PAGE_SIZE));
        *offset += n > 0 ? (u64)n : 0;
        done += n > 0 ? (size_t)n : 0;
    }
    kpages_free(buf, pages);
    return done ? (long)done : n;
}

// Locked.
static long write_locked(struct volfs_node *node, u64 offset, const void *buf, size_t n)
{
    long wrote = volfs_copy_up(node, UINT64_MAX);

    if (wrote)
        return wrote;
    ext2_set_time(&node->upper, EXT2_MTIME, volfs_now());
    ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
    return ext2_write(node->fs->ext2, &node->upper, offset, buf, n);
}

long volfs_write(struct volfs_node *node, u64 offset, const void *buf, size_t n)
{
    volfs_lock(node->fs);
    long wrote = write_locked(node, offset, buf, n);
    volfs_changed(node->fs);
    volfs_unlock(node->fs);
    return told(wrote);
}

// The inode is locked.
static long write_chunk(struct file *file, u64 *offset, const void *buf, size_t n)
{
    struct volfs_node *node = vnode_of(file->inode);
    struct volfs *fs = node->fs;

    if (file->flags & O_APPEND)
        *offset = file->inode->ops->object_ops->size(file->inode);
    long wrote = mapped_reaching(file->inode, *offset);
    if (wrote)
        return wrote;
    volfs_lock(fs);
    wrote = write_locked(node, *offset, buf, n);
    volfs_changed(fs);
    if (wrote > 0 && (file->flags & (O_SYNC | O_DSYNC))) {
        int err = volfs_commit(fs);
        wrote = err ? err : wrote;
    }
    volfs_unlock(fs);
    if (wrote > 0)
        mapped_written(file->inode, *offset, buf, (size_t)wrote);
    *offset += wrote > 0 ? (u64)wrote : 0;
    return told(wrote);
}

// All of a buffer, so that what is appended stays in one piece. Bytes, or -errno when there are none.
static long write_buffer(struct file *file, u64 *offset, const u8 *buf, size_t n)
{
    size_t done = 0;
    long wrote = 0;

    mutex_lock(&file->inode->lock);
    while (done < n) {
        wrote = write_chunk(file, offset, buf + done, n - done);
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    mutex_unlock(&file->inode->lock);
    if (!done && wrote == 0)
        return -ENOSPC;
    return done ? (long)done : wrote;
}

static long write_file(struct file *file, struct uio *uio, u64 *offset)
{
    size_t pages = MIN(DIV_ROUND_UP(uio->left, PAGE_SIZE), (size_t)CHUNK_PAGES), done = 0;
    u8 *buf = pages ? kpages_alloc(pages) : NULL;
    long n = 1;

    if (!buf)
        return pages ? -ENOMEM : 0;
    while (uio->left && n > 0) {
        size_t part = MIN(uio->left, pages * PAGE_SIZE);
        n = uio_take_some(uio, buf, part);
        if (n > 0)
            n = write_buffer(file, offset, buf, (size_t)n);
        done += n > 0 ? (size_t)n : 0;
        if (n > 0 && (size_t)n < part)
            break;
    }
    kpages_free(buf, pages);
    return done ? (long)done : n;
}

static int fallocate_locked(struct volfs_node *node, int mode, u64 offset, u64 len)
{
    struct ext2 *ext2 = node->fs->ext2;
    u64 size = volfs_size(node);
    int err = volfs_copy_up(node, UINT64_MAX);

    if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        err = ext2_punch(ext2, &node->upper, offset, len);
    if (!err && !(mode & FALLOC_FL_KEEP_SIZE) && offset + len > size)
        err = ext2_truncate(ext2, &node->upper, offset + len);
    // ext2 has no blocks behind the end of a file.
    size = ext2_size(&node->upper);
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE) && offset < size)
        err = ext2_reserve(ext2, &node->upper, offset, MIN(len, size - offset));
    ext2_set_time(&node->upper, EXT2_CTIME, volfs_now());
    return err ? err : ext2_store(ext2, &node->upper);
}

static int fallocate(struct file *file, int mode, u64 offset, u64 len)
{
    struct volfs_node *node = vnode_of(file->inode);

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if ((mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE))
        return -EOPNOTSUPP;
    mutex_lock(&file->inode->lock);
    volfs_lock(node->fs);
    int err = fallocate_locked(node, mode, offset, len);
    volfs_changed(node->fs);
    volfs_unlock(node->fs);
    if (!err && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)))
        err = mapped_zeroed(file->inode, offset, len);
    mutex_unlock(&file->inode->lock);
    return (int)told(err);
}

static int fsync(struct file *file)
{
    int err = inode_write_back(file->inode, 0, UINT64_MAX);
    return err ? err : volfs_sync(file->inode);
}

static s64 seek_data(struct file *file, u64 offset, bool hole)
{
    struct volfs_node *node = vnode_of(file->inode);
    u64 size, found = offset;
    int err = 0;

    volfs_lock(node->fs);
    size = volfs_size(node);
    if (offset >= size)
        err = -ENXIO;
    else if (node->has_upper)
        err = ext2_seek(node->fs->ext2, &node->upper, offset, hole, &found);
    else if (hole)
        found = size;
    volfs_unlock(node->fs);
    if (!err && !hole && found >= size)
        err = -ENXIO;
    return err ? err : (s64)found;
}

static const struct file_ops regular_ops = {
    .read = read_file, .write = write_file, .fallocate = fallocate, .fsync = fsync, .seek_data = seek_data
};

int volfs_open(struct inode *inode, struct file *file)
{
    switch (inode->mode & S_IFMT) {
    case S_IFREG:
        file->ops = &regular_ops;
        return 0;
    case S_IFDIR:
        file->ops = &volfs_dir_ops;
        return 0;
    default: {
        struct kstat st;
        int err = inode->ops->getattr(inode, &st);
        return err ? err : special_open(inode, st.mode, st.rdev, file);
    }
    }
}

int volfs_gate_table(struct inode *inode, u64 which, const void **ret_table, size_t *ret_size)
{
    struct volfs_node *node = vnode_of(inode);

    *ret_table = NULL;
    if (node->has_upper || !node->fs->lower->gate_table)
        return 0;
    int err = node->fs->lower->gate_table(node->lower | which, ret_table, ret_size);
    if (err)
        return err;
    return *ret_table ? 0 : -ENOENT;
}
