// SPDX-License-Identifier: BSD-3-Clause
#include "libos/vm/learn.h"

#include "base/bitmap.h"
#include "base/fmt.h"
#include "base/string.h"
#include "libos/mem/heap.h"
#include "trusted/ocall.h"

enum { PATH_BYTES = 512, LINE_BYTES = 32 << 10 };

struct learned {
    struct learned *next;
    char *path;
    u64 size; // bytes of the file
    u64 pages;
    u64 touched[]; // bitmap
};

static bool on; // written at boot
static struct spinlock lock = SPINLOCK_INIT(LOCK_LEARN);
static struct learned *all; // guarded by lock; grows only

void learn_start(void) { on = true; }
bool learn_is_on(void) { return on; }

static struct learned *find(const char *path, u64 size)
{
    struct learned *l = all;
    while (l && (l->size != size || !str_eq(l->path, path)))
        l = l->next;
    return l;
}

// NULL without memory: then a file is not learned.
static struct learned *make(const char *path, u64 size)
{
    u64 pages = DIV_ROUND_UP(size, PAGE_SIZE);
    struct learned *l = kzalloc(sizeof(*l) + BITMAP_WORDS(pages) * sizeof(u64));
    char *copy = kstrdup(path);

    if (!l || !copy) {
        kfree(l);
        kfree(copy);
        return NULL;
    }
    l->path = copy;
    l->size = size;
    l->pages = pages;
    return l;
}

void learn_note(const struct vm_filemap *map, u64 first, u64 count)
{
    char path[PATH_BYTES];
    u64 size = map->ops->size(map->file);

    if (map->ops->path(map->file, path, sizeof(path)) >= sizeof(path))
        return;
    struct learned *fresh = make(path, size);
    spin_lock(&lock);
    struct learned *l = find(path, size);
    if (!l && fresh) {
        fresh->next = all;
        all = l = fresh;
        fresh = NULL;
    }
    for (u64 i = first; l && i < MIN(first + count, l->pages); i++)
        bitmap_set(l->touched, i);
    spin_unlock(&lock);
    if (fresh)
        kfree(fresh->path);
    kfree(fresh);
}

// "SIZE FIRST+COUNT,FIRST+COUNT,... PATH\n"; what does not fit is left out.
static size_t write_line(const struct learned *l, char *line)
{
    size_t path = strlen(l->path), used = fmt_format(line, LINE_BYTES, "%lu ", l->size);
    const char *comma = "";

    for (u64 i = 0, end; i < l->pages && used + 48 + path < LINE_BYTES; i = end) {
        for (end = i + 1; end < l->pages && bitmap_test(l->touched, end) == bitmap_test(l->touched, i);)
            end++;
        if (!bitmap_test(l->touched, i))
            continue;
        used += fmt_format(line + used, LINE_BYTES - used, "%s%lu+%lu", comma, i, end - i);
        comma = ",";
    }
    return used + fmt_format(line + used, LINE_BYTES - used, " %s\n", l->path);
}

void learn_tell(void)
{
    char *line = on ? kpages_alloc(LINE_BYTES / PAGE_SIZE) : NULL;

    if (!line)
        return;
    spin_lock(&lock);
    struct learned *l = all; // those behind it stay as they are but for bits that come late
    spin_unlock(&lock);
    for (; l; l = l->next)
        (void)ocall_learned((const u8 *)line, write_line(l, line));
    kpages_free(line, LINE_BYTES / PAGE_SIZE);
}
