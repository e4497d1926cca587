// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/host_scan.h"
#include "image/learned.h"
#include "image/parts.h"
#include "imagefmt/erofs.h"
#include "imagefmt/sites.h"

struct found {
    u64 nid;
    void *table;
    size_t size;
};

struct walk {
    int fd;
    struct erofs fs;
    u64 *folders; // still to visit
    size_t folder_count, folder_room;
    struct found *found;
    size_t found_count, found_room;
    int err;
};

// pread and no mapping: what was read of an image of many GB does not stay in this process.
static int read_image(void *ctx, u64 offset, void *buf, size_t n)
{
    const struct walk *w = ctx;
    return read_whole_range(w->fd, buf, n, offset);
}

// Makes room for one more element. False when out of memory.
static bool reserve(void **array, size_t count, size_t *room, size_t element)
{
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 64;
    void *grown = realloc(*array, more * element);
    if (!grown)
        return false;
    *array = grown;
    *room = more;
    return true;
}

// Whole file in one piece of memory: a plain one is that already.
static int scan_file(struct walk *w, const struct erofs_inode *inode)
{
    struct found found = { .nid = inode->nid };
    u8 magic[4];

    if (inode->size < 64 || erofs_read(&w->fs, inode, 0, magic, 4) != 4 || memcmp(magic, "\177ELF", 4) != 0)
        return 0;
    for (size_t i = 0; i < w->found_count; i++) // a hard link
        if (w->found[i].nid == inode->nid)
            return 0;
    u8 *copy = malloc(inode->size);
    if (!copy)
        return -ENOMEM;
    long n = erofs_read(&w->fs, inode, 0, copy, inode->size);
    int err = n == (long)inode->size ? gate_scan_file(copy, inode->size, &found.table, &found.size) : -EIO;
    free(copy);
    if (err || !found.table)
        return err;
    if (!reserve((void **)&w->found, w->found_count, &w->found_room, sizeof(*w->found))) {
        free(found.table);
        return -ENOMEM;
    }
    w->found[w->found_count++] = found;
    return 0;
}

// When a folder was last changed, or a link made, is chance: only the times of regular files mean something to
// programs, and only they shall decide over the image's bytes. Compact inodes carry no time of their own.
static int drop_time(struct walk *w, const struct erofs_inode *inode)
{
    enum { SLOT = 32, EXTENDED = 1, MTIME = 32, MTIME_BYTES = 12 };
    u64 offset = w->fs.meta_start + inode->nid * SLOT;
    const u8 zeros[MTIME_BYTES] = { 0 };
    u8 format;

    if (S_ISREG(inode->mode) || w->fs.read(w->fs.ctx, offset, &format, 1) || !(format & EXTENDED))
        return 0;
    return pwrite(w->fd, zeros, sizeof(zeros), (off_t)(offset + MTIME)) == sizeof(zeros) ? 0 : -EIO;
}

static int visit(const char *name, size_t len, u64 nid, u32 type, void *arg)
{
    struct walk *w = arg;
    struct erofs_inode inode;

    (void)name;
    (void)len;
    (void)type;
    w->err = erofs_inode(&w->fs, nid, &inode);
    if (w->err)
        return 1;
    w->err = S_ISREG(inode.mode) ? scan_file(w, &inode) : drop_time(w, &inode);
    if (S_ISDIR(inode.mode)) {
        if (reserve((void **)&w->folders, w->folder_count, &w->folder_room, sizeof(*w->folders)))
            w->folders[w->folder_count++] = nid;
        else
            w->err = -ENOMEM;
    }
    return w->err != 0;
}

static int walk_image(struct walk *w)
{
    u8 block[4096];
    struct erofs_inode dir;

    int err = erofs_open(&w->fs);
    if (!err && !reserve((void **)&w->folders, 0, &w->folder_room, sizeof(*w->folders)))
        err = -ENOMEM;
    if (err)
        return err;
    w->folders[w->folder_count++] = w->fs.root;
    err = erofs_inode(&w->fs, w->fs.root, &dir);
    if (!err)
        err = drop_time(w, &dir);
    while (!err && w->folder_count) {
        err = erofs_inode(&w->fs, w->folders[--w->folder_count], &dir);
        if (!err)
            err = erofs_for_each(&w->fs, &dir, block, visit, w);
        if (!err)
            err = w->err;
    }
    return err;
}

static int by_nid(const void *a, const void *b)
{
    u64 x = ((const struct found *)a)->nid, y = ((const struct found *)b)->nid;
    return x < y ? -1 : x > y;
}

static int write_tables(int fd, u64 at, struct walk *w, u64 *ret_size)
{
    u64 index = sizeof(struct sites_header) + w->found_count * sizeof(struct sites_entry), size = index;
    for (size_t i = 0; i < w->found_count; i++)
        size += ALIGN_UP(w->found[i].size, 8);
    u8 *area = calloc(1, size);
    if (!area)
        return -ENOMEM;
    struct sites_header header = { SITES_MAGIC, w->found_count };
    memcpy(area, &header, sizeof(header));
    u64 offset = index;
    for (size_t i = 0; i < w->found_count; i++) {
        struct sites_entry entry = { w->found[i].nid, offset, w->found[i].size };
        memcpy(area + sizeof(header) + i * sizeof(entry), &entry, sizeof(entry));
        memcpy(area + offset, w->found[i].table, w->found[i].size);
        offset += ALIGN_UP(w->found[i].size, 8);
    }
    int err = 0;
    for (u64 done = 0; !err && done < size;) {
        ssize_t n = pwrite(fd, area + done, size - done, (off_t)(at + done));
        if (n < 0 && errno != EINTR)
            err = -errno;
        done += n > 0 ? (u64)n : 0;
    }
    free(area);
    *ret_size = size;
    return err;
}

static int add_learned(struct walk *w, const char *path)
{
    struct learned_table *tables;
    size_t count;
    int err = image_learned(path, &w->fs, &tables, &count);

    for (size_t i = 0; i < count; i++) {
        bool room = !err && reserve((void **)&w->found, w->found_count, &w->found_room, sizeof(*w->found));
        if (room)
            w->found[w->found_count++] =
                (struct found){ tables[i].nid | SITES_LEARNED, tables[i].runs, tables[i].size };
        else
            free(tables[i].runs);
        err = room || err ? err : -ENOMEM;
    }
    free(tables);
    return err;
}

int image_append_sites(int fd, u64 size, const char *learned, u64 *ret_size)
{
    struct walk w = { .fd = fd };

    w.fs = (struct erofs){ .ctx = &w, .read = read_image, .size = size };
    int err = walk_image(&w);
    if (!err)
        err = add_learned(&w, learned);
    if (!err) {
        if (w.found_count)
            qsort(w.found, w.found_count, sizeof(*w.found), by_nid);
        err = write_tables(fd, size, &w, ret_size);
    }
    for (size_t i = 0; i < w.found_count; i++)
        free(w.found[i].table);
    free(w.found);
    free(w.folders);
    return err;
}
