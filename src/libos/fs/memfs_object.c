// SPDX-License-Identifier: BSD-3-Clause
// Pages of files in memory. Those of a file that was mapped shared lie at its object's home (vm/vm.h), which read and
// write use too; the page tree then only says that they are there.
#include "base/string.h"
#include "libos/fs/memfs_node.h"
#include "libos/mem/filepages.h"
#include "libos/mem/limits.h"
#include "libos/vm/vm.h"

// Takes one page of the file system's limit. False when it is used up.
bool memfs_charge(struct memfs *fs)
{
    if (__atomic_add_fetch(&fs->used, 1, __ATOMIC_RELAXED) <= fs->limit || !fs->limit)
        return true;
    __atomic_sub_fetch(&fs->used, 1, __ATOMIC_RELAXED);
    limit_note(LIMIT_MEMORY_FILES, fs->limit * PAGE_SIZE);
    return false;
}

int memfs_drop(struct memfs_node *node, u64 first, u64 end)
{
    int err = node->inode.object ? vm_object_drop(node->inode.object, first, end) : 0;
    if (err)
        return err;
    u64 before = node->pages.pages;
    pagetree_drop(&node->pages, first, end);
    __atomic_sub_fetch(&node->fs->used, before - node->pages.pages, __ATOMIC_RELAXED);
    return 0;
}

static int plain_page(struct memfs_node *node, u64 index, u8 **ret_page)
{
    u8 *page = pagetree_get(&node->pages, index);
    u64 start = index << PAGE_SHIFT;
    long n = 0;

    if (page) {
        *ret_page = page;
        return 0;
    }
    if (!memfs_charge(node->fs))
        return -ENOSPC;
    page = filepage_alloc();
    int err = page ? 0 : -ENOSPC;
    if (!err && node->has_lower && start < node->lower_size)
        n = node->fs->lower->read(node->lower, start, page, MIN(PAGE_SIZE, node->lower_size - start));
    if (n < 0)
        err = (int)n;
    if (!err) {
        memset(page + n, 0, PAGE_SIZE - (size_t)n);
        err = pagetree_put(&node->pages, index, page);
    }
    if (!err) {
        *ret_page = page;
        return 0;
    }
    if (page)
        filepage_free(page);
    __atomic_sub_fetch(&node->fs->used, 1, __ATOMIC_RELAXED);
    return err;
}

int memfs_page(struct memfs_node *node, u64 index, u8 **ret_page)
{
    if (vm_object_covers(node->inode.object, index))
        return vm_object_open(node->inode.object, index, true, ret_page);
    return plain_page(node, index, ret_page);
}

void memfs_page_done(struct memfs_node *node, u64 index)
{
    if (vm_object_covers(node->inode.object, index))
        vm_object_close(node->inode.object, index);
}

enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE };

void memfs_set_seals(struct inode *inode, u32 seals) { node_of(inode)->seals = seals; }

int memfs_get_seals(struct inode *inode, u32 *ret_seals)
{
    if (!inode || inode->ops != &memfs_ops || !S_ISREG(inode->mode))
        return -EINVAL;
    mutex_lock(&inode->lock);
    *ret_seals = node_of(inode)->seals;
    mutex_unlock(&inode->lock);
    return 0;
}

int memfs_add_seals(struct inode *inode, u32 seals)
{
    int err = 0;
    if (!inode || inode->ops != &memfs_ops || !S_ISREG(inode->mode) || (seals & ~(u32)ALL_SEALS))
        return -EINVAL;
    struct memfs_node *node = node_of(inode);
    mutex_lock(&inode->lock);
    if (node->seals & F_SEAL_SEAL)
        err = -EPERM;
    else if ((seals & F_SEAL_WRITE) && !(node->seals & F_SEAL_WRITE) && vm_object_writable(inode->object))
        err = -EBUSY;
    else
        node->seals |= seals;
    mutex_unlock(&inode->lock);
    return err;
}

static u64 object_size(void *owner) { return node_of(owner)->size; }

static int object_fill(void *owner, u64 index, u64 count, u8 *bytes)
{
    struct memfs_node *node = node_of(owner);
    for (u64 i = 0; i < count; i++, bytes += PAGE_SIZE) {
        u64 start = (index + i) << PAGE_SHIFT;
        const u8 *page = pagetree_get(&node->pages, index + i);
        if (page) {
            memcpy(bytes, page, PAGE_SIZE);
        } else if (node->has_lower && start < node->lower_size) {
            long n = node->fs->lower->read(node->lower, start, bytes, MIN(PAGE_SIZE, node->lower_size - start));
            if (n < 0)
                return (int)n;
        }
    }
    return 0;
}

static int object_placed(void *owner, u64 index, u8 *page)
{
    struct memfs_node *node = node_of(owner);
    bool new = !pagetree_get(&node->pages, index);
    if (new && !memfs_charge(node->fs))
        return -ENOSPC;
    int err = pagetree_lend(&node->pages, index, page);
    if (err && new)
        __atomic_sub_fetch(&node->fs->used, 1, __ATOMIC_RELAXED);
    return err;
}

const struct vm_object_ops memfs_object_ops = { .size = object_size, .fill = object_fill, .placed = object_placed };
