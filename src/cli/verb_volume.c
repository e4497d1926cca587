// SPDX-License-Identifier: BSD-3-Clause
// The encrypted volume of an instance, looked at from outside.
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
#include "cli/verbs.h"
#include "volume/volume.h"

enum { EXPORT_BLOCKS = 64 };

const char help_volume[] =
    "Looks at the volume that keeps what programs write to \"/\" (or that of an ext2 mount). No enclave may have it "
    "open.\n"
    "  info           what it is and the state it is in\n"
    "  check          reads and verifies every block; exit status 1 when some are bad\n"
    "  export FILE    writes its plain contents to FILE: an ext2 file system, for e2fsck, debugfs or mount -o loop\n\n"
    "  --path DIR     the folder of the volume; the default is run/mount/__ROOT\n"
    "  --image-key FILE   the image key of the instance, if it has one (occlum build --image-key)\n"
    "  --key FILE     32 bytes; the default is DIR/simulation.key. The key of a volume made on SGX is in no file: it "
    "comes\n"
    "                 from EGETKEY, inside the enclave\n";

static void *host_alloc(size_t size) { return aligned_alloc(64, ALIGN_UP(size, (size_t)64)); }
static void host_free(void *memory, size_t size) { free(memory); }

static void host_random(void *buf, size_t size)
{
    if (getrandom(buf, size, 0) != (ssize_t)size)
        abort();
}

static const struct volume_env env = { .alloc = host_alloc, .free = host_free, .random = host_random };

static int fd_of(void *context) { return (int)(intptr_t)context; }

static int file_read(void *context, u64 offset, void *buf, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd_of(context), (u8 *)buf + done, size - done, (off_t)(offset + done));
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

static s64 file_size(void *context)
{
    struct stat st;
    return fstat(fd_of(context), &st) == 0 ? st.st_size : -errno;
}

static const char *why(int err)
{
    switch (err) {
    case -EBADMSG:
        return "it was made with another key, or it was changed";
    case -EINVAL:
        return "it is no volume";
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
        return cli_error("key %s: %s. A volume made on SGX has its key from EGETKEY, inside the enclave", path,
                         n < 0 ? strerror(errno) : "it has fewer than 32 bytes");
    return 0;
}

// Where the key of a volume comes from: a file of 32 bytes, the image key, or the folder's simulation.key.
struct key_source {
    const char *key, *image_key;
};

static int find_key(const char *folder, const struct key_source *source, u8 key[32])
{
    char path[PATH_MAX];
    u8 image_key[IMAGE_KEY_BYTES];

    if (source->image_key) {
        int err = image_key_read(source->image_key, image_key);
        if (!err)
            image_volume_key(image_key, key);
        explicit_bzero(image_key, sizeof(image_key));
        return err;
    }
    snprintf(path, sizeof(path), "%s/simulation.key", folder);
    return read_key(source->key ? source->key : path, key);
}

static int open_volume(const char *folder, const struct key_source *source, struct volume **ret_volume)
{
    struct volume_options options = { .read_only = true };
    char path[PATH_MAX];

    snprintf(path, sizeof(path), "%s/volume", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_error(
            "volume %s: %s. It is made by the first occlum run of an instance whose \"/\" is not temporary", path,
            strerror(errno));
    if (flock(fd, LOCK_SH | LOCK_NB) != 0)
        return cli_error("volume %s: an enclave has it open", path);
    if (find_key(folder, source, options.key))
        return STATUS_ERROR;
    struct volume_backend backend = { .context = (void *)(intptr_t)fd, .read = file_read, .size = file_size };
    int err = volume_open(&env, &backend, &options, ret_volume);
    return err ? cli_error("volume %s: %s", path, why(err)) : 0;
}

static void print_hex(const char *name, const u8 *bytes, size_t size)
{
    printf("%-14s ", name);
    for (size_t i = 0; i < size; i++)
        printf("%02x", bytes[i]);
    printf("\n");
}

static int info(struct volume *volume)
{
    struct volume_info i;

    volume_get_info(volume, &i);
    print_hex("uuid", i.uuid, sizeof(i.uuid));
    printf("%-14s %llu\n", "generation", (unsigned long long)i.generation);
    print_hex("state", i.root_tag, sizeof(i.root_tag));
    printf("%-14s %u\n", "format", VOLUME_VERSION);
    printf("%-14s %llu MiB\n", "size", (unsigned long long)(i.blocks * VOLUME_BLOCK >> 20));
    printf("%-14s %llu KiB\n", "in use", (unsigned long long)(i.used_places * VOLUME_BLOCK >> 10));
    if (i.damaged_superblocks)
        printf("%-14s %u of %d: a commit was cut off, or somebody changed them\n", "superblocks", i.damaged_superblocks,
               VOLUME_SUPERBLOCKS);
    return STATUS_OK;
}

static void print_bad(void *arg, u32 level, u64 index)
{
    printf("bad: %s %llu\n", level ? "node" : "block", (unsigned long long)index);
}

static int check(struct volume *volume)
{
    u64 bad;
    int err = volume_check(volume, print_bad, NULL, &bad);

    if (err)
        return cli_error("volume: %s", why(err));
    printf("%llu bad\n", (unsigned long long)bad);
    return bad ? STATUS_ERROR : STATUS_OK;
}

// Holes stay holes.
static int export_blocks(struct volume *volume, int fd, u64 blocks)
{
    static u8 buf[EXPORT_BLOCKS * VOLUME_BLOCK];
    static const u8 zeros[VOLUME_BLOCK];

    for (u64 at = 0; at < blocks; at += EXPORT_BLOCKS) {
        u64 count = MIN((u64)EXPORT_BLOCKS, blocks - at);
        int err = volume_read(volume, at, buf, count);
        if (err)
            return err;
        for (u64 i = 0; i < count; i++)
            if (memcmp(buf + i * VOLUME_BLOCK, zeros, VOLUME_BLOCK) != 0 &&
                pwrite(fd, buf + i * VOLUME_BLOCK, VOLUME_BLOCK, (off_t)((at + i) * VOLUME_BLOCK)) != VOLUME_BLOCK)
                return errno ? -errno : -ENOSPC;
    }
    return ftruncate(fd, (off_t)(blocks * VOLUME_BLOCK)) == 0 && fsync(fd) == 0 ? 0 : -errno;
}

static int export_to(struct volume *volume, const char *path)
{
    char temporary[PATH_MAX];
    struct volume_info i;

    volume_get_info(volume, &i);
    snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    if (fd < 0)
        return cli_error("%s cannot be made: %s", temporary, strerror(errno));
    int err = export_blocks(volume, fd, i.blocks);
    close(fd);
    if (!err && rename(temporary, path) != 0)
        err = -errno;
    if (!err)
        return STATUS_OK;
    unlink(temporary);
    return cli_error("%s: %s", path, why(err));
}

int verb_volume(int argc, char **argv)
{
    static const char *const names[] = { "info", "check", "export", NULL };
    const char *folder = "run/mount/__ROOT";
    struct key_source key = { .image_key = getenv("OCCLUM_IMAGE_KEY") };
    const struct cli_option options[] = { { "path", 0, &folder, NULL },
                                          { "key", 0, &key.key, NULL },
                                          { "image-key", 0, &key.image_key, NULL } };
    int first = cli_parse(argc, argv, options, ARRAY_SIZE(options));
    struct volume *volume;

    if (first < 0 || first >= argc)
        return cli_usage("volume needs one of info, check, export FILE. See: occlum volume --help");
    const char *word = argv[first];
    int behind = cli_parse(argc - first, argv + first, options, ARRAY_SIZE(options)); // options may follow the word
    if (behind < 0)
        return STATUS_USAGE;
    int left = argc - first - behind;
    bool exports = strcmp(word, "export") == 0;
    if (strcmp(word, "info") != 0 && strcmp(word, "check") != 0 && !exports) {
        const char *near = cli_nearest(word, names);
        return cli_usage("volume: unknown word %s%s%s. See: occlum volume --help", word, near ? ". Did you mean " : "",
                         near ? near : "");
    }
    if (left != (exports ? 1 : 0))
        return cli_usage("volume %s takes %s. See: occlum volume --help", word, exports ? "one FILE" : "no more words");
    if (open_volume(folder, &key, &volume))
        return STATUS_ERROR;
    int status;
    if (exports)
        status = export_to(volume, argv[first + behind]);
    else
        status = strcmp(word, "info") == 0 ? info(volume) : check(volume);
    volume_close(volume);
    return status;
}
