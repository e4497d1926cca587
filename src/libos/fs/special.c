// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/special.h"

#include "libos/fs/memfs.h"

int special_open(struct inode *inode, u32 mode, u64 rdev, struct file *file)
{
    switch (mode & S_IFMT) {
    case S_IFCHR:
        return device_open(rdev, mode, file);
    case S_IFIFO:
        return fs_special.open_fifo(inode, file);
    default:
        return -ENXIO;
    }
}
