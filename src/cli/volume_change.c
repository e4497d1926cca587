// SPDX-License-Identifier: BSD-3-Clause
#include "cli/volume_change.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"
#include "config/config.h"
#include "ext2/ext2.h"

enum { PIECE_BLOCKS = 64 };

// ---- a folder beside the volume's, which takes its place when it is whole

// What belongs to a volume; other things in its folder are left alone.
static const char *const volume_files[] = { VOLUME_NAME, SIMULATION_KEY, "volume.cpusvn", "volume.new",
                                            "simulation.key.new" };

static int remove_folder(const char *folder)
{
    char path[PATH_MAX];

    for (size_t i = 0; i < ARRAY_SIZE(volume_files); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, volume_files[i]);
        if (unlink(path) != 0 && errno != ENOENT)
            return -errno;
    }
    return rmdir(folder) == 0 || errno == ENOENT ? 0 : -errno;
}

static int sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd >= 0 && fsync(fd) == 0 ? 0 : -errno;

    if (fd >= 0)
        close(fd);
    return err;
}

static int beside(const char *folder, char path[PATH_MAX])
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/')
        n--;
    return snprintf(path, PATH_MAX, "%.*s.new", (int)n, folder) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int make_beside(const char *folder, char path[PATH_MAX])
{
    int err = beside(folder, path);

    if (!err)
        err = remove_folder(path); // of one that was interrupted
    if (!err && mkdir(path, 0700) != 0)
        err = -errno;
    return err;
}

// The moment that counts.
static int exchange(const char *new_folder, const char *folder)
{
    char parent[PATH_MAX];
    int err = sync_folder(new_folder);

    if (err)
        return err;
    bool there = access(folder, F_OK) == 0;
    if (renameat2(AT_FDCWD, new_folder, AT_FDCWD, folder, there ? RENAME_EXCHANGE : RENAME_NOREPLACE) != 0)
        return -errno;
    snprintf(parent, sizeof(parent), "%s/..", folder);
    err = sync_folder(parent);
    if (!err && there && remove_folder(new_folder) != 0)
        cli_note("what was replaced is still in %s: there are files in it that are not a volume's", new_folder);
    return err;
}

// ---- contents

// Where blocks come from: a volume or a plain file.
struct source {
    struct volume *volume; // NULL: fd
    int fd;
};

static int read_blocks(const struct source *from, u64 at, u8 *buf, u64 count)
{
    size_t size = (size_t)(count * VOLUME_BLOCK), done = 0;

    if (from->volume)
        return volume_read(from->volume, at, buf, count);
    while (done < size) {
        ssize_t n = pread(from->fd, buf + done, size - done, (off_t)(at * VOLUME_BLOCK + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        done += (size_t)n;
    }
    return 0;
}

// Holes, and blocks of zeros, stay holes.
static int copy_blocks(const char *what, const struct source *from, struct volume *to, u64 blocks)
{
    static const u8 zeros[VOLUME_BLOCK];
    static u8 buf[PIECE_BLOCKS * VOLUME_BLOCK];
    int err = 0;

    for (u64 at = 0; at < blocks && !err; at += PIECE_BLOCKS) {
        u64 count = MIN((u64)PIECE_BLOCKS, blocks - at);
        err = read_blocks(from, at, buf, count);
        for (u64 i = 0; i < count && !err; i++)
            if (memcmp(buf + i * VOLUME_BLOCK, zeros, VOLUME_BLOCK) != 0)
                err = volume_write(to, at + i, buf + i * VOLUME_BLOCK, 1);
        if (at % (PIECE_BLOCKS * 256) == 0)
            cli_progress(what, (double)at / (double)blocks * 0.99);
    }
    if (!err)
        err = volume_commit(to);
    cli_progress(what, 1);
    return err;
}

static int write_simulation_key(const char *folder, const u8 key[32])
{
    char path[PATH_MAX + 32];

    snprintf(path, sizeof(path), "%s/" SIMULATION_KEY, folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int err = write(fd, key, 32) == 32 && fsync(fd) == 0 ? 0 : -errno;
    close(fd);
    return err;
}

// A new volume beside the folder with what `from` holds, which then takes its place. is_simulation: the key lies beside
// it. check: looks at the result before it counts.
struct replacement {
    const char *what, *folder;
    const u8 *key;
    bool is_simulation;
    struct source from;
    u64 blocks;
    int (*check)(struct volume *volume);
};

static int replace(const struct replacement *r)
{
    char path[PATH_MAX];
    struct volume_file file;
    int err = make_beside(r->folder, path);

    if (!err && r->is_simulation)
        err = write_simulation_key(path, r->key);
    if (!err)
        err = volume_file_make(path, r->key, r->blocks, &file);
    if (!err) {
        err = copy_blocks(r->what, &r->from, file.volume, r->blocks);
        if (!err && r->check)
            err = r->check(file.volume);
        volume_file_close(&file);
    }
    if (!err)
        err = exchange(path, r->folder);
    if (err)
        (void)!remove_folder(path);
    return err;
}

// ---- import

static int check_ext2(struct volume *volume)
{
    struct ext2 *fs;
    int err = ext2_mount(volume, &volume_host_env, &fs);

    if (err)
        return err == -EINVAL ? -EMEDIUMTYPE : err;
    err = ext2_sync(fs);
    ext2_unmount(fs);
    return err;
}

static int import_error(const char *image, int err)
{
    if (err == -EMEDIUMTYPE)
        return cli_error(
            "%s: this is no ext2 with 4096-byte blocks, 256-byte inodes and only the features of one: make "
            "it with mke2fs -t ext2 -b 4096 -I 256 -O none,ext_attr,filetype,sparse_super,large_file,"
            "extra_isize",
            image);
    if (err == -EUCLEAN)
        return cli_error("%s: its fields contradict each other, or it has no lost+found. What helps: e2fsck -f %s",
                         image, image);
    return cli_error("%s cannot be imported: %s", image, strerror(-err));
}

// The key that the new volume is to have: that of the folder, or a new one beside it.
static int key_for(const char *folder, const struct key_source *source, u8 key[32], bool *ret_is_simulation)
{
    char path[PATH_MAX];

    *ret_is_simulation = !source->key && !(source->image_key && *source->image_key);
    snprintf(path, sizeof(path), "%s/" SIMULATION_KEY, folder);
    if (!*ret_is_simulation || access(path, F_OK) == 0)
        return volume_find_key(folder, source, key);
    volume_host_env.random(key, 32);
    return 0;
}

int volume_import(const char *folder, const struct key_source *source, const char *image, bool force)
{
    char path[PATH_MAX];
    struct volume_file old = { .fd = -1 };
    struct stat st;
    u8 key[32];

    snprintf(path, sizeof(path), "%s/" VOLUME_NAME, folder);
    bool there = access(path, F_OK) == 0;
    if (there && !force)
        return cli_error("%s is there already: --force replaces it (occlum volume export keeps what is in it)", path);
    struct replacement r = { .what = "importing", .folder = folder, .key = key, .check = check_ext2 };
    r.from.fd = open(image, O_RDONLY | O_CLOEXEC);
    if (r.from.fd < 0 || fstat(r.from.fd, &st) != 0)
        return cli_error("%s: %s", image, strerror(errno));
    r.blocks = (u64)st.st_size / VOLUME_BLOCK;
    int status = key_for(folder, source, key, &r.is_simulation);
    if (!status && there) // nobody has it while it is replaced
        status = volume_file_open(folder, source, true, &old);
    if (!status) {
        int err = r.blocks < 16 ? -EMEDIUMTYPE : replace(&r);
        status = err ? import_error(image, err) : STATUS_OK;
    }
    if (old.fd >= 0)
        volume_file_close(&old);
    close(r.from.fd);
    explicit_bzero(key, sizeof(key));
    return status;
}

// ---- resize

int volume_grow(const char *folder, const struct key_source *source, const char *size)
{
    struct volume_file file;
    struct ext2 *fs;
    u64 bytes;

    if (!config_parse_size(size, &bytes) || bytes > 8ull << 40)
        return cli_usage("volume resize: %s is no size: a number and B, KB, MB, GB or TB, at most 8TB", size);
    int status = volume_file_open(folder, source, true, &file);
    if (status)
        return status;
    int err = ext2_mount(file.volume, &volume_host_env, &fs);
    if (!err) {
        u64 before = (u64)fs->super.blocks_count * EXT2_BLOCK;
        if (bytes < before)
            status =
                cli_error("the volume has %llu MiB and only grows. A smaller one: occlum volume export, resize2fs, "
                          "occlum volume import --force",
                          (unsigned long long)(before >> 20));
        else
            err = ext2_grow(fs, bytes / EXT2_BLOCK);
        if (!status && !err)
            printf("%llu MiB, was %llu MiB. disk_size in Occlum.json says how much the next run grows it\n",
                   (unsigned long long)fs->super.blocks_count * EXT2_BLOCK >> 20, (unsigned long long)(before >> 20));
        ext2_unmount(fs);
    }
    volume_file_close(&file);
    return err ? cli_error("the volume cannot grow: %s; it is as it was", volume_why(err)) : status;
}

// ---- rekey

int volume_rekey(const char *folder, const struct key_source *source, const char *new_image_key)
{
    struct key_source wanted = { .image_key = new_image_key };
    struct volume_file old;
    struct volume_info info;
    u8 key[32];

    int status = volume_file_open(folder, source, true, &old);
    if (status)
        return status;
    if (new_image_key)
        status = volume_find_key(folder, &wanted, key);
    else
        volume_host_env.random(key, sizeof(key));
    if (!status) {
        volume_get_info(old.volume, &info);
        struct replacement r = { .what = "encrypting anew",
                                 .folder = folder,
                                 .key = key,
                                 .is_simulation = !new_image_key,
                                 .from.volume = old.volume,
                                 .blocks = info.blocks };
        int err = replace(&r);
        if (err)
            status = cli_error("the volume keeps its key: %s", volume_why(err));
    }
    volume_file_close(&old);
    explicit_bzero(key, sizeof(key));
    return status;
}
