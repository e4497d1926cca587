// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/volfs/anchor.h"

#include "abi/linux/abi.h"
#include "base/string.h"
#include "libos/fs/volfs/disk.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "trusted/log.h"

// The folder of a path of the host, as a handle, and the name in it.
static int open_folder(const char *path, const char **ret_name)
{
    size_t len = strlen(path), at = len;

    while (at && path[at - 1] != '/')
        at--;
    *ret_name = path + at;
    if (!at)
        return hostfile_open_root(".");
    char *folder = kstrndup(path, at);
    int fd = folder ? hostfile_open_root(folder) : -ENOMEM;
    kfree(folder);
    return fd;
}

static int open_file(int dir, const char *name, bool volume_there)
{
    struct host_stat st;
    int fd = volfs_host_open(dir, name, false);

    if (fd == -ENOENT)
        return volfs_host_open(dir, name, true);
    int err = fd < 0 || volume_there ? 0 : hostfile_stat(fd, &st);
    if (!err && fd >= 0 && !volume_there && st.size)
        err = -ESTALE;
    if (err) {
        hostfile_close(fd);
        return err;
    }
    return fd;
}

int volfs_anchor_open(const char *path, const u8 key[32], bool volume_there, struct volfs_anchor *ret_anchor)
{
    const char *name;
    int dir = open_folder(path, &name);
    int fd = dir < 0 ? dir : open_file(dir, name, volume_there);

    if (dir >= 0)
        hostfile_close(dir);
    if (fd == -ESTALE)
        log_error("volume: there is none, but its freshness anchor %s: somebody took it away", path);
    else if (fd < 0)
        log_error("volume: the freshness anchor %s: error %d of the host", path, -fd);
    if (fd < 0)
        return fd;
    ret_anchor->fd = fd;
    volume_anchor_key(key, ret_anchor->key);
    return 0;
}

void volfs_anchor_close(struct volfs_anchor *anchor)
{
    if (anchor->fd >= 0)
        hostfile_close(anchor->fd);
    memset(anchor->key, 0, sizeof(anchor->key));
    barrier();
    anchor->fd = -1;
}

int volfs_anchor_check(struct volfs_anchor *anchor, const struct volume_info *info)
{
    if (anchor->fd < 0)
        return 0;
    struct volume_anchor *slots = kpages_alloc(VOLUME_ANCHOR_SLOTS);
    int err = slots ? volfs_host_read(anchor->fd, 0, slots, VOLUME_ANCHOR_SLOTS * VOLUME_BLOCK) : -ENOMEM;

    if (!err)
        err = volume_anchor_judge(anchor->key, slots, info);
    if (slots)
        kpages_free(slots, VOLUME_ANCHOR_SLOTS);
    memcpy(anchor->uuid, info->uuid, sizeof(anchor->uuid));
    if (err == -ENODATA && !info->anchored) {
        log_warn("volume: its freshness is watched from generation %llu on", (unsigned long long)info->generation);
        return volfs_anchor_keep(anchor, info->generation, info->root_tag);
    }
    if (err == -ENODATA || err == -ESTALE)
        log_error("volume: generation %llu is not the newest commit, or went on from a copy, or its freshness anchor "
                  "is gone",
                  (unsigned long long)info->generation);
    return err == -ENODATA ? -ESTALE : err;
}

int volfs_anchor_keep(struct volfs_anchor *anchor, u64 generation, const u8 root_tag[16])
{
    if (anchor->fd < 0)
        return 0;
    struct volume_anchor *slot = kpages_alloc(1);
    if (!slot)
        return -ENOMEM;
    volume_anchor_seal(anchor->key, anchor->uuid, generation, root_tag, slot);
    int err = volfs_host_write(anchor->fd, generation % VOLUME_ANCHOR_SLOTS * VOLUME_BLOCK, slot, sizeof(*slot));
    kpages_free(slot, 1);
    return err ? err : hostfile_sync(anchor->fd, true);
}
