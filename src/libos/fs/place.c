// SPDX-License-Identifier: BSD-3-Clause
#include "libos/fs/place.h"
#include "base/string.h"
#include "libos/fs/file.h"
#include "libos/mem/heap.h"

enum { BUCKETS = 64 };

struct place {
    struct list_head link;
    const struct inode *inode; // compared with only
    u32 refs;                  // guarded by `lock`, as is what follows
    bool removed;
    struct inode *dir; // owned
    char *name;        // a component of dir; when it was removed: the path it had, "" if there was no memory to keep it
};

static struct mutex lock = MUTEX_INIT(LOCK_PLACES);
static struct list_head buckets[BUCKETS];

static struct list_head *bucket_of(const struct inode *inode)
{
    struct list_head *bucket = &buckets[((u64)(uintptr_t)inode >> 6) % BUCKETS];
    if (!bucket->next)
        list_init(bucket);
    return bucket;
}

// Locked.
static struct place *find(struct inode *dir, const char *name, const struct inode *inode)
{
    struct place *place;
    list_for_each (place, bucket_of(inode), link)
        if (place->inode == inode && !place->removed && place->dir == dir && str_eq(place->name, name))
            return place;
    return NULL;
}

struct place *place_get(struct inode *dir, const char *name, const struct inode *inode)
{
    mutex_lock(&lock);
    struct place *place = find(dir, name, inode);
    if (place) {
        place->refs++;
    } else if ((place = kzalloc(sizeof(*place))) != NULL) {
        *place = (struct place){ .inode = inode, .refs = 1, .dir = inode_ref(dir), .name = kstrdup(name) };
        list_add(&place->link, bucket_of(inode));
    }
    bool whole = place && place->name;
    mutex_unlock(&lock);
    if (place && !whole) {
        place_put(place);
        return NULL;
    }
    return place;
}

struct place *place_of_inode(const struct inode *inode)
{
    struct place *place, *found = NULL;

    mutex_lock(&lock);
    list_for_each (place, bucket_of(inode), link) {
        if (place->inode == inode) {
            place->refs++;
            found = place;
            break;
        }
    }
    mutex_unlock(&lock);
    return found;
}

void place_put(struct place *place)
{
    if (!place)
        return;
    mutex_lock(&lock);
    bool last = --place->refs == 0;
    if (last)
        list_del(&place->link);
    mutex_unlock(&lock);
    if (!last)
        return;
    inode_unref(place->dir);
    kfree(place->name);
    kfree(place);
}

// Appends "/name" to the path of len bytes in buf: the new length, or -ERANGE.
static long append(char *buf, size_t size, long len, const char *name)
{
    size_t n = strlen(name), at = (size_t)len;

    if (at + n + 2 > size)
        return -ERANGE;
    if (!at || buf[at - 1] != '/')
        buf[at++] = '/';
    memcpy(buf + at, name, n + 1);
    return (long)(at + n);
}

long place_path(struct place *place, char *buf, size_t size)
{
    char name[256 + sizeof(" (deleted)")];

    mutex_lock(&lock);
    bool removed = place->removed;
    struct inode *dir = inode_ref(place->dir);
    size_t n = strlen(place->name);
    bool fits = n + sizeof(" (deleted)") <= (removed ? size : sizeof(name));
    if (fits)
        memcpy(removed ? buf : name, place->name, n + 1);
    mutex_unlock(&lock);
    long len = -ERANGE;
    if (fits && removed) {
        memcpy(buf + n, " (deleted)", sizeof(" (deleted)"));
        len = (long)(n + sizeof(" (deleted)") - 1);
    } else if (fits) {
        len = inode_path(dir, buf, size);
        if (len >= 0)
            len = append(buf, size, len, name);
    }
    inode_unref(dir);
    return len;
}

struct inode *place_where(struct place *place, char *name, size_t size)
{
    mutex_lock(&lock);
    bool there = !place->removed && strlen(place->name) < size;
    struct inode *dir = there ? inode_ref(place->dir) : NULL;
    if (there)
        memcpy(name, place->name, strlen(place->name) + 1);
    mutex_unlock(&lock);
    return dir;
}

// Somebody holds the name, so that its path is worth finding out: a reference.
static struct place *held(struct inode *dir, const char *name, const struct inode *inode)
{
    mutex_lock(&lock);
    struct place *place = find(dir, name, inode);
    if (place)
        place->refs++;
    mutex_unlock(&lock);
    return place;
}

void place_removed(struct inode *dir, const char *name, const struct inode *inode)
{
    struct place *place = held(dir, name, inode);
    if (!place)
        return;
    char *path = kmalloc(PATH_BYTES);
    if (!path || place_path(place, path, PATH_BYTES) < 0) {
        kfree(path);
        path = kstrdup("");
    }
    mutex_lock(&lock);
    char *old = place->name;
    if (path && !place->removed) {
        place->name = path;
        place->removed = true;
        path = old;
    }
    mutex_unlock(&lock);
    kfree(path);
    place_put(place);
}

void place_moved(struct inode *dir, const char *name, const struct inode *inode, struct inode *new_dir,
                 const char *new_name)
{
    struct place *place = held(dir, name, inode);
    if (!place)
        return;
    char *copy = kstrdup(new_name);
    struct inode *old_dir = NULL;
    mutex_lock(&lock);
    if (copy && !place->removed) {
        char *old = place->name;
        place->name = copy;
        copy = old;
        old_dir = place->dir;
        place->dir = inode_ref(new_dir);
    }
    mutex_unlock(&lock);
    kfree(copy);
    if (old_dir)
        inode_unref(old_dir);
    place_put(place);
}
