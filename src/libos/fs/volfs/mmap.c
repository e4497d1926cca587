// SPDX-License-Identifier: BSD-3-Clause
// Pages of files that programs map shared: filled from the volume or the image, written back by msync, fsync, the end
// of a mapping and the end of the program.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/vm/vm.h"

enum { WINDOW_PAGES = 8 };

static u64 object_size(void *owner)
{
    struct volfs_node *node = vnode_of(owner);

    volfs_lock(node->fs);
    u64 size = volfs_size(node);
    volfs_unlock(node->fs);
    return size;
}

static int object_fill(void *owner, u64 index, u64 count, u8 *bytes)
{
    struct volfs_node *node = vnode_of(owner);
    u64 size = count * PAGE_SIZE;

    for (u64 done = 0; done < size;) {
        long n = volfs_read(node, index * PAGE_SIZE + done, bytes + done, size - done, true);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break; // the end of the file: zeros
        done += (u64)n;
    }
    return 0;
}

static int object_write(void *owner, u64 index, const u8 *page)
{
    struct volfs_node *node = vnode_of(owner);
    u64 start = index * PAGE_SIZE, size = object_size(owner), n = size > start ? MIN(size - start, PAGE_SIZE) : 0;

    while (n) {
        long moved = volfs_write(node, start, page, n);
        if (moved <= 0)
            return moved ? (int)moved : -ENOSPC;
        start += (u64)moved, page += moved, n -= (u64)moved;
    }
    return 0;
}

const struct vm_object_ops volfs_object_ops = {
    .window = WINDOW_PAGES, .size = object_size, .fill = object_fill, .write = object_write
};
