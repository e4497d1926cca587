// SPDX-License-Identifier: BSD-3-Clause
// Listing a folder: the volume's entries first, then those of the image that the volume does not hide.
#include "libos/fs/volfs/volfs_node.h"

// Positions: those of ext2, then LOWER_BASE + the order of the image's name.
static const u64 lower_base = 1ull << 40;

struct listing {
    struct volfs_node *dir;
    struct dir_sink *sink;
    u64 *position;
    bool full;
    int err;
};

static const u8 dirent_types[] = {
    [EXT2_FT_REG] = S_IFREG >> 12,    [EXT2_FT_DIR] = S_IFDIR >> 12,  [EXT2_FT_CHR] = S_IFCHR >> 12,
    [EXT2_FT_BLK] = S_IFBLK >> 12,    [EXT2_FT_FIFO] = S_IFIFO >> 12, [EXT2_FT_SOCK] = S_IFSOCK >> 12,
    [EXT2_FT_SYMLINK] = S_IFLNK >> 12
};

static bool is_dots(const char *name, size_t len)
{
    return name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));
}

// The inode number that stat(2) tells, for d_ino; whiteouts are not shown.
static int look(struct volfs_node *dir, const char *name, size_t len, u32 ino, u32 type, u64 *ret_ino, bool *ret_hidden)
{
    struct ext2_file file;

    *ret_hidden = false;
    if (is_dots(name, len)) {
        *ret_ino = volfs_ino(len == 1 ? dir : dir->parent);
        return 0;
    }
    int err = ext2_load(dir->fs->ext2, ino, &file);
    *ret_hidden = type == EXT2_FT_CHR && dir->fs->lower && volfs_is_whiteout(&file);
    return err || *ret_hidden ? err : volfs_ino_of(dir->fs, &file, ret_ino);
}

static int visit_upper(void *arg, const char *name, size_t len, u32 ino, u32 type, u64 next)
{
    struct listing *l = arg;
    u64 shown = 0;
    bool hidden;

    l->err = look(l->dir, name, len, ino, type, &shown, &hidden);
    if (l->err)
        return 1;
    if (hidden || (l->dir == l->dir->fs->root && ino == l->dir->fs->ext2->lost_found))
        return 0;
    l->full = l->sink->emit(l->sink, name, len, shown, type < ARRAY_SIZE(dirent_types) ? dirent_types[type] : 0, next);
    return l->full;
}

static int list_lower(struct listing *l)
{
    struct volfs_node *dir = l->dir;
    u64 from = *l->position > lower_base ? *l->position - lower_base : 0;
    const struct volfs_lower *entry;
    int err = volfs_lower_read(dir);

    if (err)
        return err;
    list_for_each (entry, &dir->lower_order, by_order) {
        size_t len = strlen(entry->name);
        u32 ino;
        if (entry->order <= from)
            continue;
        err = dir->has_upper ? ext2_find(dir->fs->ext2, &dir->upper, entry->name, len, &ino) : -ENOENT;
        if (err && err != -ENOENT)
            return err;
        u64 next = lower_base + entry->order;
        if (err == -ENOENT && l->sink->emit(l->sink, entry->name, len, entry->ino, entry->type, next))
            break;
        *l->position = next;
    }
    return 0;
}

// "." and ".." of a folder that is the image's alone.
static int list_dots(struct listing *l)
{
    static const char dots[] = "..";

    for (u64 at = *l->position; at < 2; at++) {
        struct volfs_node *node = at ? l->dir->parent : l->dir;
        if (l->sink->emit(l->sink, dots, at + 1, volfs_ino(node), S_IFDIR >> 12, at + 1))
            return 1;
        *l->position = at + 1;
    }
    return 0;
}

static int getdents(struct file *file, struct dir_sink *sink, u64 *position)
{
    struct volfs_node *dir = vnode_of(file->inode);
    struct listing l = { .dir = dir, .sink = sink, .position = position };
    int err = 0;

    volfs_lock(dir->fs);
    if (dir->orphan)
        err = -ENOENT;
    else if (*position < lower_base && dir->has_upper)
        err = ext2_for_each(dir->fs->ext2, &dir->upper, position, visit_upper, &l);
    else if (*position < lower_base)
        l.full = list_dots(&l);
    if (!err)
        err = l.err;
    if (!err && !l.full && dir->has_lower)
        err = list_lower(&l);
    volfs_unlock(dir->fs);
    return err == -EBADMSG || err == -EUCLEAN ? -EIO : err;
}

static int fsync_dir(struct file *file) { return volfs_sync(file->inode); }

const struct file_ops volfs_dir_ops = { .getdents = getdents, .fsync = fsync_dir };

struct emptiness {
    struct dir_sink sink;
    bool found;
};

static int note(struct dir_sink *sink, const char *name, size_t len, u64 ino, u32 type, u64 next)
{
    struct emptiness *e = container_of(sink, struct emptiness, sink);
    if (is_dots(name, len))
        return 0;
    e->found = true;
    return 1;
}

int volfs_is_empty(struct volfs_node *dir)
{
    struct emptiness e = { .sink = { .emit = note } };
    u64 position = 0;
    struct listing l = { .dir = dir, .sink = &e.sink, .position = &position };
    int err = 0;

    if (dir->has_upper)
        err = ext2_for_each(dir->fs->ext2, &dir->upper, &position, visit_upper, &l);
    if (!err)
        err = l.err;
    if (!err && !e.found && dir->has_lower)
        err = list_lower(&l);
    return err ? err : !e.found;
}
