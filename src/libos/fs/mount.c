// SPDX-License-Identifier: BSD-3-Clause
// What the measured configuration mounts.
#include "abi/occlum/ocall_types.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/fs/devfs.h"
#include "libos/fs/file.h"
#include "libos/fs/hostfs.h"
#include "libos/fs/hostio.h"
#include "libos/fs/image_fs.h"
#include "libos/fs/memfs.h"
#include "libos/fs/mount.h"
#include "libos/fs/procfs.h"
#include "libos/fs/volfs/disk.h"
#include "libos/fs/volfs/volfs.h"
#include "trusted/log.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "libos/thread/thread.h"

void (*fs_raise_signal)(int signo);

// Walks to an absolute directory, making what is missing on the way. Without symlinks: the configuration names real
// paths.
static int make_directory(const char *path, struct inode **ret_inode)
{
    struct inode *at = inode_ref(fs_root), *next;
    char name[256];
    int err = 0;

    while (!err) {
        while (*path == '/')
            path++;
        size_t n = 0;
        while (path[n] && path[n] != '/')
            n++;
        if (!n)
            break;
        if (n >= sizeof(name) || !at->ops->lookup) {
            err = -ENOTDIR;
            break;
        }
        memcpy(name, path, n);
        name[n] = '\0';
        path += n;
        err = at->ops->lookup(at, name, &next);
        if (err == -ENOENT && at->ops->create)
            err = at->ops->create(at, name, S_IFDIR | 0755, 0, &next);
        if (err)
            break;
        inode_unref(at);
        at = mount_cross(next);
        if (!inode_is_dir(at))
            err = -ENOTDIR;
    }
    if (err)
        inode_unref(at);
    else
        *ret_inode = at;
    return err;
}

static int attach(const char *target, const char *source, const char *type, struct inode *root)
{
    struct inode *dir;
    int err = make_directory(target, &dir);

    if (err)
        return err;
    err = mount_attach(dir, root, source, target, type);
    inode_unref(dir);
    return err;
}

// Whoever has /proc has /sys too.
static int attach_sysfs(void)
{
    struct inode *root;
    int err = sysfs_create(&root);
    return err ? err : attach("/sys", "sysfs", "sysfs", root);
}

static int volume_error;

int fs_volume_error(void) { return volume_error; }

int fs_sync(void) { return mount_sync_all(); }

static const char *why_no_volume(int err)
{
    switch (err) {
    case -ENOENT:
        return "there is no such folder";
    case -EBUSY:
        return "another enclave has it";
    case -EBADMSG:
        return "it was made with another key, or the host changed it";
    case -EINVAL:
        return "its file is no volume";
    case -ESTALE:
        return "it is not what its freshness anchor names";
    case -ENOSPC:
        return "the host's disk is full";
    default:
        return "the host or the volume failed";
    }
}

int mount_open_volume(const char *source, const char *anchor, u64 size, bool grow, const struct lower_tree *lower,
                      u64 lower_root, struct inode **ret_root)
{
    struct ext2 *ext2;
    int err = volfs_disk_open(source, anchor, size, grow, &ext2);

    if (err)
        log_error("volume in %s: %s (error %d)", source, why_no_volume(err), -err);
    else
        err = volfs_create(ext2, lower, lower_root, ret_root);
    return err;
}

static int mount_root(const struct occlum_config *config, const struct host_image *image)
{
    const struct occlum_mount *list = (const struct occlum_mount *)((const u8 *)config + config->mount_offset);
    const char *source = "", *anchor = "";
    const struct lower_tree *lower = NULL;
    u64 lower_root = 0, size = 0;
    int err = config->image.present ? image_fs_open(&config->image, image, &lower, &lower_root) : 0;

    for (u32 i = 0; i < config->mount_count; i++)
        if (list[i].type == OCCLUM_MOUNT_ROOT) {
            source = (const char *)config + list[i].source;
            anchor = (const char *)config + list[i].anchor;
            size = list[i].size;
        }
    if (!err)
        err = *source ? (volume_error = mount_open_volume(source, anchor, size, true, lower, lower_root, &fs_root))
                      : memfs_create(lower, lower_root, 0755, &fs_root);
    if (!err && !*source)
        memfs_set_limit(fs_root, size / PAGE_SIZE);
    return err ? err : mount_attach(NULL, fs_root, "unionfs", "/", "unionfs");
}

// Terminals belong to the devices: /dev/pts for /dev.
static int attach_devpts(const char *devices)
{
    char target[256];
    struct inode *root;

    if (fmt_format(target, sizeof(target), "%s/pts", devices) >= sizeof(target))
        return -ENAMETOOLONG;
    int err = fs_special.make_devpts ? fs_special.make_devpts(&root) : -ENOSYS;
    if (err)
        return err == -ENOSYS ? 0 : err;
    return attach(target, "devpts", "devpts", root);
}

static int mount_one(const struct occlum_config *config, const struct occlum_mount *mount)
{
    const char *target = (const char *)config + mount->target, *source = (const char *)config + mount->source;
    struct inode *root;
    int err;

    switch (mount->type) {
    case OCCLUM_MOUNT_ROOT:
        return 0;
    case OCCLUM_MOUNT_TMPFS:
        err = memfs_create(NULL, 0, 01777, &root);
        if (err)
            return err;
        memfs_set_limit(root, mount->size / PAGE_SIZE);
        return attach(target, "tmpfs", "tmpfs", root);
    case OCCLUM_MOUNT_DEVFS:
        err = devfs_create(&root);
        if (!err)
            err = attach(target, "devtmpfs", "devtmpfs", root);
        return err ? err : attach_devpts(target);
    case OCCLUM_MOUNT_PROCFS:
        err = procfs_create(&root);
        if (!err)
            err = attach(target, "proc", "proc", root);
        return err ? err : attach_sysfs();
    case OCCLUM_MOUNT_HOSTFS:
        err = hostfs_create(source, &root);
        if (err) {
            log_warn("host folder %s cannot be mounted at %s: error %d", source, target, -err);
            return 0; // the host can always withhold it
        }
        return attach(target, source, "hostfs", root);
    case OCCLUM_MOUNT_VOLUME:
        err = volume_error =
            mount_open_volume(source, (const char *)config + mount->anchor, mount->size, true, NULL, 0, &root);
        return err ? err : attach(target, source, "ext2", root);
    default:
        return -EINVAL;
    }
}

int fs_init(const struct occlum_config *config, const struct host_image *image)
{
    const struct occlum_mount *list = (const struct occlum_mount *)((const u8 *)config + config->mount_offset);
    fd_init();
    mount_set_config(config);
    int err = mount_root(config, image);

    for (u32 i = 0; !err && i < config->mount_count; i++) {
        err = mount_one(config, &list[i]);
        if (err)
            log_error("mount %s: error %d", (const char *)config + list[i].target, -err);
    }
    return err;
}

int files_create_streams(const int fds[3], bool owned, const struct host_stat *stats, struct files **ret_files)
{
    struct file *file;
    int err = files_create_empty(ret_files);

    if (err)
        return err;
    current->files = *ret_files;
    for (int fd = 0; fd < 3 && !err; fd++) {
        if (fds[fd] < 0)
            continue;
        if (hostio_open(fds[fd], owned, stats ? &stats[fd] : NULL, O_RDWR, &file)) {
            if (owned)
                hostfile_close(fds[fd]);
            continue;
        }
        err = files_replace(fd, file, false);
        err = err < 0 ? err : 0;
    }
    return err;
}
