// SPDX-License-Identifier: BSD-3-Clause
#include "cli/volume_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/image_key.h"

static void *host_alloc(size_t size) { return aligned_alloc(64, ALIGN_UP(size, (size_t)64)); }
static void host_free(void *memory, size_t size) { free(memory); }

static void host_random(void *buf, size_t size)
{
    if (getrandom(buf, size, 0) != (ssize_t)size)
        abort();
}

const struct volume_env volume_host_env = { .alloc = host_alloc, .free = host_free, .random = host_random };

static int fd_of(void *context) { return (int)(intptr_t)context; }

static int file_read(void *context, u64 offset, void *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd_of(context), (u8 *)buf + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0) {
            memset((u8 *)buf + done, 0, size - done);
            break;
        }
        done += (size_t)n;
    }
    return 0;
}

static int file_write(void *context, u64 offset, const void *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd_of(context), (const u8 *)buf + done, size - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

static int file_reserve(void *context, u64 offset, u64 size)
{
    if (fallocate(fd_of(context), 0, (off_t)offset, (off_t)size) == 0 || errno == EOPNOTSUPP)
        return 0;
    return -errno;
}

static int file_sync(void *context) { return fdatasync(fd_of(context)) == 0 ? 0 : -errno; }

static s64 file_size(void *context)
{
    struct stat st;
    return fstat(fd_of(context), &st) == 0 ? st.st_size : -errno;
}

static struct volume_backend backend_of(int fd)
{
    return (struct volume_backend){ .context = (void *)(intptr_t)fd,
                                    .read = file_read,
                                    .write = file_write,
                                    .reserve = file_reserve,
                                    .sync = file_sync,
                                    .size = file_size };
}

const char *volume_why(int err)
{
    switch (err) {
    case -EBADMSG:
        return "it was made with another key, or it was changed";
    case -EINVAL:
        return "it is no volume, or one of a later version";
    default:
        return strerror(-err);
    }
}

static int read_key(const char *path, u8 key[32])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, key, 32);

    if (fd >= 0)
        close(fd);
    if (n != 32)
        return cli_error("key %s: %s. A volume made on SGX without an image key has its key from EGETKEY, inside the "
                         "enclave; one of an instance with an image key needs --image-key",
                         path, n < 0 ? strerror(errno) : "it has fewer than 32 bytes");
    return 0;
}

int volume_find_key(const char *folder, const struct key_source *source, u8 key[32])
{
    char path[PATH_MAX];
    u8 image_key[IMAGE_KEY_BYTES];

    if (source->image_key && *source->image_key) {
        int err = image_key_read(source->image_key, image_key);
        if (!err)
            image_volume_key(image_key, key);
        explicit_bzero(image_key, sizeof(image_key));
        return err;
    }
    snprintf(path, sizeof(path), "%s/" SIMULATION_KEY, folder);
    return read_key(source->key ? source->key : path, key);
}

int volume_file_open(const char *folder, const struct key_source *source, bool writable, struct volume_file *ret_file)
{
    struct volume_options options = { .read_only = !writable };
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/" VOLUME_NAME, folder);
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
    if (fd < 0)
        return cli_error("volume %s: %s. It is made by the first occlum run of an instance whose \"/\" is not "
                         "temporary, or by occlum volume import",
                         path, strerror(errno));
    if (flock(fd, (writable ? LOCK_EX : LOCK_SH) | LOCK_NB) != 0) {
        close(fd);
        return cli_error("volume %s: an enclave has it open. End it first", path);
    }
    if (volume_find_key(folder, source, options.key)) {
        close(fd);
        return STATUS_ERROR;
    }
    struct volume_backend backend = backend_of(fd);
    int err = volume_open(&volume_host_env, &backend, &options, &ret_file->volume);
    explicit_bzero(options.key, sizeof(options.key));
    ret_file->fd = fd;
    if (!err)
        return 0;
    close(fd);
    return cli_error("volume %s: %s", path, volume_why(err));
}

int volume_file_make(const char *folder, const u8 key[32], u64 blocks, struct volume_file *ret_file)
{
    static const u8 no_binding[32];
    struct volume_options options = { 0 };
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/" VOLUME_NAME, folder);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int err = flock(fd, LOCK_EX | LOCK_NB) == 0 ? 0 : -errno;
    struct volume_backend backend = backend_of(fd);
    memcpy(options.key, key, sizeof(options.key));
    if (!err)
        err = volume_format(&volume_host_env, &backend, key, no_binding, blocks, blocks);
    if (!err)
        err = volume_open(&volume_host_env, &backend, &options, &ret_file->volume);
    explicit_bzero(options.key, sizeof(options.key));
    ret_file->fd = fd;
    if (err)
        close(fd);
    return err;
}

void volume_file_close(struct volume_file *file)
{
    volume_close(file->volume);
    close(file->fd);
}
