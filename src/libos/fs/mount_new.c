// SPDX-License-Identifier: BSD-3-Clause
// What programs may mount with mount(2): tmpfs, folders of the host that Occlum.json opens to them, volumes.
#include "base/checked.h"
#include "base/string.h"
#include "libos/fs/devfs.h"
#include "libos/fs/hostfs.h"
#include "libos/fs/memfs.h"
#include "libos/fs/mount.h"
#include "libos/fs/procfs.h"
#include "libos/host/hostfile.h"
#include "libos/mem/heap.h"
#include "libos/vm/vm.h"

#define VOLUMES_FOLDER "run/mount/" // of the instance: here programs may make volumes of their own

enum { OPTION_BYTES = 4096, SMALLEST_VOLUME = 16 << 20 };
static const u64 default_volume = 16ull << 30, largest_volume = 8ull << 40; // as config/mounts.c has them

static const struct occlum_config *config;

void mount_set_config(const struct occlum_config *measured) { config = measured; }

// What the option string of a type may say.
struct mount_options {
    const char *dir;
    u64 size, inodes;
    u32 mode, uid, gid;
    bool has_mode, has_size;
};

static bool digit_of(char c, u32 base, u32 *ret_digit)
{
    *ret_digit = (u32)(c - '0');
    return c >= '0' && *ret_digit < base;
}

// A number with nothing behind it but *rest. False: it is none, or too large.
static bool number(const char *text, u32 base, u64 *ret_number, const char **rest)
{
    u32 digit;
    u64 n = 0;

    if (!digit_of(*text, base, &digit))
        return false;
    for (; digit_of(*text, base, &digit); text++)
        if (__builtin_mul_overflow(n, (u64)base, &n) || __builtin_add_overflow(n, (u64)digit, &n))
            return false;
    *ret_number = n;
    *rest = text;
    return true;
}

// Linux' memparse: k, m, g, t; tmpfs also takes a percentage of memory.
static int size_option(const char *text, bool percent, u64 *ret_size)
{
    static const char units[] = "kmgt";
    struct vm_stats vm;
    const char *rest;
    u64 n;

    if (!number(text, 10, &n, &rest))
        return -EINVAL;
    if (percent && rest[0] == '%' && !rest[1]) {
        vm_get_stats(&vm);
        return __builtin_mul_overflow(n, vm.limit / 100, ret_size) ? -EINVAL : 0;
    }
    for (u32 i = 0; rest[0] && i < 4; i++)
        if ((rest[0] | 0x20) == units[i]) {
            if (n > UINT64_MAX >> (10 * (i + 1)))
                return -EINVAL;
            n <<= 10 * (i + 1);
            rest++;
            if ((rest[0] | 0x20) == 'b') // as Occlum.json writes sizes
                rest++;
            break;
        }
    *ret_size = n;
    return *rest ? -EINVAL : 0;
}

static int id_option(const char *text, u32 base, u64 most, u32 *ret_id)
{
    const char *rest;
    u64 n;

    if (!number(text, base, &n, &rest) || *rest || n > most)
        return -EINVAL;
    *ret_id = (u32)n;
    return 0;
}

static int tmpfs_option(struct mount_options *o, const char *key, const char *value)
{
    if (str_eq(key, "size")) {
        o->has_size = true;
        return size_option(value, true, &o->size);
    }
    if (str_eq(key, "nr_blocks")) {
        o->has_size = true;
        int err = size_option(value, false, &o->size);
        return err ? err : __builtin_mul_overflow(o->size, (u64)PAGE_SIZE, &o->size) ? -EINVAL : 0;
    }
    if (str_eq(key, "nr_inodes"))
        return size_option(value, false, &o->inodes); // their memory is what limits them here
    if (str_eq(key, "mode")) {
        o->has_mode = true;
        return id_option(value, 8, 07777, &o->mode);
    }
    if (str_eq(key, "uid"))
        return id_option(value, 10, UINT32_MAX - 1, &o->uid);
    if (str_eq(key, "gid"))
        return id_option(value, 10, UINT32_MAX - 1, &o->gid);
    return -EINVAL;
}

static int hostfs_option(struct mount_options *o, const char *key, const char *value)
{
    if (!str_eq(key, "dir") || !*value)
        return -EINVAL;
    o->dir = value;
    return 0;
}

static int volume_option(struct mount_options *o, const char *key, const char *value)
{
    if (!str_eq(key, "disk_size"))
        return hostfs_option(o, key, value);
    int err = size_option(value, false, &o->size);
    return err || o->size < SMALLEST_VOLUME || o->size > largest_volume ? -EINVAL : 0;
}

static int no_option(struct mount_options *o, const char *key, const char *value) { return -EINVAL; }

// Splits "key=value,key" in place.
static int read_options(char *text, int (*take)(struct mount_options *, const char *, const char *),
                        struct mount_options *o)
{
    static char none[] = "";
    int err = 0;

    while (text && *text && !err) {
        char *key = text, *value = none;
        while (*text && *text != ',') {
            if (*text == '=' && value == none) {
                *text = '\0';
                value = text + 1;
            }
            text++;
        }
        if (*text)
            *text++ = '\0';
        if (*key)
            err = take(o, key, value);
    }
    return err;
}

// Without empty, "." and ".." components, which could lead elsewhere than the text says.
static bool is_plain(const char *path)
{
    if (path[0] == '/')
        path++;
    while (*path) {
        size_t n = 0;
        while (path[n] && path[n] != '/')
            n++;
        if (n == 0 || n > 255 || (n == 1 && path[0] == '.') || (n == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += n;
        if (*path && !*++path)
            return false;
    }
    return true;
}

static bool is_below(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    while (n > 1 && folder[n - 1] == '/')
        n--;
    return strncmp(path, folder, n) == 0 && (!path[n] || path[n] == '/' || folder[n - 1] == '/');
}

static const struct occlum_mount *configured(const char *path, enum occlum_mount_type type)
{
    const struct occlum_mount *list = (const struct occlum_mount *)((const u8 *)config + config->mount_offset);

    for (u32 i = 0; i < config->mount_count; i++) {
        const char *source = (const char *)config + list[i].source;
        if (list[i].type != type || !*source)
            continue;
        if (str_eq(path, source) || (type == OCCLUM_MOUNT_HOSTFS && is_plain(path) && is_below(path, source)))
            return &list[i];
    }
    return NULL;
}

static int make_tmpfs(const struct mount_options *o, struct inode **ret_root)
{
    struct attr_change owner = { .valid = ATTR_UID | ATTR_GID, .uid = o->uid, .gid = o->gid };
    int err = memfs_create(NULL, 0, o->has_mode ? o->mode : 01777, ret_root);

    if (err)
        return err;
    memfs_set_limit(*ret_root, o->has_size ? DIV_ROUND_UP(o->size, PAGE_SIZE) : 0);
    return o->uid || o->gid ? inode_setattr(*ret_root, &owner) : 0;
}

static int make_hostfs(const char *dir, struct inode **ret_root)
{
    return configured(dir, OCCLUM_MOUNT_HOSTFS) ? hostfs_create(dir, ret_root) : -EPERM;
}

// A folder of its own for each volume below the instance's; made when it is not there.
static int make_folder(const char *path)
{
    int parent = hostfile_open_root("run/mount"), err;

    if (parent < 0)
        return parent;
    err = hostfile_mkdir(parent, path + strlen(VOLUMES_FOLDER), 0700);
    hostfile_close(parent);
    return err == -EEXIST ? 0 : err;
}

static int make_volume(const char *dir, u64 size, struct inode **ret_root)
{
    const struct occlum_mount *known = configured(dir, OCCLUM_MOUNT_VOLUME);
    int err = 0;

    if (!known) {
        if (!str_starts(dir, VOLUMES_FOLDER) || !is_plain(dir) || str_eq(dir, VOLUMES_FOLDER "__ROOT"))
            return -EPERM;
        const char *name = dir + strlen(VOLUMES_FOLDER);
        for (const char *at = name; *at; at++)
            if (*at == '/')
                return -EPERM;
        err = *name ? make_folder(dir) : -EPERM;
    }
    const char *anchor = known ? (const char *)config + known->anchor : "";
    if (!err)
        err = mount_open_volume(dir, anchor, size ? size : default_volume, size, NULL, 0, ret_root);
    return err == -EBADMSG || err == -EUCLEAN ? -EIO : err;
}

// proc and devtmpfs are there once: to be mounted again when they were unmounted.
static int make_proc(struct inode **ret_root)
{
    int err = procfs_create(ret_root);
    return !err && READ_ONCE((*ret_root)->covered) ? -EBUSY : err;
}

int mount_make(const char *type, const char *source, const char *data, struct inode **ret_root, const char **ret_type)
{
    static const struct {
        const char *name, *shown;
        enum occlum_mount_type type;
        int (*take)(struct mount_options *, const char *, const char *);
    } types[] = {
        { "tmpfs", "tmpfs", OCCLUM_MOUNT_TMPFS, tmpfs_option },
        { "ramfs", "tmpfs", OCCLUM_MOUNT_TMPFS, tmpfs_option },
        { "hostfs", "hostfs", OCCLUM_MOUNT_HOSTFS, hostfs_option },
        { "ext2", "ext2", OCCLUM_MOUNT_VOLUME, volume_option },
        { "proc", "proc", OCCLUM_MOUNT_PROCFS, no_option },
        { "devtmpfs", "devtmpfs", OCCLUM_MOUNT_DEVFS, no_option },
    };
    struct mount_options o = { .dir = source };
    size_t i = 0;

    while (i < ARRAY_SIZE(types) && !str_eq(types[i].name, type))
        i++;
    if (i == ARRAY_SIZE(types))
        return -ENODEV;
    *ret_type = types[i].shown;
    char *copy = data ? kstrdup(data) : NULL; // o->dir points into it
    int err = data && !copy ? -ENOMEM : read_options(copy, types[i].take, &o);
    bool of_host = types[i].type == OCCLUM_MOUNT_HOSTFS || types[i].type == OCCLUM_MOUNT_VOLUME;
    if (!err && of_host && (!o.dir || !*o.dir))
        err = -EINVAL;
    if (!err && types[i].type == OCCLUM_MOUNT_TMPFS)
        err = make_tmpfs(&o, ret_root);
    else if (!err && types[i].type == OCCLUM_MOUNT_HOSTFS)
        err = make_hostfs(o.dir, ret_root);
    else if (!err && types[i].type == OCCLUM_MOUNT_VOLUME)
        err = make_volume(o.dir, o.size, ret_root);
    else if (!err)
        err = types[i].type == OCCLUM_MOUNT_PROCFS ? make_proc(ret_root) : devfs_create(ret_root);
    kfree(copy);
    return err;
}
