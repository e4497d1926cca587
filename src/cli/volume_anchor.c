// SPDX-License-Identifier: BSD-3-Clause
// occlum volume anchor: whoever has the volume's key says that its present state is the newest.
#include "volume/anchor.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/volume_change.h"

// Both slots: an older one must not count any more.
static int write_anchor(const char *path, const struct volume_anchor slots[VOLUME_ANCHOR_SLOTS])
{
    size_t size = VOLUME_ANCHOR_SLOTS * sizeof(*slots);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        return -errno;
    ssize_t n = pwrite(fd, slots, size, 0);
    int err = n == (ssize_t)size && fsync(fd) == 0 ? 0 : -(errno ? errno : EIO);
    close(fd);
    return err;
}

int volume_write_anchor(const char *folder, const struct key_source *source, const char *path)
{
    static struct volume_anchor slots[VOLUME_ANCHOR_SLOTS];
    u8 key[32], anchor_key[32];
    struct volume_file file;
    struct volume_info info;
    int status = volume_file_open(folder, source, false, &file);

    if (status)
        return status;
    status = volume_find_key(folder, source, key);
    volume_get_info(file.volume, &info);
    if (!status) {
        volume_anchor_key(key, anchor_key);
        volume_anchor_seal(anchor_key, info.uuid, info.generation, info.root_tag,
                           &slots[info.generation % VOLUME_ANCHOR_SLOTS]);
        int err = write_anchor(path, slots);
        if (err)
            status = cli_error("%s: %s", path, strerror(-err));
    }
    explicit_bzero(key, sizeof(key));
    explicit_bzero(anchor_key, sizeof(anchor_key));
    volume_file_close(&file);
    return status;
}
