// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/mapped.h"

#include "base/string.h"
#include "libos/vm/vm.h"

long mapped_read(struct inode *inode, struct uio *uio, u64 offset, size_t n)
{
    u64 index = offset / PAGE_SIZE;
    u8 *page;
    if (!READ_ONCE(inode->object))
        return -ENOENT;
    mutex_lock(&inode->lock);
    long moved = vm_object_has(inode->object, index) ? 0 : -ENOENT;
    if (!moved) {
        u64 size = inode->ops->object_ops->size(inode);
        n = size > offset ? MIN(MIN(n, PAGE_SIZE - (offset & PAGE_MASK)), size - offset) : 0;
        moved = vm_object_open(inode->object, index, false, &page);
        if (!moved)
            moved = (long)uio_put_nofault(uio, page + (offset & PAGE_MASK), n);
        vm_object_close(inode->object, index);
        if (n == 0)
            moved = -ENODATA;
    }
    mutex_unlock(&inode->lock);
    return moved;
}

void mapped_written(struct inode *inode, u64 offset, const u8 *bytes, size_t n)
{
    struct vm_object *object = inode->object;
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

int mapped_resized(struct inode *inode, u64 old_size, u64 size)
{
    struct vm_object *object = inode->object;
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

int mapped_reaching(struct inode *inode, u64 offset)
{
    if (!inode->object)
        return 0;
    u64 size = inode->ops->object_ops->size(inode);
    return offset > size ? mapped_resized(inode, size, offset) : 0;
}

int mapped_zeroed(struct inode *inode, u64 offset, u64 len)
{
    struct vm_object *object = inode->object;
    u64 end = MIN(len, UINT64_MAX - offset) + offset;
    int err = 0;
    u8 *page;

    end = object ? MIN(end, inode->ops->object_ops->size(inode)) : 0;
    for (u64 at = offset, piece; at < end && !err; at += piece) {
        piece = MIN(end - at, PAGE_SIZE - (at & PAGE_MASK));
        if (!vm_object_has(object, at / PAGE_SIZE))
            continue;
        err = vm_object_open(object, at / PAGE_SIZE, true, &page);
        if (!err)
            memset(page + (at & PAGE_MASK), 0, piece);
        vm_object_close(object, at / PAGE_SIZE);
    }
    return err;
}
