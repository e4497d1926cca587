// SPDX-License-Identifier: BSD-3-Clause
// The volume's host file: opened, or made when there is none.
#include "libos/fs/volfs/disk.h"

#include "base/string.h"
#include "libos/fs/volfs/anchor.h"
#include "libos/fs/volfs/key.h"
#include "libos/fs/volfs/volfs.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "libos/time/time.h"
#include "trusted/log.h"
#include "trusted/random.h"
#include "trusted/vector.h"

enum { CACHE_BLOCKS = 1024 }; // 4 MiB of the kernel heap

#define VOLUME_FILE "volume"
#define MAKING_FILE "volume.new" // until there is a file system in it

static void *env_alloc(size_t size)
{
    return size < PAGE_SIZE ? kmalloc(size) : kpages_alloc(DIV_ROUND_UP(size, PAGE_SIZE));
}

static void env_free(void *memory, size_t size)
{
    if (size < PAGE_SIZE)
        kfree(memory);
    else
        kpages_free(memory, DIV_ROUND_UP(size, PAGE_SIZE));
}

static const struct volume_env env = {
    .alloc = env_alloc, .free = env_free, .random = random_bytes, .vector_begin = vector_begin, .vector_end = vector_end
};

// The host's files of a volume: what its backend works on.
struct disk {
    int fd;
    struct volfs_anchor anchor;
};

static int fd_of(void *context) { return ((struct disk *)context)->fd; }

int volfs_host_read(int fd, u64 offset, void *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        long n = hostfile_read(fd, offset + done, (u8 *)buf + done, size - done);
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        if (n == 0) { // behind the end of the file
            memset((u8 *)buf + done, 0, size - done);
            break;
        }
        done += (size_t)n;
    }
    return 0;
}

int volfs_host_write(int fd, u64 offset, const void *buf, size_t size)
{
    size_t done = 0;

    while (done < size) {
        long n = hostfile_write(fd, offset + done, (const u8 *)buf + done, size - done);
        if (n == -EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? (int)n : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static int disk_read(void *context, u64 offset, void *buf, size_t size)
{
    return volfs_host_read(fd_of(context), offset, buf, size);
}

static int disk_write(void *context, u64 offset, const void *buf, size_t size)
{
    return volfs_host_write(fd_of(context), offset, buf, size);
}

static int disk_reserve(void *context, u64 offset, u64 size)
{
    int err = hostfile_fallocate(fd_of(context), 0, offset, size);
    return err == -EOPNOTSUPP ? 0 : err; // then a full disk is told when it is written
}

static void disk_discard(void *context, u64 offset, u64 size)
{
    (void)!hostfile_fallocate(fd_of(context), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

static int disk_sync(void *context) { return hostfile_sync(fd_of(context), true); }

static s64 disk_size(void *context)
{
    struct host_stat st;
    int err = hostfile_stat(fd_of(context), &st);
    return err ? err : (s64)st.size;
}

static int disk_committed(void *context, u64 generation, const u8 root_tag[16])
{
    return volfs_anchor_keep(&((struct disk *)context)->anchor, generation, root_tag);
}

static struct volume_backend backend_of(struct disk *disk)
{
    return (struct volume_backend){
        .context = disk,
        .read = disk_read,
        .write = disk_write,
        .reserve = disk_reserve,
        .discard = disk_discard,
        .sync = disk_sync,
        .size = disk_size,
        .committed = disk->anchor.fd >= 0 ? disk_committed : NULL,
    };
}

int volfs_host_open(int dir, const char *name, bool create)
{
    int err = create ? hostfile_create(dir, name, 0600) : 0;
    return err ? err : hostfile_open(dir, name, O_RDWR);
}

// The descriptor of the host file. It is the enclave's alone from here on: -EBUSY when another one has it.
static int open_file(int dir, const char *name, bool create)
{
    int fd = volfs_host_open(dir, name, create);
    int err = fd < 0 ? 0 : hostfile_lock(fd);

    if (err) {
        hostfile_close(fd);
        return err == -EAGAIN ? -EBUSY : err;
    }
    return fd;
}

static const u8 no_binding[32];

// What a run that was killed left: taken away, unless another enclave is making it right now (-EBUSY).
static int clear_making(int dir)
{
    int fd = open_file(dir, MAKING_FILE, false);

    if (fd < 0)
        return fd == -ENOENT ? 0 : fd;
    int err = hostfile_unlink(dir, MAKING_FILE, false);
    hostfile_close(fd);
    return err;
}

// The name of a file is durable when its folder was synced.
static int sync_folder(int dir)
{
    int fd = hostfile_reopen(dir, O_RDONLY | O_DIRECTORY);
    int err = fd < 0 ? fd : hostfile_sync(fd, false);

    if (fd >= 0)
        hostfile_close(fd);
    return err;
}

// A new, empty file system in the file.
static int fill(int fd, const u8 key[32], u64 size)
{
    struct volume_options options = { .cache_blocks = CACHE_BLOCKS };
    struct disk disk = { .fd = fd, .anchor.fd = -1 };
    struct volume_backend backend = backend_of(&disk);
    struct volume *volume;
    u64 blocks = size / VOLUME_BLOCK;
    memcpy(options.key, key, sizeof(options.key));
    int err = volume_format(&env, &backend, key, no_binding, blocks, blocks);
    if (!err)
        err = volume_open(&env, &backend, &options, &volume);
    memset(options.key, 0, sizeof(options.key));
    barrier();
    if (!err) {
        err = ext2_format(volume, &env, blocks, time_realtime_ns());
        volume_close(volume);
    }
    return err;
}

// A new volume. It has its name when the file system in it is whole: a run that is killed before leaves none.
static int make(int dir, const u8 key[32], u64 size)
{
    int err = clear_making(dir);
    int fd = err ? err : open_file(dir, MAKING_FILE, true);

    if (fd < 0)
        return fd == -EEXIST ? -EBUSY : fd;
    err = fill(fd, key, size);
    if (!err)
        err = hostfile_rename(dir, MAKING_FILE, dir, VOLUME_FILE, RENAME_NOREPLACE);
    if (!err) {
        err = sync_folder(dir);
        return err ? hostfile_close(fd), err : fd;
    }
    (void)!hostfile_unlink(dir, MAKING_FILE, false); // ours: it is locked
    hostfile_close(fd);
    return err == -EEXIST ? -EBUSY : err;
}

static int mount(struct disk *disk, const u8 key[32], u64 grow_to, struct ext2 **ret_ext2);

// Without growing, from the last commit on.
static int mount_again(struct disk *disk, const u8 key[32], struct ext2 *failed, int why, struct ext2 **ret_ext2)
{
    struct volume *volume = failed->volume;

    log_warn("volume: it cannot grow to the disk_size of Occlum.json (error %d) and stays as it is", -why);
    ext2_unmount(failed);
    volume_close(volume);
    return mount(disk, key, 0, ret_ext2);
}

// grow_to: blocks that it is to have at least.
static int mount(struct disk *disk, const u8 key[32], u64 grow_to, struct ext2 **ret_ext2)
{
    struct volume_options options = { .cache_blocks = CACHE_BLOCKS };
    struct volume_backend backend = backend_of(disk);
    struct volume_info info;
    struct volume *volume;

    memcpy(options.key, key, sizeof(options.key));
    int err = volume_open(&env, &backend, &options, &volume);
    memset(options.key, 0, sizeof(options.key));
    barrier();
    if (err)
        return err;
    volume_get_info(volume, &info);
    if (info.damaged_superblocks)
        log_warn("volume: %u superblock of 4 is not whole: a commit was cut off, or the host changed it",
                 info.damaged_superblocks);
    err = volfs_anchor_check(&disk->anchor, &info);
    if (!err)
        err = ext2_mount(volume, &env, ret_ext2);
    if (err) {
        volume_close(volume);
        return err;
    }
    err = ext2_grow(*ret_ext2, grow_to);
    return err ? mount_again(disk, key, *ret_ext2, err, ret_ext2) : 0;
}

static void close_disk(struct disk *disk)
{
    volfs_anchor_close(&disk->anchor);
    if (disk->fd >= 0)
        hostfile_close(disk->fd);
    kfree(disk);
}

// The volume's file in the folder, made if there is none, and the anchor.
static int open_disk(struct disk *disk, int dir, const char *anchor, const u8 key[32], u64 size)
{
    disk->fd = open_file(dir, VOLUME_FILE, false);
    bool there = disk->fd != -ENOENT;
    if (disk->fd < 0 && there)
        return disk->fd;
    int err = *anchor ? volfs_anchor_open(anchor, key, there, &disk->anchor) : 0;
    if (!err && !there)
        disk->fd = make(dir, key, size);
    return err ? err : MIN(disk->fd, 0);
}

int volfs_disk_open(const char *source, const char *anchor, u64 size, bool grow, struct ext2 **ret_ext2)
{
    struct disk *disk = kzalloc(sizeof(*disk));
    u8 key[32];

    if (!disk)
        return -ENOMEM;
    disk->fd = disk->anchor.fd = -1;
    int dir = hostfile_open_root(source);
    int err = dir < 0 ? dir : volfs_key(dir, key);
    if (!err)
        err = open_disk(disk, dir, anchor, key, size);
    if (!err)
        err = mount(disk, key, grow ? size / VOLUME_BLOCK : 0, ret_ext2);
    memset(key, 0, sizeof(key));
    barrier();
    if (err)
        close_disk(disk);
    if (dir >= 0)
        hostfile_close(dir);
    return err;
}

void volfs_disk_close(struct ext2 *ext2)
{
    struct volume *volume = ext2->volume;
    struct disk *disk = volume_context(volume);

    ext2_unmount(ext2);
    volume_close(volume);
    close_disk(disk);
}
