// SPDX-License-Identifier: BSD-3-Clause
// Walks a folder that is copied. Links that stay within it are kept, others are followed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bom/paths.h"
#include "bom/pattern.h"
#include "bom/targets.h"

enum { DEPTH_MAX = 200 };

struct folder {
    const struct tree *tree;
    const struct folder *above; // NULL: the one the walk began with
    dev_t device;
    ino_t inode;
    const char *from, *to, *shown;
    unsigned depth;      // folders above it in the copied tree
    unsigned links_from; // depth that links may climb to: 0, or that of a folder outside that was followed
};

static void walk_folder(const struct tree *tree, const struct folder *above, const char *from, const char *to,
                        const char *shown, bool outside);

static void add(const struct tree *tree, struct step step)
{
    step.rank = RANK_BOM;
    step.place = tree->place;
    step.key = tree->key;
    plan_add(tree->plan, &step);
}

static bool is_excluded(const struct tree *tree, const char *shown, bool is_folder)
{
    for (size_t i = 0; i < tree->excludes->count; i++)
        if (pattern_excludes(tree->excludes->items[i].text, shown, is_folder))
            return true;
    return false;
}

// Does a link in this folder lead out of the copied tree? By its text, as rsync judges: ".." behind a name counts as
// out, because the name may be a link itself.
static bool leads_out(const struct folder *folder, const char *text)
{
    long depth = (long)folder->depth - (long)folder->links_from;
    bool named = false;
    if (*text == '/' || !*text)
        return true;
    while (*text) {
        size_t n = strcspn(text, "/");
        if (n == 2 && text[0] == '.' && text[1] == '.')
            depth--;
        else if (n && !(n == 1 && text[0] == '.'))
            named = true;
        if (depth < 0 || (named && n == 2 && text[0] == '.' && text[1] == '.'))
            return true;
        text += n + (text[n] == '/');
    }
    return false;
}

static void walk_file(const struct tree *tree, const char *from, const char *to, const struct stat *status)
{
    char magic[4] = { 0 };
    struct arena *arena = tree->plan->arena;
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : pread(fd, magic, sizeof(magic), 0);
    if (n < 0)
        report_error(tree->plan->report, tree->place, "%s: %s cannot be read: %s", tree->key, from, strerror(errno));
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return;
    add(tree, (struct step){ .kind = STEP_FILE, .to = to, .from = from, .status = *status });
    if (n == 4 && memcmp(magic, "\177ELF", 4) == 0)
        ARENA_PUSH(arena, tree->dependents, (struct dependent){ from, to, false, tree->place, tree->key });
}

static void walk_subfolder(const struct folder *folder, const char *from, const char *to, const char *shown,
                           const struct stat *status, bool outside)
{
    const struct tree *tree = folder->tree;
    for (const struct folder *above = folder; above; above = above->above)
        if (above->device == status->st_dev && above->inode == status->st_ino) {
            report_error(tree->plan->report, tree->place,
                         "%s: the link %s leads to a folder that it lies in: it cannot be followed", tree->key, from);
            return;
        }
    if (tree->plan->root_inode == status->st_ino && tree->plan->root_device == status->st_dev) {
        report_error(tree->plan->report, tree->place, "%s: %s is the root that is copied to; leave it out by excludes",
                     tree->key, from);
        return;
    }
    add(tree, (struct step){ .kind = STEP_FOLDER, .to = to, .from = from, .status = *status });
    walk_folder(tree, folder, from, to, shown, outside);
}

static void walk_entry(const struct folder *folder, const char *name)
{
    const struct tree *tree = folder->tree;
    struct arena *arena = tree->plan->arena;
    const char *from = path_join(arena, folder->from, name),
               *to = path_normalize(arena, path_join(arena, folder->to, name));
    const char *shown = path_join(arena, folder->shown, name);
    char text[PATH_MAX] = "";
    struct stat status;
    bool outside = false;

    int err = lstat(from, &status) != 0 ? errno : 0;
    if (!err && S_ISLNK(status.st_mode)) {
        if (readlink(from, text, sizeof(text) - 1) < 0)
            text[0] = '\0';
        outside = leads_out(folder, text);
        err = outside && stat(from, &status) != 0 ? errno : 0;
    }
    // A link that is followed is excluded as what it leads to.
    if (is_excluded(tree, shown, !err && S_ISDIR(status.st_mode)))
        return;
    if (err && outside)
        report_warning(tree->plan->report, tree->place,
                       "%s: the link %s -> %s leads out of the copied folder and cannot be followed (%s): left out",
                       tree->key, from, text, strerror(err));
    else if (err)
        report_error(tree->plan->report, tree->place, "%s: %s: %s", tree->key, from, strerror(err));
    else if (S_ISLNK(status.st_mode))
        add(tree, (struct step){ .kind = STEP_LINK, .to = to, .from = arena_copy(arena, text, strlen(text)) });
    else if (S_ISREG(status.st_mode))
        walk_file(tree, from, to, &status);
    else if (S_ISDIR(status.st_mode))
        walk_subfolder(folder, from, to, shown, &status, outside);
    else
        report_warning(tree->plan->report, tree->place, "%s: %s is no file, folder or link: left out", tree->key, from);
}

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

// The names in a folder in order, or false after an error.
static bool read_names(const struct tree *tree, const char *from, struct text_list *ret)
{
    DIR *folder = opendir(from);
    errno = folder ? 0 : errno;
    for (const struct dirent *entry; folder && (entry = readdir(folder)) != NULL; errno = 0)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ARENA_PUSH(tree->plan->arena, ret, arena_copy(tree->plan->arena, entry->d_name, strlen(entry->d_name)));
    int err = errno;
    if (folder)
        closedir(folder);
    if (err) {
        report_error(tree->plan->report, tree->place, "%s: %s cannot be read: %s", tree->key, from, strerror(err));
        return false;
    }
    if (ret->count)
        qsort(ret->items, ret->count, sizeof(*ret->items), by_name);
    return true;
}

static void walk_folder(const struct tree *tree, const struct folder *above, const char *from, const char *to,
                        const char *shown, bool outside)
{
    struct folder folder = { .tree = tree, .above = above, .from = from, .to = to, .shown = shown };
    struct text_list names = { 0 };
    struct stat status;
    folder.depth = above ? above->depth + 1 : 0;
    folder.links_from = outside ? folder.depth : above ? above->links_from : 0;
    if (folder.depth > DEPTH_MAX) {
        report_error(tree->plan->report, tree->place, "%s: %s: folders are nested more than %d deep", tree->key, from,
                     DEPTH_MAX);
        return;
    }
    if (stat(from, &status) != 0 || !read_names(tree, from, &names))
        return;
    folder.device = status.st_dev;
    folder.inode = status.st_ino;
    for (size_t i = 0; i < names.count; i++)
        walk_entry(&folder, names.items[i]);
}

void tree_plan(const struct tree *tree, const char *from, const char *to, const char *shown)
{
    walk_folder(tree, NULL, from, to, shown, false);
}
