// SPDX-License-Identifier: BSD-3-Clause
// Pages of host files that programs map shared. They are filled from the host and written back by msync, fsync, the end
// of a mapping and the end of the program. As long as a page is in memory it is what read(2) sees.
#include "base/string.h"
#include "libos/fs/hostfs_node.h"

// The descriptor that pages are moved by: opened at the first need, for writing if the host allows.
static int data_fd(struct hostfs_node *node)
{
    if (node->data_fd < 0)
        node->data_fd = hostfile_reopen(node->handle, O_RDWR);
    if (node->data_fd < 0)
        node->data_fd = hostfile_reopen(node->handle, O_RDONLY);
    return node->data_fd;
}

static u64 object_size(void *owner)
{
    struct host_stat st;
    return hostfile_stat(hostfs_node_of(owner)->handle, &st) == 0 ? MIN(st.size, (u64)INT64_MAX) : 0;
}

static int object_fill(void *owner, u64 index, u64 count, u8 *bytes)
{
    int fd = data_fd(hostfs_node_of(owner));
    for (u64 size = count * PAGE_SIZE, done = 0; done < size;) {
        long n = fd < 0 ? fd : hostfile_read(fd, index * PAGE_SIZE + done, bytes + done, size - done);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break; // the end of the file: zeros
        done += MIN((u64)n, size - done);
    }
    return 0;
}

static int object_write(void *owner, u64 index, const u8 *page)
{
    u64 start = index * PAGE_SIZE, size = object_size(owner);
    int fd = data_fd(hostfs_node_of(owner));
    for (u64 n = size > start ? MIN(size - start, PAGE_SIZE) : 0, done = 0; done < n;) {
        long moved = fd < 0 ? fd : hostfile_write(fd, start + done, page + done, n - done);
        if (moved <= 0)
            return moved ? (int)moved : -EIO;
        done += MIN((u64)moved, n - done);
    }
    return 0;
}

const struct vm_object_ops hostfs_object_ops = {
    .window = 8, .size = object_size, .fill = object_fill, .write = object_write
};

long hostfs_read_mapped(struct hostfs_node *node, struct uio *uio, u64 offset, size_t n)
{
    u64 index = offset / PAGE_SIZE;
    u8 *page;
    if (!READ_ONCE(node->inode.object))
        return -ENOENT;
    mutex_lock(&node->inode.lock);
    long moved = vm_object_has(node->inode.object, index) ? 0 : -ENOENT;
    if (!moved) {
        u64 size = object_size(&node->inode);
        n = size > offset ? MIN(MIN(n, PAGE_SIZE - (offset & PAGE_MASK)), size - offset) : 0;
        moved = vm_object_open(node->inode.object, index, false, &page);
        if (!moved)
            moved = (long)uio_put_nofault(uio, page + (offset & PAGE_MASK), n);
        vm_object_close(node->inode.object, index);
        if (n == 0)
            moved = -ENODATA;
    }
    mutex_unlock(&node->inode.lock);
    return moved;
}

void hostfs_written(struct hostfs_node *node, u64 offset, const u8 *bytes, size_t n)
{
    struct vm_object *object = node->inode.object;
    u8 *page;
    for (size_t done = 0, piece; object && done < n; done += piece) {
        u64 at = offset + done, index = at / PAGE_SIZE;
        piece = MIN(n - done, PAGE_SIZE - (at & PAGE_MASK));
        if (!vm_object_has(object, index))
            continue;
        if (vm_object_open(object, index, true, &page) == 0)
            memcpy(page + (at & PAGE_MASK), bytes + done, piece);
        vm_object_close(object, index);
    }
}

int hostfs_resized(struct hostfs_node *node, u64 old_size, u64 size)
{
    struct vm_object *object = node->inode.object;
    u64 least = MIN(old_size, size), index = least / PAGE_SIZE;
    u8 *page;
    int err = object && size < old_size ? vm_object_drop(object, DIV_ROUND_UP(size, PAGE_SIZE), UINT64_MAX) : 0;
    if (err || !(least & PAGE_MASK) || !vm_object_has(object, index))
        return err;
    // What lies behind the smaller end is zero, now and when the file grows.
    err = vm_object_open(object, index, true, &page);
    if (!err)
        memset(page + (least & PAGE_MASK), 0, PAGE_SIZE - (least & PAGE_MASK));
    vm_object_close(object, index);
    return err;
}

int hostfs_reaching(struct hostfs_node *node, u64 offset)
{
    if (!node->inode.object)
        return 0;
    u64 size = object_size(&node->inode);
    return offset > size ? hostfs_resized(node, size, offset) : 0;
}
