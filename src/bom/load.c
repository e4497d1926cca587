// SPDX-License-Identifier: BSD-3-Clause
// A BOM file and those it includes.
#include "bom/bom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bom/paths.h"

struct identity {
    dev_t device;
    ino_t inode;
};

struct loading {
    struct arena *arena;
    struct report *report;
    const struct text_list *include_dirs;
    struct bom_list *list;
    struct identities {
        struct identity *items;
        size_t count, room;
    } done;
    // The files whose includes are being read, outermost first.
    struct identity open[BOM_DEPTH_MAX];
    const char *open_names[BOM_DEPTH_MAX];
    size_t depth;
};

static bool same(struct identity a, struct identity b) { return a.device == b.device && a.inode == b.inode; }

// The whole of a file, or NULL after an error.
static char *read_all(struct loading *loading, const struct bom_text *from, const char *path, int fd, size_t *ret_size)
{
    size_t size = 0, room = 64 << 10;
    char *text = malloc(room);
    ssize_t n = 1;
    while (text && n > 0 && size <= BOM_SIZE_MAX) {
        if (size == room) {
            char *grown = realloc(text, room *= 2);
            if (!grown)
                break;
            text = grown;
        }
        n = read(fd, text + size, room - size);
        size += n > 0 ? (size_t)n : 0;
    }
    if (text && n == 0) {
        *ret_size = size;
        return text;
    }
    if (size > BOM_SIZE_MAX)
        report_error(loading->report, from->place, "%s: %s is larger than %d MiB: it cannot be a BOM", from->key, path,
                     BOM_SIZE_MAX >> 20);
    else
        report_error(loading->report, from->place, "%s: %s cannot be read: %s", from->key, path, strerror(errno));
    free(text);
    return NULL;
}

static void load_file(struct loading *loading, const struct bom_text *from, const char *path);

// Where an included file lies: the first folder that has it. NULL after an error.
static const char *find_include(struct loading *loading, const struct bom *bom, const struct bom_text *include)
{
    const char *places = "";
    if (include->text[0] == '/') {
        if (access(include->text, F_OK) == 0)
            return include->text;
        report_error(loading->report, include->place, "%s: %s: %s", include->key, include->text, strerror(errno));
        return NULL;
    }
    for (size_t i = 0; i <= loading->include_dirs->count; i++) {
        const char *folder = i ? loading->include_dirs->items[i - 1] : bom->folder;
        const char *path = path_join(loading->arena, folder, include->text);
        if (access(path, F_OK) == 0)
            return path;
        places = arena_format(loading->arena, "%s%s%s", places, i ? ", " : "", folder);
    }
    report_error(loading->report, include->place, "%s: %s is in none of these folders: %s (--include-dir adds one)",
                 include->key, include->text, places);
    return NULL;
}

static bool is_cycle(struct loading *loading, const struct bom_text *from, const char *path, struct identity identity)
{
    for (size_t i = 0; i < loading->depth; i++) {
        if (!same(loading->open[i], identity))
            continue;
        const char *chain = "";
        for (; i < loading->depth; i++)
            chain = arena_format(loading->arena, "%s%s -> ", chain, loading->open_names[i]);
        report_error(loading->report, from->place, "%s: the includes go in a circle: %s%s", from->key, chain, path);
        return true;
    }
    return false;
}

static void load_open_file(struct loading *loading, const struct bom_text *from, const char *path, const char *folder,
                           int fd)
{
    struct stat status;
    size_t size;
    if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode)) {
        report_error(loading->report, from->place, "%s: %s is a folder, not a BOM", from->key, path);
        return;
    }
    struct identity identity = { status.st_dev, status.st_ino };
    if (is_cycle(loading, from, path, identity))
        return;
    for (size_t i = 0; i < loading->done.count; i++)
        if (same(loading->done.items[i], identity))
            return;
    if (loading->depth == BOM_DEPTH_MAX) {
        report_error(loading->report, from->place, "%s: includes are nested more than %d deep", from->key,
                     BOM_DEPTH_MAX);
        return;
    }
    char *text = read_all(loading, from, path, fd, &size);
    if (!text)
        return;
    struct bom *bom = arena_alloc(loading->arena, sizeof(*bom));
    bom_read(loading->arena, loading->report, path, folder, text, size, bom);
    free(text);

    loading->open[loading->depth] = identity;
    loading->open_names[loading->depth++] = path;
    for (size_t i = 0; i < bom->includes.count; i++) {
        const char *found = find_include(loading, bom, &bom->includes.items[i]);
        if (found)
            load_file(loading, &bom->includes.items[i], found);
    }
    loading->depth--;
    ARENA_PUSH(loading->arena, &loading->done, identity);
    ARENA_PUSH(loading->arena, loading->list, bom);
}

static void load_file(struct loading *loading, const struct bom_text *from, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        report_error(loading->report, from->place, "%s: %s cannot be opened: %s", from->key, path, strerror(errno));
        return;
    }
    load_open_file(loading, from, path, path_parent(loading->arena, path), fd);
    close(fd);
}

// A bare name that is not here may be one of those that includes find.
static const char *find_bare_name(struct arena *arena, const char *path, const struct text_list *include_dirs)
{
    for (size_t i = 0; i < include_dirs->count && !strchr(path, '/') && access(path, F_OK) != 0; i++) {
        const char *found = path_join(arena, include_dirs->items[i], path);
        if (access(found, F_OK) == 0)
            return found;
    }
    return path;
}

void bom_load(struct arena *arena, struct report *report, const char *path, const struct text_list *include_dirs,
              struct bom_list *ret)
{
    struct loading loading = { .arena = arena, .report = report, .include_dirs = include_dirs, .list = ret };
    struct bom_text from = { .text = path, .key = "-f" };
    if (strcmp(path, "-") == 0)
        load_open_file(&loading, &from, "(standard input)", ".", STDIN_FILENO);
    else
        load_file(&loading, &from, find_bare_name(arena, path, include_dirs));
}
