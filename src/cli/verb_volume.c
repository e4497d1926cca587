// SPDX-License-Identifier: BSD-3-Clause
// The encrypted volume of an instance, from outside.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/verbs.h"
#include "cli/volume_change.h"

enum { EXPORT_BLOCKS = 64 };

const char help_volume[] =
    "The volume that keeps what programs write to \"/\" (or that of an ext2 mount). No enclave may have it open.\n"
    "  info           what it is and the state it is in\n"
    "  check          reads and verifies every block; exit status 1 when some are bad\n"
    "  export FILE    writes its plain contents to FILE: an ext2 file system, for e2fsck, debugfs or mount -o loop\n"
    "  import FILE    the other way round: the ext2 in FILE becomes the volume. --force replaces one that is there\n"
    "  resize SIZE    grows it and the file system in it to SIZE (as 32GB); disk_size of Occlum.json does so at the "
    "next "
    "run\n"
    "  anchor FILE    makes FILE the freshness anchor of the state it is in: after resize, import, rekey, or when an "
    "older\n"
    "                 state was put back on purpose\n"
    "  rekey          the same contents under another key: a new one in DIR/simulation.key, or that of\n"
    "                 --new-image-key FILE\n\n"
    "import and rekey write a new volume in DIR.new, which then takes DIR's place: whatever interrupts them, one "
    "whole\n"
    "volume is there.\n\n"
    "  --path DIR     the folder of the volume; the default is run/mount/__ROOT\n"
    "  --image-key FILE   the image key of the instance, if it has one (occlum build --image-key); OCCLUM_IMAGE_KEY\n"
    "  --key FILE     32 bytes; the default is DIR/simulation.key. The key of a volume made on SGX without an image "
    "key "
    "is in\n"
    "                 no file: it comes from EGETKEY, inside the enclave\n";

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
    printf("%-14s %s\n", "freshness", i.anchored ? "an anchor names its commits" : "nothing tells an older state");
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
        return cli_error("volume: %s", volume_why(err));
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
    return cli_error("%s: %s", path, volume_why(err));
}

// What `occlum volume` was asked for.
struct request {
    const char *folder, *new_image_key;
    struct key_source key;
    bool force;
};

static int look(const struct request *r, int (*show)(struct volume *volume))
{
    struct volume_file file;
    int status = volume_file_open(r->folder, &r->key, false, &file);

    if (status)
        return status;
    status = show(file.volume);
    volume_file_close(&file);
    return status;
}

static int do_info(const struct request *r, const char *argument) { return look(r, info); }
static int do_check(const struct request *r, const char *argument) { return look(r, check); }

static int do_export(const struct request *r, const char *argument)
{
    struct volume_file file;
    int status = volume_file_open(r->folder, &r->key, false, &file);

    if (status)
        return status;
    status = export_to(file.volume, argument);
    volume_file_close(&file);
    return status;
}

static int do_import(const struct request *r, const char *argument)
{
    return volume_import(r->folder, &r->key, argument, r->force);
}
static int do_anchor(const struct request *r, const char *argument)
{
    return volume_write_anchor(r->folder, &r->key, argument);
}
static int do_resize(const struct request *r, const char *argument)
{
    return volume_grow(r->folder, &r->key, argument);
}
static int do_rekey(const struct request *r, const char *argument)
{
    return volume_rekey(r->folder, &r->key, r->new_image_key);
}

static const struct {
    const char *name, *takes; // takes NULL: no more words
    int (*run)(const struct request *r, const char *argument);
} words[] = {
    { "info", NULL, do_info },           { "check", NULL, do_check },         { "export", "one FILE", do_export },
    { "anchor", "one FILE", do_anchor }, { "import", "one FILE", do_import }, { "resize", "one SIZE", do_resize },
    { "rekey", NULL, do_rekey },
};

static int unknown_word(const char *word)
{
    const char *names[ARRAY_SIZE(words) + 1] = { NULL };

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        names[i] = words[i].name;
    const char *near = cli_nearest(word, names);
    return cli_usage("volume: unknown word %s%s%s. See: occlum volume --help", word, near ? ". Did you mean " : "",
                     near ? near : "");
}

int verb_volume(int argc, char **argv)
{
    struct request r = { .folder = "run/mount/__ROOT", .key.image_key = getenv("OCCLUM_IMAGE_KEY") };
    const struct cli_option options[] = { { "path", 0, &r.folder, NULL },
                                          { "key", 0, &r.key.key, NULL },
                                          { "image-key", 0, &r.key.image_key, NULL },
                                          { "new-image-key", 0, &r.new_image_key, NULL },
                                          { "force", 'f', NULL, &r.force } };
    const char *given[2] = { NULL };
    size_t count = 0, i = 0;

    // Options and words in any order.
    for (int at = 0, step; at < argc; at += step) {
        step = cli_parse(argc - at, argv + at, options, ARRAY_SIZE(options));
        if (step < 0)
            return STATUS_USAGE;
        if (at + step < argc && count < ARRAY_SIZE(given))
            given[count] = argv[at + step];
        count += at + step < argc;
    }
    if (!count)
        return cli_usage("volume needs one of info, check, export FILE, import FILE, resize SIZE, rekey. See: occlum "
                         "volume --help");
    while (i < ARRAY_SIZE(words) && strcmp(words[i].name, given[0]) != 0)
        i++;
    if (i == ARRAY_SIZE(words))
        return unknown_word(given[0]);
    if (count != (words[i].takes ? 2 : 1))
        return cli_usage("volume %s takes %s. See: occlum volume --help", given[0],
                         words[i].takes ? words[i].takes : "no more words");
    return words[i].run(&r, given[1]);
}
