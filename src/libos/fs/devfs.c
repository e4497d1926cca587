// SPDX-License-Identifier: BSD-3-Clause
// /dev: a file system in memory with device nodes, and what opening one gives.
#include "libos/fs/devfs.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/fs/memfs.h"
#include "libos/fs/volfs/volfs.h"
#include "libos/mem/heap.h"
#include "trusted/random.h"

#define DEVICE(major, minor) (((u64)(major) << 8) | (minor))

static long read_null(struct file *file, struct uio *uio, u64 *offset) { return 0; }

static long write_null(struct file *file, struct uio *uio, u64 *offset) { return (long)uio->left; }

static long read_zero(struct file *file, struct uio *uio, u64 *offset) { return uio_put_zeros_some(uio, uio->left); }

static long write_full(struct file *file, struct uio *uio, u64 *offset) { return -ENOSPC; }

static long read_random(struct file *file, struct uio *uio, u64 *offset)
{
    u8 chunk[256];
    long done = 0;

    while (uio->left) {
        size_t n = MIN(uio->left, sizeof(chunk));
        random_bytes(chunk, n);
        if (uio_put(uio, chunk, n))
            return done ? done : -EFAULT;
        done += (long)n;
    }
    return done;
}

static const struct file_ops null_ops = { .read = read_null, .write = write_null };
static const struct file_ops zero_ops = { .read = read_zero, .write = write_null };
static const struct file_ops full_ops = { .read = read_zero, .write = write_full };
static const struct file_ops random_ops = { .read = read_random, .write = write_null };

bool device_is_null(const struct file *file) { return file->ops == &null_ops; }

bool device_is_zero(const struct file *file) { return file->ops == &zero_ops; }

static const struct {
    const char *name;
    u64 rdev;
    const struct file_ops *ops;
} devices[] = {
    { "null", DEVICE(1, 3), &null_ops },      { "zero", DEVICE(1, 5), &zero_ops },
    { "full", DEVICE(1, 7), &full_ops },      { "random", DEVICE(1, 8), &random_ops },
    { "urandom", DEVICE(1, 9), &random_ops }, { "volume", DEVICE(10, 243), &volfs_device_ops },
};

int device_open(u64 rdev, u32 mode, struct file *file)
{
    for (size_t i = 0; i < ARRAY_SIZE(devices); i++)
        if (devices[i].rdev == rdev) {
            file->ops = devices[i].ops;
            return 0;
        }
    return fs_special.open_terminal ? fs_special.open_terminal(rdev, file) : -ENXIO;
}

static int add(struct inode *dir, const char *name, u32 mode, u64 rdev)
{
    struct inode *inode;
    int err = dir->ops->create(dir, name, mode, rdev, &inode);
    if (!err)
        inode_unref(inode);
    return err;
}

int devfs_create(struct inode **ret_root)
{
    static const char *const links[][2] = {
        { "fd", "/proc/self/fd" },
        { "stdin", "/proc/self/fd/0" },
        { "stdout", "/proc/self/fd/1" },
        { "stderr", "/proc/self/fd/2" },
    };
    static const struct {
        const char *name;
        u32 mode;
        u64 rdev;
    } terminals[] = {
        { "tty", 0666, DEVICE(5, 0) },
        { "console", 0600, DEVICE(5, 1) },
        { "ptmx", 0666, DEVICE(5, 2) },
    };
    struct inode *root;
    int err = memfs_create(NULL, 0, 0755, &root);

    for (size_t i = 0; !err && i < ARRAY_SIZE(devices); i++)
        err = add(root, devices[i].name, S_IFCHR | 0666, devices[i].rdev);
    for (size_t i = 0; !err && i < ARRAY_SIZE(terminals); i++)
        err = add(root, terminals[i].name, S_IFCHR | terminals[i].mode, terminals[i].rdev);
    if (!err)
        err = add(root, "shm", S_IFDIR | 01777, 0);
    if (!err)
        err = add(root, "pts", S_IFDIR | 0755, 0);
    for (size_t i = 0; !err && i < ARRAY_SIZE(links); i++)
        err = root->ops->symlink(root, links[i][0], links[i][1]);
    if (!err)
        *ret_root = root;
    return err;
}
