// SPDX-License-Identifier: BSD-3-Clause
// Contents of the file system in memory.
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/memfs_node.h"
#include "libos/fs/special.h"
#include "libos/mem/heap.h"
#include "libos/vm/vm.h"

enum { MAX_SIZE_BITS = 46 };

static const u64 max_size = 1ull << MAX_SIZE_BITS;

// What a mapping wrote behind the end of the file does not come to light when the file grows. inode.lock held.
static int clear_tail(struct memfs_node *node)
{
    mutex_assert_held(&node->inode.lock);
    u64 index = node->size >> PAGE_SHIFT, tail = node->size & PAGE_MASK;
    u8 *page;
    if (!tail || !vm_object_has(node->inode.object, index))
        return 0;
    int err = memfs_page(node, index, &page);
    if (err)
        return err;
    memset(page + tail, 0, PAGE_SIZE - tail);
    memfs_page_done(node, index);
    return 0;
}

int memfs_resize(struct memfs_node *node, u64 size)
{
    mutex_assert_held(&node->inode.lock);
    u64 tail = size & PAGE_MASK;
    u8 *page;

    if (!S_ISREG(node->inode.mode))
        return S_ISDIR(node->inode.mode) ? -EISDIR : -EINVAL;
    if (size > max_size)
        return -EFBIG;
    if ((size < node->size && (node->seals & F_SEAL_SHRINK)) || (size > node->size && (node->seals & F_SEAL_GROW)))
        return -EPERM;
    if (size < node->size) {
        if (tail && (pagetree_get(&node->pages, size >> PAGE_SHIFT) || (node->has_lower && size < node->lower_size))) {
            int err = memfs_page(node, size >> PAGE_SHIFT, &page);
            if (err)
                return err;
            memset(page + tail, 0, PAGE_SIZE - tail);
            memfs_page_done(node, size >> PAGE_SHIFT);
        }
        int err = memfs_drop(node, DIV_ROUND_UP(size, PAGE_SIZE), UINT64_MAX);
        if (err)
            return err;
        // What lies behind the new end never comes back from below.
        WRITE_ONCE(node->lower_size, MIN(node->lower_size, size));
    }
    if (size > node->size) {
        int err = clear_tail(node);
        if (err)
            return err;
    }
    WRITE_ONCE(node->size, size);
    node->mtime = node->ctime = memfs_now();
    return 0;
}

// What the image shows of a page the node has none of its own of, through a bounce page and without lock.
static long read_lower(struct memfs_node *node, struct uio *uio, u64 offset, size_t n)
{
    u8 *bounce = kpages_alloc(1);
    if (!bounce)
        return -ENOMEM;
    size_t lower = MIN(n, READ_ONCE(node->lower_size) - offset);
    long got = node->fs->lower->read(node->lower, offset, bounce, lower);
    if (got >= 0) {
        memset(bounce + got, 0, n - (size_t)got);
        got = uio_put_some(uio, bounce, n);
    }
    kpages_free(bounce, 1);
    return got;
}

// One piece within one page: bytes moved, fewer than n when the caller's memory is not there; -errno.
static long read_piece(struct memfs_node *node, struct uio *uio, u64 offset, size_t n)
{
    u64 index = offset >> PAGE_SHIFT;
    mutex_lock(&node->inode.lock);
    u8 *page = pagetree_get(&node->pages, index);
    bool lower = !page && node->has_lower && offset < node->lower_size,
         mapped = vm_object_has(node->inode.object, index);
    long moved = mapped ? vm_object_open(node->inode.object, index, false, &page) : 0;
    if (!moved && page)
        moved = (long)uio_put_nofault(uio, page + (offset & PAGE_MASK), n);
    else if (!moved && !lower)
        moved = (long)uio_put_zeros_nofault(uio, n);
    if (mapped)
        vm_object_close(node->inode.object, index);
    mutex_unlock(&node->inode.lock);
    return lower ? read_lower(node, uio, offset, n) : moved;
}

// A reader in the kernel (a mapping's pages) takes an unchanged file straight from below. Bytes read, 0: not so,
// -errno.
static long read_straight(struct memfs_node *node, struct uio *uio, u64 *offset)
{
    u64 size = READ_ONCE(node->lower_size);

    if (!uio->kernel || uio->count != 1 || !node->has_lower || !node->fs->lower->read_once || node->pages.pages ||
        *offset >= size || size != READ_ONCE(node->size))
        return 0;
    long n = node->fs->lower->read_once(node->lower, *offset, (u8 *)uio->iov->iov_base + uio->offset,
                                        MIN(uio->left, size - *offset));
    if (n > 0) {
        uio->offset += (size_t)n;
        uio->left -= (size_t)n;
        *offset += (u64)n;
    }
    return n;
}

static long read_file(struct file *file, struct uio *uio, u64 *offset)
{
    struct memfs_node *node = node_of(file->inode);
    long straight = read_straight(node, uio, offset);
    if (straight)
        return straight;
    size_t done = 0;
    long err = 0;

    while (!err && uio->left) {
        u64 size = READ_ONCE(node->size);
        if (*offset >= size)
            break;
        size_t n = MIN(MIN(uio->left, PAGE_SIZE - (*offset & PAGE_MASK)), size - *offset);
        long moved = read_piece(node, uio, *offset, n);
        if (moved < 0) {
            err = moved;
            break;
        }
        *offset += (u64)moved;
        done += (size_t)moved;
        if ((size_t)moved < n)
            err = uio_fault_in(uio, uio->left, true);
    }
    return done ? (long)done : err;
}

// What seals allow of a write: *n is cut to what does not grow the file. 0 or -EPERM.
static long may_write(const struct memfs_node *node, u64 offset, size_t *n)
{
    if (node->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE))
        return -EPERM;
    if (!(node->seals & F_SEAL_GROW) || offset + *n <= node->size)
        return 0;
    *n = node->size > offset ? node->size - offset : 0;
    return *n ? 0 : -EPERM;
}

// One piece within one page: bytes taken, fewer than n when the caller's memory is not there; -errno.
static long write_piece(struct memfs_node *node, struct uio *uio, u64 offset, size_t n)
{
    u8 *page;
    mutex_lock(&node->inode.lock);
    long moved = may_write(node, offset, &n);
    if (!moved && offset > node->size)
        moved = clear_tail(node);
    if (!moved)
        moved = memfs_page(node, offset >> PAGE_SHIFT, &page);
    if (!moved) {
        moved = (long)uio_take_nofault(uio, page + (offset & PAGE_MASK), n);
        memfs_page_done(node, offset >> PAGE_SHIFT);
    }
    if (moved > 0) {
        WRITE_ONCE(node->size, MAX(node->size, offset + (u64)moved));
        node->mtime = node->ctime = memfs_now();
    }
    mutex_unlock(&node->inode.lock);
    return moved;
}

// Writes until done, an error, or (0) the caller's memory is not there. node->writing is held.
static long write_pieces(struct memfs_node *node, struct uio *uio, u64 *offset, size_t *done)
{
    mutex_assert_held(&node->writing);
    while (uio->left) {
        if (*offset >= max_size)
            return -EFBIG;
        size_t n = MIN(uio->left, PAGE_SIZE - (*offset & PAGE_MASK));
        long moved = write_piece(node, uio, *offset, n);
        if (moved < 0)
            return moved;
        *offset += (u64)moved;
        *done += (size_t)moved;
        if ((size_t)moved < n)
            return 0;
    }
    return 0;
}

static long write_file(struct file *file, struct uio *uio, u64 *offset)
{
    struct memfs_node *node = node_of(file->inode);
    size_t done = 0;
    // What is appended stays in one piece: its source is brought in before the lock is taken.
    long err = file->flags & O_APPEND && uio->left ? uio_fault_in(uio, uio->left, false) : 0;

    while (!err && uio->left) {
        mutex_lock(&node->writing);
        if (file->flags & O_APPEND)
            *offset = READ_ONCE(node->size);
        err = write_pieces(node, uio, offset, &done);
        mutex_unlock(&node->writing);
        if (!err && uio->left)
            err = uio_fault_in(uio, uio->left, false);
    }
    return done ? (long)done : err;
}

// The bytes [offset, end) read as zeros from now on; whole pages are given back. inode.lock held.
static int zero_range(struct memfs_node *node, u64 offset, u64 end)
{
    int err = 0;

    for (u64 at = offset; !err && at < end;) {
        u64 n = MIN(PAGE_SIZE - (at & PAGE_MASK), end - at);
        bool below = node->has_lower && ALIGN_DOWN(at, PAGE_SIZE) < node->lower_size;
        u8 *page;
        if (n == PAGE_SIZE && !below) {
            err = memfs_drop(node, at >> PAGE_SHIFT, (at >> PAGE_SHIFT) + 1);
        } else if (below || pagetree_get(&node->pages, at >> PAGE_SHIFT)) {
            err = memfs_page(node, at >> PAGE_SHIFT, &page);
            if (!err) {
                memset(page + (at & PAGE_MASK), 0, n);
                memfs_page_done(node, at >> PAGE_SHIFT);
            }
        }
        at += n;
    }
    return err;
}

// Pages for [first, end), all or none. inode.lock held.
static int allocate_pages(struct memfs_node *node, u64 first, u64 end)
{
    u64 *made = kzalloc(DIV_ROUND_UP(end - first, 64ul) * sizeof(u64)), i;
    int err = made ? 0 : -ENOMEM;
    u8 *page;

    for (i = first; !err && i < end; i++) {
        if (pagetree_get(&node->pages, i))
            continue;
        err = memfs_page(node, i, &page);
        if (!err) {
            memfs_page_done(node, i);
            made[(i - first) / 64] |= 1ull << ((i - first) % 64);
        }
    }
    for (u64 j = first; err && made && j < i; j++)
        if (made[(j - first) / 64] & (1ull << ((j - first) % 64)))
            (void)!memfs_drop(node, j, j + 1);
    kfree(made);
    return err;
}

static int fallocate_locked(struct memfs_node *node, int mode, u64 offset, u64 len)
{
    const int zeroing = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE;
    bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && offset + len > node->size;
    int err = 0;

    if ((mode & zeroing) && (node->seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)))
        return -EPERM;
    if (grows && (node->seals & F_SEAL_GROW))
        return -EPERM;
    if (mode & zeroing)
        err = zero_range(node, offset, MIN(offset + len, node->size));
    if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
        err = allocate_pages(node, offset >> PAGE_SHIFT, DIV_ROUND_UP(offset + len, PAGE_SIZE));
    if (!err && grows)
        err = memfs_resize(node, offset + len);
    return err;
}

static int fallocate(struct file *file, int mode, u64 offset, u64 len)
{
    struct memfs_node *node = node_of(file->inode);

    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return -EOPNOTSUPP;
    if (len > max_size || offset > max_size - len)
        return -EFBIG;
    if (!(mode & FALLOC_FL_PUNCH_HOLE) && len / PAGE_SIZE > memfs_room(node->fs))
        return -ENOSPC;
    mutex_lock(&node->inode.lock);
    int err = fallocate_locked(node, mode, offset, len);
    mutex_unlock(&node->inode.lock);
    return err;
}

static s64 seek_data(struct file *file, u64 offset, bool hole)
{
    struct memfs_node *node = node_of(file->inode);

    mutex_lock(&node->inode.lock);
    s64 found = hole ? (s64)node->size : -ENXIO;
    if (offset >= node->size) {
        found = -ENXIO;
    } else {
        for (u64 at = offset; at < node->size; at = ALIGN_DOWN(at, PAGE_SIZE) + PAGE_SIZE) {
            bool data = pagetree_get(&node->pages, at >> PAGE_SHIFT) || (node->has_lower && at < node->lower_size);
            if (data != hole) {
                found = (s64)at;
                break;
            }
        }
    }
    mutex_unlock(&node->inode.lock);
    return found;
}

static const struct file_ops regular_ops = {
    .read = read_file, .write = write_file, .fallocate = fallocate, .seek_data = seek_data
};

// Positions: 0 ".", 1 "..", then 1 + the entry's own.
static int getdents(struct file *file, struct dir_sink *sink, u64 *position)
{
    struct memfs_node *dir = node_of(file->inode);
    struct memfs_entry *entry;
    int err, full = 0;

    mutex_lock(&dir->fs->tree);
    err = memfs_populate(dir);
    if (!err && !dir->entry && dir->parent != dir)
        err = -ENOENT; // removed
    if (!err && *position == 0 && !(full = sink->emit(sink, ".", 1, dir->inode.ino, S_IFDIR >> 12, 1)))
        *position = 1;
    if (!err && !full && *position == 1 &&
        !(full = sink->emit(sink, "..", 2, dir->parent ? dir->parent->inode.ino : dir->inode.ino, S_IFDIR >> 12, 2)))
        *position = 2;
    if (!err && !full) {
        list_for_each (entry, &dir->order, by_position) {
            if (entry->position + 1 < *position)
                continue;
            if (sink->emit(sink, entry->name, strlen(entry->name), entry->node ? entry->node->inode.ino : entry->ino,
                           entry->type, entry->position + 2))
                break;
            *position = entry->position + 2;
        }
    }
    mutex_unlock(&dir->fs->tree);
    return err;
}

static const struct file_ops dir_ops = { .getdents = getdents };

int memfs_open(struct inode *inode, struct file *file)
{
    struct memfs_node *node = node_of(inode);
    switch (node->inode.mode & S_IFMT) {
    case S_IFREG:
        file->ops = &regular_ops;
        return 0;
    case S_IFDIR:
        file->ops = &dir_ops;
        return 0;
    default:
        return special_open(inode, node->inode.mode, node->rdev, file);
    }
}

int memfs_gate_table(void *arg, u64 which, const void **ret_table, size_t *ret_size)
{
    struct file *file = arg;
    struct memfs_node *node = file->inode && file->inode->ops == &memfs_ops ? node_of(file->inode) : NULL;

    *ret_table = NULL;
    // Only while the file is the image's own: a written one is scanned afresh.
    if (!node || !S_ISREG(node->inode.mode) || !node->has_lower || node->pages.pages ||
        node->size != node->lower_size || !node->fs->lower->gate_table)
        return 0;
    // The build has looked into every ELF file of the image: one without a table has nothing to rewrite.
    int err = node->fs->lower->gate_table(node->lower | which, ret_table, ret_size);
    return err ? err : *ret_table ? 0 : -ENOENT;
}
