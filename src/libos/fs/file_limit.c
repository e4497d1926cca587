// SPDX-License-Identifier: BSD-3-Clause
// RLIMIT_FSIZE (setrlimit(2)).
#include "libos/fs/file.h"

u64 (*fs_size_limit)(void);

static int too_large(void)
{
    fs_raise_signal(SIGXFSZ);
    return -EFBIG;
}

int file_limit_write(struct file *file, u64 offset, size_t *n)
{
    u64 limit = fs_size_limit ? fs_size_limit() : RLIM64_INFINITY;

    if (likely(limit == RLIM64_INFINITY) || !file->inode || !S_ISREG(file->inode->mode) || !*n)
        return 0;
    if (file->flags & O_APPEND)
        offset = file_size(file);
    if (offset >= limit)
        return too_large();
    *n = (size_t)MIN((u64)*n, limit - offset);
    return 0;
}

int file_limit_size(struct inode *inode, u64 size)
{
    u64 limit = fs_size_limit ? fs_size_limit() : RLIM64_INFINITY;
    struct kstat st;

    if (likely(limit == RLIM64_INFINITY || size <= limit) || !S_ISREG(inode->mode))
        return 0;
    int err = inode->ops->getattr(inode, &st);
    if (err)
        return err;
    return size > st.size ? too_large() : 0;
}
