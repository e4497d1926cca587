// SPDX-License-Identifier: BSD-3-Clause
// What the image has in a folder. Read when it is first asked for, and kept: the image does not change.
#include "libos/fs/volfs/volfs_node.h"
#include "libos/mem/heap.h"

struct reading {
    struct volfs_node *dir;
    u64 order;
    int err;
};

static struct rb_node **find_link(struct volfs_node *dir, const char *name, struct rb_node **ret_parent)
{
    struct rb_node **link = &dir->lower_names.root;

    *ret_parent = NULL;
    while (*link) {
        int order = strcmp(name, container_of(*link, struct volfs_lower, by_name)->name);
        if (!order)
            break;
        *ret_parent = *link;
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    return link;
}

static int take(const char *name, size_t len, u64 handle, u64 ino, u32 type, void *arg)
{
    struct reading *r = arg;
    struct volfs_lower *entry = kzalloc(sizeof(*entry) + len + 1);
    struct rb_node *parent;

    if (!entry) {
        r->err = -ENOMEM;
        return 1;
    }
    memcpy(entry->name, name, len);
    entry->handle = handle;
    entry->ino = ino;
    entry->type = type;
    entry->order = ++r->order;
    struct rb_node **link = find_link(r->dir, entry->name, &parent);
    if (*link) { // a name twice: the image is not what mkfs makes
        kfree(entry);
        r->err = -EIO;
        return 1;
    }
    rb_insert(&r->dir->lower_names, &entry->by_name, parent, link);
    list_add_tail(&entry->by_order, &r->dir->lower_order);
    return 0;
}

void volfs_lower_free(struct volfs_node *dir)
{
    struct volfs_lower *entry, *next;

    list_for_each_safe (entry, next, &dir->lower_order, by_order)
        kfree(entry);
    list_init(&dir->lower_order);
    dir->lower_names = (struct rb_tree){ 0 };
}

int volfs_lower_read(struct volfs_node *dir)
{
    struct reading r = { .dir = dir };

    if (dir->lower_read || !dir->has_lower)
        return 0;
    int err = dir->fs->lower->for_each(dir->lower, take, &r);
    if (r.err)
        err = r.err;
    if (err)
        volfs_lower_free(dir);
    else
        dir->lower_read = true;
    return err;
}

int volfs_lower_find(struct volfs_node *dir, const char *name, const struct volfs_lower **ret_lower)
{
    struct rb_node *parent;
    int err = volfs_lower_read(dir);

    if (err)
        return err;
    struct rb_node *found = *find_link(dir, name, &parent);
    *ret_lower = found ? container_of(found, struct volfs_lower, by_name) : NULL;
    return 0;
}

bool volfs_is_whiteout(const struct ext2_file *file) { return S_ISCHR(file->raw.mode) && !ext2_rdev(file); }
