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
